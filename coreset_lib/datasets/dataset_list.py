"""The list of datasets: what there is, where it lies, what is wrong with it."""

import os
from dataclasses import dataclass
from pathlib import Path

from coreset_lib.configs import IMAGE_SIZES
from coreset_lib.datasets.labeled_images import MULTI_LABEL
from coreset_lib.datasets.sources.folder import looks_like_images
from coreset_lib.datasets.sources.listing import shown
from coreset_lib.datasets.sources.medmnist import file_name, find_medmnist, home_folder
from coreset_lib.datasets.sources.medmnist_table import MEDMNIST_SETS
from coreset_lib.datasets.sources.npz.file import NpzSummary, check_npz, summarise_npz
from coreset_lib.datasets.sources.phantom import phantom
from coreset_lib.datasets.sources.table import TABLE_SUFFIXES, table_columns
from coreset_lib.errors import DatasetError

DEFAULT_SIZE = 28


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """One line of the list of datasets.

    Attributes
    ----------
    name : str
        What to give to `load_dataset`.
    title, task, licence : str
        For people; ``task`` is "binary-class", "multi-class", "ordinal-regression" or
        "multi-label, binary-class".
    is_volumetric : bool
        Whether samples are volumes, which need a network of their own.
    is_wide : bool
        Whether an array holds values of 16 bits, which a grey window makes visible.
    has_sides : bool, optional
        Whether images must not be mirrored; None where nobody has said.
    n_classes, n_channels : int
        0 if the file cannot be read, or has not been looked into.
    class_names : tuple of str
    split_sizes : tuple of int
        Samples of train, val and test.
    available_sizes, present_sizes : tuple of int
        Image sizes in pixels that exist, and those that are here without a download.
    is_present, is_synthetic : bool
    where : str
        Path of the file (where it would be put if absent), or "generated".
    problem : str
        Why the file cannot be read; empty if it can.
    """

    name: str
    title: str
    task: str
    n_classes: int
    class_names: tuple[str, ...]
    n_channels: int
    split_sizes: tuple[int, int, int]
    available_sizes: tuple[int, ...]
    present_sizes: tuple[int, ...]
    licence: str
    is_present: bool
    where: str
    is_synthetic: bool = False
    is_volumetric: bool = False
    is_wide: bool = False
    has_sides: bool | None = None
    problem: str = ""


def list_datasets(data_root: str | Path | None = None) -> list[DatasetInfo]:
    """Return what `load_dataset` can load: phantom, MedMNIST, and what is in ``data_root``.

    Notes
    -----
    Reads labels and headers of the files found, no pixels; never downloads. A file that
    cannot be read is listed with its ``problem``. Of image folders and tables only the
    names are read: their sizes and classes are left empty.
    """
    root = existing_folder(data_root)
    official = [_medmnist_info(name, root) for name in MEDMNIST_SETS]
    own = [_own_info(path) for path in own_paths(root)]
    return [_phantom_info(), *official, *own]


def existing_folder(data_root: str | Path | None) -> Path | None:
    """Return the data folder, or refuse one that is not there."""
    if data_root is None:
        return None
    root = Path(data_root).expanduser()
    if not os.path.isdir(root):
        raise DatasetError(f"data root must be an existing folder, got {root}. Check the path.")
    return root


def own_paths(root: Path | None) -> list[Path]:
    """Return the user's datasets in the data folder: files, tables and image folders."""
    official = _official_files()
    return [path for path in dataset_paths(root) if path.name not in official]


def name_in_list(path: Path) -> str:
    """Return the name that `list_datasets` gives to a dataset in the data folder."""
    if path.name in _official_files():
        return path.stem.partition("_")[0]
    return path.stem if path.suffix.lower() == ".npz" else path.name


def dataset_paths(root: Path | None) -> list[Path]:
    """Return everything in the data folder that looks like a dataset, official files too."""
    if root is None:
        return []
    try:
        present = sorted(path for path in root.iterdir() if not path.name.startswith("."))
    except OSError:
        return []
    return [path for path in present if _is_dataset(path)]


def _official_files() -> set[str]:
    """Return the names of the files of MedMNIST."""
    return {file_name(name, size) for name, s in MEDMNIST_SETS.items() for size in s.image_sizes}


