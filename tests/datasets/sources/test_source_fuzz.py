"""Damaged inputs by the hundred: each is a dataset or one clear sentence, nothing else."""

import io
import os
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.data
import pytest
from PIL import Image

from coreset_lib.datasets import LabeledImages, load_dataset
from coreset_lib.datasets.preparing import decode_pool, row_store
from coreset_lib.errors import BadFilesError, CoresetError

Write = Callable[..., Path]
PYDICOM_FILES = Path(pydicom.data.__file__).parent / "test_files"
DICOM_SEEDS = ("CT_small.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "SC_rgb_jpeg_dcmtk.dcm")
PER_SEED = 50


def image_bytes(kind: str, pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return bytes with one kind of damage."""
    kind = chance.randrange(5)
    if kind == 0:
        return content[: chance.randrange(len(content))]
    changed = bytearray(content)
    if kind == 1:
        for _ in range(chance.randrange(1, 20)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    elif kind == 2:
        start = chance.randrange(len(changed))
        del changed[start : start + chance.randrange(1, 50)]
    elif kind == 3:
        start = chance.randrange(len(changed))
        changed[start:start] = chance.randbytes(chance.randrange(1, 50))
    else:
        start = chance.randrange(min(len(changed), 400))
        changed[start : start + 8] = b"\xff" * 8
    return bytes(changed)


def png_of_size(width: int, height: int, data: bytes) -> bytes:
    """Return a PNG that claims a size, whatever its data holds."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def hostile() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents that were made to do harm."""
    yield "empty.png", b""
    yield "bomb.png", png_of_size(60_000, 60_000, b"\0" * 1000)
    yield "large.png", png_of_size(20_000, 6_000, b"\0" * 1000)
    yield "huge.png", png_of_size(2**31 - 1, 2**31 - 1, b"")
    yield "flat.png", png_of_size(1, 5000, b"\0" * 10_000)
    yield "short.png", png_of_size(100, 100, b"\0" * 50)
    yield "zip.png", b"PK\x03\x04" + b"\0" * 500
    yield "script.png", b"#!/bin/sh\necho hello\n"
    yield "page.jpg", b"<html><body>not found</body></html>"
    yield "drawing.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n"
    yield "vector.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    yield "text.dcm", b"hello " * 100
    yield "zeros.dcm", b"\0" * 5000
    yield "mark.dcm", b"\0" * 128 + b"DICM"
    yield "nan.tif", image_bytes("TIFF", np.full((28, 28), np.nan, np.float32))
    yield "inf.tif", image_bytes("TIFF", np.full((28, 28), np.inf, np.float32))
    yield "tiny.bmp", image_bytes("BMP", np.zeros((2, 2), np.uint8))
    yield "deflated.dcm", deflate_bomb()


def deflate_bomb() -> bytes:
    """Return a small DICOM file that unpacks to 300 MB."""
    content = (PYDICOM_FILES / "image_dfl.dcm").read_bytes()
    length = struct.unpack("<I", content[140:144])[0]
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = b"\0" * 2**20
    return (
        content[: 144 + length]
        + b"".join(packer.compress(block) for _ in range(300))
        + packer.flush()
    )


def raster_cases() -> Iterator[tuple[str, bytes]]:
    """Yield damaged PNG, JPEG, BMP and TIFF files."""
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28, 3), np.uint8)
    for kind, suffix in (("PNG", "png"), ("JPEG", "jpg"), ("BMP", "bmp"), ("TIFF", "tif")):
        chance = random.Random(kind)
        content = image_bytes(kind, pixels)
        for number in range(PER_SEED):
            yield f"{kind} {number}.{suffix}", damaged(content, chance)


def dicom_cases() -> Iterator[tuple[str, bytes]]:
    """Yield damaged DICOM files: plain, run-length, JPEG 2000 and JPEG."""
    for seed in DICOM_SEEDS:
        chance = random.Random(seed)
        content = (PYDICOM_FILES / seed).read_bytes()
        for number in range(PER_SEED):
            yield f"{number} {seed}", damaged(content, chance)


def check_sentence(text: str) -> None:
    """Refuse messages that are no sentence for people."""
    assert "\n" not in text
    assert text.endswith(".")
    assert "Traceback" not in text
    assert len(text) < 2500


def check_dataset(dataset: LabeledImages) -> None:
    for split in (dataset.train, dataset.val, dataset.test):
        assert split.images.dtype == np.uint8
        assert len(split) == len(split.images) == len(split.sample_ids) == len(split.sources)


@pytest.mark.parametrize("cases", [raster_cases, dicom_cases, hostile])
def test_each_damaged_file_is_read_or_refused_with_a_reason(
    write_folder: Write, cases: Callable[[], Iterator[tuple[str, bytes]]]
) -> None:
    folder = write_folder()
    written = dict(cases())
    for name, content in written.items():
        (folder / "a" / name).write_bytes(content)
    with pytest.raises(BadFilesError) as caught:
        load_dataset(folder)
    check_sentence(str(caught.value))
    reasons = dict(caught.value.bad)
    assert all(reason and "\n" not in reason and len(reason) < 200 for reason in reasons.values())
    dataset = load_dataset(folder, skip_bad=True)
    check_dataset(dataset)
    used = {s for p in (dataset.train, dataset.val, dataset.test) for s in p.sources}
    used = {source.partition("#")[0] for source in used}
    assert not used & set(reasons), [(name, reasons[name]) for name in used & set(reasons)]
    assert used | set(reasons) == {f"a/{name}" for name in written} | {
        f"{'ab'[n % 2]}/{n:03d}.png" for n in range(30)
    }
    if cases is hostile:
        assert set(reasons) == {f"a/{name}" for name in written}


