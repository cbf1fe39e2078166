"""A folder of image files split into train (the coreset), val and test (whole)."""

import csv
import io
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from coreset_lib.datasets.labeled_images import Split, is_volume
from coreset_lib.errors import CoresetError
from coreset_lib.export.archive import BESIDE
from coreset_lib.export.forms.chosen import ChosenSamples
from coreset_lib.export.forms.monai import datalist, label_of
from coreset_lib.export.forms.source_files import SourceFile, source_files
from coreset_lib.outputs import new_folder
from coreset_lib.spreadsheets import disarmed

PARTS = {"train": "training", "val": "validation", "test": "test"}
LONGEST_NAME = 80


class Item(NamedTuple):
    """One sample on its way into the folder."""

    part: str
    row: int
    file: SourceFile | None
    place: str


def write_folder(chosen: ChosenSamples, out: Path, *, links: bool = False) -> int:
    """Write ``train/<class>/<file>``, ``val/...`` and ``test/...`` as ImageFolder reads them.

    Beside them stand ``samples.csv`` (file, split, sample id, labels), ``datalist.json`` for
    MONAI, and the coreset's table with its provenance. Files are copied as they are; a
    sample that is a row of an array, or one frame of several, is written as PNG as it was
    trained on, a volume as ``.npy``.

    Parameters
    ----------
    chosen : ChosenSamples
    out : Path
        A folder that is empty or does not exist yet.
    links : bool
        Make symbolic links to the files in the place of copies.

    Returns
    -------
    int
        Samples written.

    Raises
    ------
    CoresetError
        If the folder is not empty or cannot be written, or the dataset cannot be read.
    """
    items = list(_items(chosen))
    try:
        with new_folder(out) as folder:
            for item in items:
                _write(chosen, item, folder / item.place, links=links)
            (folder / "samples.csv").write_bytes(_samples_table(chosen, items))
            (folder / "datalist.json").write_bytes(_datalist(chosen, items))
            (folder / f"{chosen.name}.csv").write_bytes(chosen.export.csv)
            (folder / f"{chosen.name}{BESIDE}").write_bytes(chosen.export.provenance_bytes())
    except OSError as error:
        raise CoresetError(
            f"folder {out} cannot be written: {error.strerror or error} "
            f"({error.filename or 'unknown file'}). Nothing was written."
        ) from None
    return len(items)


def _items(chosen: ChosenSamples) -> Iterator[Item]:
    """Yield every sample with the place that it gets."""
    files, first = source_files(chosen.dataset), 0
    taken: set[str] = set()
    for part in PARTS:
        split = _split(chosen, part)
        for row in chosen.indices.tolist() if part == "train" else range(len(split)):
            file = files.get(first + row)
            yield Item(part, row, file, _place(chosen, split, part, row, file, taken))
        first += len(split)


def _split(chosen: ChosenSamples, part: str) -> Split:
    """Return a split by its name."""
    return getattr(chosen.dataset, part)


def _place(
    chosen: ChosenSamples,
    split: Split,
    part: str,
    row: int,
    file: SourceFile | None,
    taken: set[str],
) -> str:
    """Return a path of plain letters that no other sample has, on any system."""
    names = chosen.class_names
    known = [_plain(name) for name in names]
    number = int(split.labels[row])
    group = known[number] if known.count(known[number]) == 1 else f"{number}-{known[number]}"
    stem, ending = _plain(split.sample_ids[row]), _ending(chosen, file)
    stem = stem.removesuffix(ending)
    place = f"{part}/{group}/{stem}{ending}"
    if place.lower() in taken:
        place = f"{part}/{group}/{stem}-{row}{ending}"
    taken.add(place.lower())
    return place


def _plain(text: str) -> str:
    """Return a file name that is one on every system; a name cannot lead out of the folder."""
    plain = re.sub(r"[^\w.#=+ -]+", "_", text).strip(". ")
    return plain[-LONGEST_NAME:].strip(". ") or "_"


def _ending(chosen: ChosenSamples, file: SourceFile | None) -> str:
    """Return how the name of a sample's file ends."""
    if _is_copied(file):
        return file.path.suffix.lower() if file else ""
    return ".npy" if is_volume(chosen.dataset.train.images) else ".png"


def _is_copied(file: SourceFile | None) -> bool:
    """Whether a sample is a file of its own, which is taken as it is."""
    return file is not None and not file.has_frames


def _write(chosen: ChosenSamples, item: Item, path: Path, *, links: bool) -> None:
    """Copy, link or write one sample."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if item.file is not None and _is_copied(item.file):
        _check_unchanged(item.file)
        if links:
            path.symlink_to(item.file.path.absolute())
        else:
            shutil.copyfile(item.file.path, path)
        return
    image = np.asarray(_split(chosen, item.part).images[item.row])
    if path.suffix == ".npy":
        np.save(path, image, allow_pickle=False)
    else:
        Image.fromarray(image).save(path)


def _check_unchanged(file: SourceFile) -> None:
    """Raise CoresetError for a file that is not what the dataset was prepared from any more."""
    try:
        stat = os.stat(file.path)
    except OSError as error:
        raise CoresetError(
            f"image {file.path} cannot be read: {error.strerror or error}. Restore it."
        ) from None
    if not file.record.is_of(file.record.path, stat.st_size, stat.st_mtime_ns):
        raise CoresetError(
            f"image {file.path} has changed since it was prepared. Restore it, or train again."
        )


def _samples_table(chosen: ChosenSamples, items: list[Item]) -> bytes:
    """Return one line per sample."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "split", "sample_id", "class_name", "labels"])
    for item in items:
        split = _split(chosen, item.part)
        class_name = chosen.class_names[int(split.labels[item.row])]
        row = [item.place, item.part, split.sample_ids[item.row], class_name]
        writer.writerow([disarmed(cell) for cell in (*row, _labels_text(chosen, split, item.row))])
    return text.getvalue().encode()


def _labels_text(chosen: ChosenSamples, split: Split, row: int) -> str:
    """Name all labels of a sample that may carry any number of them."""
    if split.multi_hot is None:
        return ""
    names = chosen.run.manifest.dataset.label_names
    return "; ".join(names[number] for number in np.flatnonzero(split.multi_hot[row]))


def _datalist(chosen: ChosenSamples, items: list[Item]) -> bytes:
    """Return MONAI's list of the written files."""
    parts = {name: [] for name in PARTS.values()}
    for item in items:
        split = _split(chosen, item.part)
        entry = {
            "image": item.place,
            "label": label_of(split, item.row),
            "sample_id": split.sample_ids[item.row],
        }
        parts[PARTS[item.part]].append(entry)
    return datalist(chosen, parts)
