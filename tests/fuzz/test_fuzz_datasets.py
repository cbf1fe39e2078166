"""Folders and tables as nobody would make them: no traceback, and no file or row vanishes.

`CORESET_LENS_FUZZ_DATASETS=5000 python -m pytest tests/fuzz/test_fuzz_datasets.py` tries more.
"""

import os
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from coreset_lib.configs import LABELS_PER_IMAGE, MARK_POLICIES
from coreset_lib.datasets import load_dataset
from coreset_lib.datasets.sources.choices import ReadingChoices
from coreset_lib.datasets.sources.folder import list_folder
from coreset_lib.datasets.sources.grouping import group_listing
from coreset_lib.datasets.sources.listing import Listing
from coreset_lib.datasets.sources.preview import guess_table, preview
from coreset_lib.datasets.sources.table import list_table
from coreset_lib.errors import CoresetError, DatasetError

COUNT = int(os.environ.get("CORESET_LENS_FUZZ_DATASETS", "300"))
SPLITS = ("train", "Training", "val", "valid", "test", "holdout", "TEST")
CLASSES = ("a", "b", "COVID", "no finding", "5", "Ä ß", "x" * 60, "nodule|mass", "=1+1")
IMAGES = (".png", ".JPG", ".jpeg", ".dcm", ".tif", ".webp", ".nii", ".nii.gz")
OTHERS = (".txt", ".csv", ".xyz", ".mha", ".db", ".mp4", "")
WORDS = ("", "mask", "masks", "patient 1", "patient 2", "deep/er", ".hidden", "images")
PATTERNS = ("", "folder", "label", "path", r"^\w", r"(\d)", "(", "zzz", "nobody", r"\d+|")
CELLS = (
    "0",
    "1",
    "-1",
    "",
    "1.0",
    "a",
    "b",
    "a|b",
    "a;b",
    "no finding",
    "nan",
    "=cmd",
    "é\u200b",
    "7",
)
HEADERS = (
    *("path", "label", "split", "patient_id", "sample_id", "image", "dx", "mark", "other", ""),
    *("Image Index", "Finding Labels", "target", "lesion_id", "reader"),
)
COUNTED = (
    r"(\d+) files? (?:is|are) no image",
    r"(\d+) files? looks? like masks",
    r"(\d+) files? of class .* (?:is|are) left out, of kinds",
    r"(\d+) images? lies? outside the class folders",
    r"Folder .* looks like masks .* with (\d+) files in it",
)
LEFT_OUT = (r"(\d+) more rows of the same images", r"(\d+) rows? (?:is|are) left out for a mark")


def plain(error: CoresetError) -> None:
    """Check that an error is one sentence for people."""
    text = str(error)
    assert text
    assert "\n" not in text
    assert "Traceback" not in text


def counted(notes: tuple[str, ...], patterns: tuple[str, ...]) -> int:
    """Return how many files or rows the notes speak of."""
    found = (re.match(pattern, note) for note in dict.fromkeys(notes) for pattern in patterns)
    return sum(int(match[1]) for match in found if match)


def make_folder(root: Path, chance: random.Random, write: Callable[[Path], None]) -> int:
    """Write a folder of any layout and return how many images can be seen in it."""
    layout = chance.choice(("classes", "splits", "classes/splits", "wrapped", "flat"))
    n_files = 0
    for _ in range(chance.randrange(1, 25)):
        label, part = chance.choice(CLASSES), chance.choice(SPLITS)
        above = {
            "classes": label,
            "splits": f"{part}/{label}",
            "classes/splits": f"{label}/{part}",
            "wrapped": f"data/{label}",
            "flat": "",
        }[layout]
        name = f"{chance.choice(('img', 'mask_img', 'img_seg', '.DS'))}{chance.randrange(6)}"
        name += chance.choice(IMAGES * 3 + OTHERS)
        path = root / above / chance.choice(WORDS) / name
        try:
            if path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)
        except OSError:  # a file stands where a folder should be
            continue
        is_seen = not any(part.startswith(".") for part in path.relative_to(root).parts)
        n_files += is_seen and path.name.endswith(IMAGES)
    return n_files