def test_damage_ends_the_same_here_and_in_a_process_of_its_own(
    write_folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder()
    for name, content in raster_cases():
        (folder / "a" / name).write_bytes(content)
    apart = load_dataset(folder, skip_bad=True)
    monkeypatch.setattr(decode_pool, "FEW_FILES", 10**9)
    here = load_dataset(folder, skip_bad=True, cache=folder.parent / "elsewhere")
    assert here.fingerprint() == apart.fingerprint()
    assert here.origin is not None
    assert apart.origin is not None
    assert here.origin.bad == apart.origin.bad


NAMES = (
    "ä ö ü é.png",
    "日本語の画像.png",
    "🫁.png",
    "re\u0301sume\u0301.png",
    "a,b;c'd.png",
    "=HYPERLINK(1).png",
    "-rf.png",
    " leading and trailing .png",
    "new\nline.png",
    "tab\there.png",
    "bell\x07.png",
    "right\u202eto left.png",
    "x" * 251 + ".png",
    "%2e%2e%2f.png",
    "$(date).png",
    "CON.png",
    "'; DROP TABLE samples; --.png",
    "a#0001.png",
    b"latin \xe4.png".decode("utf-8", "surrogateescape"),
)


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_odd_file_names_are_used_or_refused(
    write_folder: Write, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = write_folder()
    monkeypatch.setattr(decode_pool, "FEW_FILES", 10**9)
    try:
        (folder / "a" / "000.png").rename(folder / "a" / name)
    except (OSError, UnicodeError):
        pytest.skip("the file system has no such names")
    try:
        dataset = load_dataset(folder)
    except BadFilesError as error:
        check_sentence(str(error))
        dataset = load_dataset(folder, skip_bad=True)
    check_dataset(dataset)
    ids = [i for p in (dataset.train, dataset.val, dataset.test) for i in p.sample_ids]
    assert len(ids) == len(set(ids))
    assert all(i.isprintable() and "," not in i for i in ids)


@pytest.mark.parametrize("number", range(120))
def test_damaged_tables_are_read_or_refused(
    data_root: Path, monkeypatch: pytest.MonkeyPatch, image_files: Path, number: int
) -> None:
    chance = random.Random(number)
    monkeypatch.setattr(decode_pool, "FEW_FILES", 10**9)
    folder = image_files / "png, grey"
    good = "\n".join(
        ["path,label,split,patient_id,sample_id,note"]
        + [
            f'"{f}",{f.parent.name},,p{n},s{n},ok'
            for n, f in enumerate(sorted(folder.rglob("*.png")))
        ]
    )
    table = data_root / "t.csv"
    table.write_bytes(damaged_table(good, chance))
    for skip_bad in (False, True):
        try:
            dataset = load_dataset(table, skip_bad=skip_bad, cache=image_files / "fuzz cache")
        except CoresetError as error:
            check_sentence(str(error))
        else:
            check_dataset(dataset)


CELLS = (
    "",
    "NaN",
    "=1+1",
    "@SUM(A1)",
    "../../../../etc/passwd",
    "/dev/zero",
    "http://127.0.0.1/x.png",
    "C:\\x.png",
    "\\\\server\\x.png",
    "a\x00b",
    "\u202e",
    "x" * 5000,
    "1e400",
    "[1, 2]",
    "train",
    "🫁",
    '"',
    "p1",
    "s1",
)


def damaged_table(good: str, chance: random.Random) -> bytes:
    """Return a table with odd cells, columns, lines or bytes."""
    kind = chance.randrange(4)
    if kind == 0:
        return damaged(good.encode(), chance)
    lines = [line.split(",") for line in good.split("\n")]
    if kind == 1:
        for _ in range(chance.randrange(1, 6)):
            row = chance.randrange(len(lines))
            lines[row][chance.randrange(len(lines[row]))] = chance.choice(CELLS)
    elif kind == 2:
        column = chance.randrange(len(lines[0]))
        for line in lines[chance.randrange(2) :]:
            line[min(column, len(line) - 1)] = chance.choice(CELLS)
    else:
        chance.shuffle(lines)
        lines[0] = lines[0] * chance.randrange(3)
    return "\n".join(",".join(line) for line in lines).encode("utf-8", "replace")


def test_a_pipe_or_a_dangling_link_is_not_waited_for(write_folder: Write) -> None:
    folder = write_folder()
    os.mkfifo(folder / "a" / "pipe.png")
    os.mkfifo(folder / "a" / "pipe")
    (folder / "a" / "link.png").symlink_to(folder / "absent.png")
    (folder / "a" / "self.png").symlink_to(folder / "a" / "self.png")
    with pytest.raises(BadFilesError) as caught:
        load_dataset(folder)
    assert set(dict(caught.value.bad)) == {"a/pipe.png", "a/link.png", "a/self.png"}


def test_a_file_that_is_changed_while_it_is_prepared_is_not_used(
    write_folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder()
    victim = folder / "a" / "000.png"
    true_decode = row_store.decode_file

    def decode(path: str, options: Any) -> Any:
        if path.endswith("000.png"):
            victim.write_bytes(victim.read_bytes() + b"more")
        return true_decode(path, options)

    monkeypatch.setattr(row_store, "decode_file", decode)
    monkeypatch.setattr(decode_pool, "FEW_FILES", 10**9)
    with pytest.raises(BadFilesError, match=r"a/000\.png was changed while it was read"):
        load_dataset(folder)