def _is_dataset(path: Path) -> bool:
    """Whether something in the data folder looks like a dataset."""
    if os.path.isdir(path):
        return looks_like_images(path)
    if path.suffix.lower() in TABLE_SUFFIXES:
        return {"path", "label"} <= set(table_columns(path))
    return path.suffix.lower() == ".npz" and os.path.isfile(path)


def _phantom_info() -> DatasetInfo:
    """Return the line of the embedded dataset."""
    defaults = phantom.PhantomOptions()
    return DatasetInfo(
        name="phantom",
        title=phantom.TITLE,
        task="multi-class",
        n_classes=len(phantom.CLASS_NAMES),
        class_names=phantom.CLASS_NAMES,
        n_channels=1,
        split_sizes=(defaults.n_train, defaults.n_val, defaults.n_test),
        available_sizes=IMAGE_SIZES,
        present_sizes=IMAGE_SIZES,
        licence=phantom.LICENCE,
        is_present=True,
        where="generated",
        is_synthetic=True,
        has_sides=True,
    )


def _medmnist_info(name: str, root: Path | None) -> DatasetInfo:
    """Return the line of an official set, present or not."""
    known = MEDMNIST_SETS[name]
    found = {size: path for size in known.image_sizes if (path := find_medmnist(name, size, root))}
    absent = (root or home_folder()) / file_name(name, DEFAULT_SIZE)
    return DatasetInfo(
        name=name,
        title=known.title,
        task=known.task,
        n_classes=len(known.class_names),
        class_names=known.class_names,
        n_channels=known.n_channels,
        is_volumetric=known.is_volumetric,
        has_sides=known.has_sides,
        split_sizes=known.split_sizes,
        available_sizes=known.image_sizes,
        present_sizes=tuple(found),
        licence=known.licence,
        is_present=bool(found),
        where=str(next(iter(found.values()), absent)),
        problem=" ".join(filter(None, map(_problem, found.values()))),
    )


def _problem(path: Path) -> str:
    """Return why a file cannot be opened, or nothing."""
    try:
        check_npz(path)
    except DatasetError as error:
        return str(error)
    return ""


def _own_info(path: Path) -> DatasetInfo:
    """Return the line of something of the user's."""
    return _file_info(path) if path.suffix.lower() == ".npz" else _images_info(path)


def _images_info(path: Path) -> DatasetInfo:
    """Return the line of an image folder or a table, of which only the name is known yet."""
    kind = "image folder" if os.path.isdir(path) else "table of images"
    return DatasetInfo(
        name=path.name,
        title=f"{shown(path.name)} ({kind})",
        task="",
        n_classes=0,
        class_names=(),
        n_channels=0,
        split_sizes=(0, 0, 0),
        available_sizes=IMAGE_SIZES,
        present_sizes=IMAGE_SIZES,
        licence="",
        is_present=True,
        where=str(path),
    )


def _file_info(path: Path) -> DatasetInfo:
    """Return the line of a user's file, also if it cannot be read."""
    try:
        summary = summarise_npz(path)
    except DatasetError as error:
        return DatasetInfo(
            name=path.stem,
            title=path.name,
            task="",
            n_classes=0,
            class_names=(),
            n_channels=0,
            split_sizes=(0, 0, 0),
            available_sizes=(),
            present_sizes=(),
            licence="",
            is_present=True,
            where=str(path),
            problem=str(error),
        )
    names = summary.class_names[:-1] if summary.is_multi_label else summary.class_names
    sizes = summary.image_size[:1]
    return DatasetInfo(
        name=path.stem,
        title=path.name,
        task=_task(summary),
        n_classes=len(names),
        class_names=names,
        n_channels=summary.n_channels,
        is_volumetric=summary.depth > 0,
        is_wide=summary.is_wide,
        split_sizes=summary.split_sizes,
        available_sizes=sizes,
        present_sizes=sizes,
        licence="",
        is_present=True,
        where=str(path),
    )


def _task(summary: NpzSummary) -> str:
    """Name the task of a file as MedMNIST does."""
    if summary.is_multi_label:
        return MULTI_LABEL
    return "binary-class" if len(summary.class_names) == 2 else "multi-class"
