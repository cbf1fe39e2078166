"""The prepared dataset on disk: opened in a moment, written whole or not at all."""

import hashlib
import json
import math
import secrets
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.atomic import replacing, write_bytes, write_json
from coreset_lib.datasets.files.contract import DecodeOptions, Image
from coreset_lib.datasets.files.file_record import FileRecord
from coreset_lib.datasets.preparing.row_store import SCHEMA_VERSION, RowStore
from coreset_lib.datasets.preparing.stored_images import open_images
from coreset_lib.datasets.sources.listing import PARTS, Listing
from coreset_lib.stored_array import BAD_FILE
from coreset_lib.system.locks import FileLock
from coreset_lib.system.privacy import make_private

MANIFEST = "manifest.json"
SHARDS = "shards"


@dataclass(frozen=True, kw_only=True)
class SampleTable:
    """What is known of every sample, in the order of the rows: train, val, test.

    ``sets`` are the labels of samples with any number of them, see `set_codes`; else empty.
    """

    labels: list[int]
    sample_ids: list[str]
    sources: list[str]
    patients: list[str]
    extra: dict[str, list[str]]
    sets: list[int] = field(default_factory=list[int])


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """A prepared dataset.

    Attributes
    ----------
    images : uint8 array, shape (samples, size, size) or (samples, size, size, 3)
        In their file, read as they are asked for; train, val and test one after the other.
    counts : tuple of int
        Samples of train, val, test.
    class_names : tuple of str
    samples : SampleTable
    files : tuple of FileRecord
        All files of the source, also those that cannot be used.
    bad : tuple of (str, str)
        Source and reason of each file that cannot be used.
    notes : tuple of str
        How splits were made and what was passed over.
    concerns : tuple of str
        Those of the notes that a person has to look at.
    """

    images: NDArray[np.uint8]
    counts: tuple[int, int, int]
    class_names: tuple[str, ...]
    samples: SampleTable
    files: tuple[FileRecord, ...]
    bad: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    concerns: tuple[str, ...] = ()

    def rows(self, part: str) -> slice:
        """Return the rows of a split."""
        number = PARTS.index(part)
        start = sum(self.counts[:number])
        return slice(start, start + self.counts[number])


def prepared_folder(cache: Path, root: Path, options: DecodeOptions) -> Path:
    """Return where the images of a source are kept, for one way to decode them."""
    # Pseudonyms made with another key are other patients. The key itself stays secret.
    secret = hashlib.sha256(options.pseudonym_key.encode()).hexdigest()
    known = {**_key_fields(options), "pseudonym_key": secret}
    key = json.dumps([SCHEMA_VERSION, str(root), known], sort_keys=True)
    return cache / "prepared" / hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:20]


