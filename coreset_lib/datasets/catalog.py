"""Which datasets there are, and finding the one a person names."""

import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from coreset_lib.configs import IMAGE_SIZES
from coreset_lib.datasets import phantom
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.datasets.medmnist_sets import (
    MEDMNIST_SETS,
    file_name,
    find_medmnist,
    home_folder,
    load_medmnist,
)
from coreset_lib.datasets.npz import check_npz, load_npz, summarise_npz
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
        "multi-label, binary-class" (not loadable yet).
    n_classes, n_channels : int
        0 if the file cannot be read.
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
    problem: str = ""


def load_dataset(
    name_or_path: str | Path,
    *,
    data_root: str | Path | None = None,
    image_size: int = DEFAULT_SIZE,
) -> LabeledImages:
    """Return a dataset by name or path.

    Parameters
    ----------
    name_or_path : str or Path
        "phantom", a MedMNIST name, a file under ``data_root`` with or without ".npz", or
        the path of a MedMNIST-style .npz file.
    data_root : str or Path, optional
        Folder with dataset files, searched before the working directory and ~/.medmnist.
    image_size : int
        Height and width in pixels. Chooses among the sizes of the phantom and the
        MedMNIST sets; other files have their own size, which the default accepts.

    Raises
    ------
    DatasetError
        If nothing answers to the name, or what does is unfit for training.
    """
    root = _existing_folder(data_root)
    name = os.fspath(name_or_path).strip()
    if name.lower() == "phantom":
        return phantom.make_phantom(phantom.PhantomOptions(image_size=image_size))
    if name.lower() in MEDMNIST_SETS:
        return load_medmnist(name.lower(), data_root=root, image_size=image_size)
    return _load_file(_find_file(name, root), image_size)


def list_datasets(data_root: str | Path | None = None) -> list[DatasetInfo]:
    """Return what `load_dataset` can load: phantom, MedMNIST, and files in ``data_root``.

    Notes
    -----
    Reads labels and headers of the files found, no pixels; never downloads. A file that
    cannot be read is listed with its ``problem``.
    """
    root = _existing_folder(data_root)
    official = [_medmnist_info(name, root) for name in MEDMNIST_SETS]
    own = [_file_info(path) for path in _own_files(root)]
    return [_phantom_info(), *official, *own]


def _existing_folder(data_root: str | Path | None) -> Path | None:
    """Return the data folder, or refuse one that is not there."""
    if data_root is None:
        return None
    root = Path(data_root).expanduser()
    if not os.path.isdir(root):
        raise DatasetError(f"data root must be an existing folder, got {root}. Check the path.")
    return root


def _find_file(name: str, root: Path | None) -> Path:
    """Return the file a person means: under the data folder first, then as a path."""
    names = [name] if name.endswith(".npz") else [name, f"{name}.npz"]
    candidates = [root / option for option in names] if root else []
    candidates += [Path(option).expanduser() for option in names if option]
    for path in candidates:
        if os.path.isfile(path):
            return path
    if name and any(os.path.isdir(path) for path in candidates):
        raise DatasetError(
            f"dataset must be a name or an .npz file, got the folder {name}. "
            "Give the path of a file in it."
        )
    raise _unknown(name, root)


def _unknown(name: str, root: Path | None) -> DatasetError:
    """Return the error for a name nothing answers to, near matches first."""
    names = ["phantom", *MEDMNIST_SETS, *(path.name for path in _own_files(root))]
    near = get_close_matches(name.lower(), names, n=2, cutoff=0.6)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return DatasetError(
        f"dataset must be the path of an .npz file or one of {', '.join(names)}, "
        f"got {name!r}{'' if root is None else f', which is not in {root}'}.{hint}"
    )


def _own_files(root: Path | None) -> list[Path]:
    """Return the .npz files in the data folder that are no official MedMNIST files."""
    if root is None:
        return []
    official = {file_name(name, size) for name in MEDMNIST_SETS for size in IMAGE_SIZES}
    return sorted(
        path for path in root.glob("*.npz") if path.name not in official and path.is_file()
    )


def _load_file(path: Path, image_size: int) -> LabeledImages:
    """Return the dataset in a file, with official names if the file is an official one."""
    stem, _, size = path.stem.partition("_")
    known = MEDMNIST_SETS.get(stem) if size in ("", "64", "128", "224") else None
    if known is None:
        dataset = load_npz(path)
    else:
        dataset = load_npz(
            path, class_names=known.class_names, title=known.title, licence=known.licence
        )
    height, width = dataset.image_size
    if image_size != DEFAULT_SIZE and (height, width) != (image_size, image_size):
        raise DatasetError(
            f"image size must be that of the file for {path}, got {image_size}. "
            f"Its images have {height} x {width} pixels; leave the image size out."
        )
    return dataset


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
    )


def _medmnist_info(name: str, root: Path | None) -> DatasetInfo:
    """Return the line of an official set, present or not."""
    known = MEDMNIST_SETS[name]
    found = {size: path for size in IMAGE_SIZES if (path := find_medmnist(name, size, root))}
    absent = (root or home_folder()) / file_name(name, DEFAULT_SIZE)
    return DatasetInfo(
        name=name,
        title=known.title,
        task=known.task,
        n_classes=len(known.class_names),
        class_names=known.class_names,
        n_channels=known.n_channels,
        split_sizes=known.split_sizes,
        available_sizes=IMAGE_SIZES,
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
    n_classes = len(summary.class_names)
    sizes = summary.image_size[:1]
    return DatasetInfo(
        name=path.stem,
        title=path.name,
        task="binary-class" if n_classes == 2 else "multi-class",
        n_classes=n_classes,
        class_names=summary.class_names,
        n_channels=summary.n_channels,
        split_sizes=summary.split_sizes,
        available_sizes=sizes,
        present_sizes=sizes,
        licence="",
        is_present=True,
        where=str(path),
    )