@pytest.mark.parametrize("seed", range(10))
def test_every_file_of_a_folder_is_used_or_named(seed: int, tmp_path: Path) -> None:
    for number in range(-(-COUNT // 20)):
        chance = random.Random(f"folder {seed} {number}")
        root = tmp_path / str(number)
        root.mkdir()
        n_files = make_folder(root, chance, lambda path: path.write_bytes(b""))
        try:
            listing = list_folder(root)
        except DatasetError as error:
            plain(error)
            continue
        n_named = counted((*listing.notes, *listing.concerns), COUNTED)
        assert len(listing.items) <= n_files <= len(listing.items) + n_named, listing.notes
        check_groups(listing, chance)


def check_groups(listing: Listing, chance: random.Random) -> None:
    """Group a listing by anything."""
    try:
        grouped = group_listing(listing, chance.choice(PATTERNS[1:]))
    except DatasetError as error:
        plain(error)
        return
    assert [item.path for item in grouped.items] == [item.path for item in listing.items]
    assert any(item.group for item in grouped.items)


def make_table(path: Path, chance: random.Random) -> int:
    """Write a table of any kind and return its rows that are not empty."""
    header = chance.sample(HEADERS, chance.randrange(1, 7))
    if chance.random() < 0.8:
        header = list(dict.fromkeys(["path", "label", *header]))
    separator = chance.choice((",", ";", "\t"))
    lines, n_rows = [separator.join(header)], 0
    for number in range(chance.randrange(0, 30)):
        cells = [chance.choice(CELLS) for _ in header]
        for column, name in enumerate(header):
            if name in ("path", "image", "Image Index"):
                cells[column] = f"f{chance.choice((number, number, 3))}.png"
            if name == "split":
                cells[column] = chance.choice(("train", "test", "val"))
            if name == "sample_id":
                cells[column] = f"s{number}"
        cells = cells[: chance.choice((len(cells),) * 400 + (1,))]
        n_rows += any(cell.strip() for cell in cells)
        lines.append(separator.join(cells))
    text = chance.choice(("\n", "\r\n")).join(lines)
    content = text.encode(chance.choice(("utf-8", "utf-8-sig", "utf-16", "latin-1")), "replace")
    if chance.random() < 0.05:
        content = content[: chance.randrange(len(content) + 1)] + chance.randbytes(3)
        n_rows = -1
    path.write_bytes(content)
    return n_rows


def look(path: Path, choices: ReadingChoices) -> None:
    """Look at a table before it is read."""
    try:
        guess_table(path)
        preview(path, choices)
    except DatasetError as error:
        plain(error)


def make_choices(chance: random.Random) -> ReadingChoices:
    """Return choices that may or may not fit."""

    def seldom(values: tuple[str, ...]) -> str:
        return chance.choice(values) if chance.random() < 0.12 else ""

    return ReadingChoices(
        path_column=seldom(("path", "Image", "none", "dx")),
        label_column=seldom(("label", "mark", "dx,mark", "mark,target", "folder", ",", "none")),
        image_folder=seldom((".", "nowhere", "..")),
        ending=seldom((".png", ".jpg")),
        labels_per_image=seldom(LABELS_PER_IMAGE),
        uncertain=seldom(MARK_POLICIES),
        blank=seldom(MARK_POLICIES),
        group_by=seldom(PATTERNS),
    )


@pytest.mark.parametrize("seed", range(10))
def test_every_row_of_a_table_is_used_or_named(seed: int, tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"f{number}.png").write_bytes(b"")
    outcomes = Counter[str]()
    for number in range(-(-COUNT // 20)):
        chance = random.Random(f"table {seed} {number}")
        path = tmp_path / "table.csv"
        n_rows = make_table(path, chance)
        choices = make_choices(chance)
        look(path, choices)
        try:
            listing = list_table(path, choices=choices)
        except DatasetError as error:
            plain(error)
            outcomes["refused"] += 1
            continue
        outcomes["read"] += 1
        n_named = counted((*listing.notes, *listing.concerns), LEFT_OUT)
        assert n_rows in (-1, len(listing.items) + n_named), (number, listing.notes)
        assert len({item.sample_id for item in listing.items}) == len(listing.items)
    assert outcomes["read"]
    assert outcomes["refused"]


@pytest.mark.parametrize("seed", range(3))
def test_every_file_of_a_folder_becomes_a_sample_or_is_named(seed: int, tmp_path: Path) -> None:
    for number in range(-(-COUNT // 100)):
        chance = random.Random(f"samples {seed} {number}")
        root = tmp_path / f"set{number}"
        pixels = np.random.default_rng(number)

        def write(path: Path, chance=chance, pixels=pixels) -> None:
            if not path.name.lower().endswith((".png", ".jpg", ".tif")) or chance.random() < 0.1:
                path.write_bytes(chance.randbytes(20))
                return
            form = (8 + chance.randrange(30), 8 + chance.randrange(30), 3)[: chance.choice((2, 3))]
            kind = {".png": "PNG", ".jpg": "JPEG", ".tif": "TIFF"}[path.suffix.lower()]
            Image.fromarray(pixels.integers(0, 256, form, np.uint8)).save(path, kind)

        root.mkdir()
        make_folder(root, chance, write)
        try:
            dataset = load_dataset(root, skip_bad=True, cache=tmp_path / "cache")
        except CoresetError as error:
            plain(error)
            continue
        assert dataset.origin is not None
        n_samples = len(dataset.train) + len(dataset.val) + len(dataset.test)
        assert n_samples + len(dataset.origin.bad) == len(list_folder(root).items)