def content_key(listing: Listing, options: DecodeOptions) -> str:
    """Return a hash of everything that decides the result: files, labels, options."""
    whole = [SCHEMA_VERSION, _key_fields(options), listing.extra_columns, listing.notes]
    digest = hashlib.sha256(json.dumps(whole).encode())
    if listing.label_names or listing.is_group_chosen:
        digest.update(repr((listing.label_names, listing.is_group_chosen)).encode())
    for item in listing.items:
        fields = (item.path, item.source, item.label, item.part, item.sample_id, item.patient_id)
        line = (*fields, item.size, item.mtime, item.problem, *item.extra)
        line = (*line, "group", item.group) if item.group else line
        digest.update(repr(line).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def _key_fields(options: DecodeOptions) -> dict[str, Any]:
    """Return the options under the names and in the order that datasets were first kept by."""
    return {
        "image_size": options.image_size,
        "window": options.grey_window,
        "pseudonym_key": options.pseudonym_key,
    }


def read_prepared(folder: Path, content: str | None = None) -> Prepared | None:
    """Open a prepared dataset; None if there is none of this content, or not a whole one."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if manifest["schema_version"] != SCHEMA_VERSION:
            return None
        if content is not None and manifest["content"] != content:
            return None
        return _open(folder, manifest)
    except (*BAD_FILE, KeyError, AttributeError):
        return None


def _open(folder: Path, manifest: dict[str, Any]) -> Prepared | None:
    """Open the parts that a manifest names and check that they belong together."""
    table_bytes = (folder / manifest["table"]).read_bytes()
    if hashlib.sha256(table_bytes).hexdigest() != manifest["table_sha256"]:
        return None
    table = json.loads(table_bytes)
    images = open_images(folder / manifest["images"])
    if list(images.shape) != manifest["form"] or images.dtype != np.uint8:
        return None
    train, val, test = manifest["counts"]
    if train + val + test != len(images) or len(table["samples"]["labels"]) != len(images):
        return None
    return Prepared(
        images=images,
        counts=(train, val, test),
        class_names=tuple(manifest["class_names"]),
        samples=SampleTable(**table["samples"]),
        files=tuple(FileRecord.parse(values) for values in table["files"]),
        bad=tuple((source, reason) for source, reason in table["bad"]),
        notes=tuple(manifest["notes"]),
        concerns=tuple(manifest.get("concerns", ())),
    )


def known_rows(folder: Path) -> Iterator[tuple[RowStore, Iterable[FileRecord]]]:
    """Yield the images of a dataset that was prepared before, with their files."""
    found = read_prepared(folder)
    if found is not None:
        yield RowStore({1 if found.images.ndim == 3 else 3: found.images}), found.files


def write_prepared(
    folder: Path,
    content: str,
    images: Iterable[Image],
    form: tuple[int, ...],
    *,
    counts: tuple[int, int, int],
    class_names: tuple[str, ...],
    samples: SampleTable,
    files: Iterable[FileRecord],
    bad: tuple[tuple[str, str], ...],
    notes: tuple[str, ...],
    concerns: tuple[str, ...] = (),
) -> None:
    """Write a prepared dataset; it exists once its manifest is there, which comes last.

    Raises
    ------
    OSError
        If the disk takes no more; what was there before stays valid.
    """
    name = secrets.token_hex(6)
    images_file, table_file = folder / f"images-{name}.npy", folder / f"table-{name}.json"
    try:
        _write_images(images_file, images, form)
        table = {"samples": asdict(samples), "files": list(files), "bad": bad}
        table_bytes = json.dumps(table).encode()
        write_bytes(table_file, table_bytes)
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "content": content,
            "images": images_file.name,
            "table": table_file.name,
            "table_sha256": hashlib.sha256(table_bytes).hexdigest(),
            "form": form,
            "counts": counts,
            "class_names": class_names,
            "notes": notes,
            "concerns": concerns,
        }
        write_json(folder / MANIFEST, manifest)
    except BaseException:
        images_file.unlink(missing_ok=True)
        table_file.unlink(missing_ok=True)
        raise
    _remove_others(folder, keep={images_file.name, table_file.name, MANIFEST})


def _write_images(path: Path, images: Iterable[Image], form: tuple[int, ...]) -> None:
    """Write an array row by row, so that memory holds one row."""
    header = {"descr": "|u1", "fortran_order": False, "shape": form}
    n_rows = 0
    with replacing(path) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for image in images:
            row = image
            if len(form) == 4 and image.ndim == 2:
                row = np.repeat(image[..., None], 3, axis=2)
            assert row.shape == form[1:]
            file.write(np.ascontiguousarray(row).data)
            n_rows += 1
    assert n_rows == form[0]


def _remove_others(folder: Path, keep: set[str]) -> None:
    """Delete shards and what an earlier preparation left; readers keep what they have open."""
    for path in (*folder.iterdir(), *(folder / SHARDS).glob("*")):
        if path.is_file() and path.name not in keep and path.name != ".lock":
            with suppress(OSError):
                path.unlink()


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Keep other processes from preparing the same source at the same time.

    Where the system has no such locks, two processes do the same work twice; neither
    spoils it, since every file gets a name of its own.
    """
    make_private(folder)
    (folder / SHARDS).mkdir(exist_ok=True)
    lock = FileLock(folder / ".lock")
    lock.acquire(patience=math.inf)
    try:
        yield
    finally:
        lock.release()
