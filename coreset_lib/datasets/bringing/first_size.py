"""The image size to begin with: from a few originals, before any of them is read in full."""

import os
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from coreset_lib.configs import IMAGE_SIZES
from coreset_lib.datasets.checking.sizes import MOST_SHRUNK
from coreset_lib.datasets.files.contract import DecodeOptions, UnreadableFile
from coreset_lib.datasets.files.decoding import decode_file
from coreset_lib.datasets.sources.choices import ReadingChoices
from coreset_lib.datasets.sources.folder_layout import is_hidden
from coreset_lib.datasets.sources.listing import ALL_SUFFIXES, is_within
from coreset_lib.datasets.sources.preview import preview
from coreset_lib.errors import CoresetError

MOST_FILES = 9
MOST_IN_FOLDER = 3
MOST_FOLDERS = 200
OPTIONS = DecodeOptions(image_size=IMAGE_SIZES[0], grey_window="file", pseudonym_key="")


def usual_side(path: Path, choices: ReadingChoices, *, roots: Sequence[Path] | None = None) -> int:
    """Return the median of the shorter sides of a few originals, in pixels.

    Parameters
    ----------
    path : Path
        A folder of images, or a table that names them.
    choices : ReadingChoices
    roots : sequence of Path, optional
        The only folders that files may come from; None allows all.

    Returns
    -------
    int
        0 where no original is found, or none can be read.
    """
    found = _in_folder(path) if path.is_dir() else _in_table(path, choices, roots)
    sides: list[int] = []
    for file in found:
        if not is_within(file, roots):
            continue
        try:
            _, facts = next(decode_file(file, OPTIONS))
        except (UnreadableFile, StopIteration):
            continue
        sides.append(min(facts.height, facts.width))
        if len(sides) == MOST_FILES:
            break
    return int(statistics.median(sides)) if sides else 0


def size_for(side: int) -> int:
    """Return the image size for originals of so many pixels: none shrinks by four or more.

    The smallest size where nothing is known, the largest where none suffices.
    """
    return next((size for size in IMAGE_SIZES if side < MOST_SHRUNK * size), IMAGE_SIZES[-1])


def _in_folder(folder: Path) -> Iterator[str]:
    """Yield a few images of each folder below one, without a full walk."""
    for number, (place, folders, names) in enumerate(os.walk(folder)):
        if number == MOST_FOLDERS:
            return
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        images = [n for n in names if n.lower().endswith(ALL_SUFFIXES)]
        yield from (os.path.join(place, name) for name in sorted(images)[:MOST_IN_FOLDER])


def _in_table(path: Path, choices: ReadingChoices, roots: Sequence[Path] | None) -> Iterator[str]:
    """Yield the first images that a table names; none where it cannot be read yet."""
    try:
        items = preview(path, choices, roots=roots).items
    except CoresetError:
        return
    yield from (item.path for item in items if not item.problem)
