"""The MedMNIST sets: where they lie, and how to get them through the package."""

import contextlib
import importlib
import os
import re
import sys
import tempfile
from pathlib import Path

from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.datasets.sources.medmnist_table import MEDMNIST_SETS, MedMNISTSet
from coreset_lib.datasets.sources.npz.file import check_npz, load_npz, summarise_npz, times
from coreset_lib.datasets.sources.npz.source import check_size
from coreset_lib.datasets.sources.source import (
    DEFAULT_SIZE,
    DatasetInfo,
    ReadingOptions,
    Source,
)
from coreset_lib.errors import DatasetError

RECORD = "https://zenodo.org/records/10519652"


def file_name(name: str, image_size: int) -> str:
    """Return the official file name of a set at a size, for example organamnist_64.npz."""
    return f"{name}.npz" if image_size == 28 else f"{name}_{image_size}.npz"


def home_folder() -> Path:
    """Return the folder where the medmnist package keeps its files."""
    return Path(os.path.expanduser("~")) / ".medmnist"


def find_medmnist(name: str, image_size: int, data_root: Path | None) -> Path | None:
    """Return the local file of a set: under ``data_root``, else in ~/.medmnist, else None."""
    folders = [home_folder()] if data_root is None else [data_root, home_folder()]
    for folder in folders:
        path = folder / file_name(name, image_size)
        if os.path.isfile(path):
            return path
    return None


def load_medmnist(name: str, *, data_root: Path | None, image_size: int) -> LabeledImages:
    """Return an official MedMNIST set, downloading it if no local file is found.

    Parameters
    ----------
    name : str
        Key of `MEDMNIST_SETS`.
    data_root : Path, optional
        Folder searched first and downloaded to; ~/.medmnist otherwise.
    image_size : int
        28, 64, 128 or 224; 28 or 64 for volumes.

    Raises
    ------
    DatasetError
        If the size is not offered, the file is damaged or of another size, or it is absent
        and cannot be downloaded.
    """
    known = MEDMNIST_SETS[name]
    _check_size(name, known, image_size)
    path = find_medmnist(name, image_size, data_root)
    if path is None:
        path = _download(name, image_size, _download_folder(data_root))
    _check_stored_size(path, known, image_size)
    return load_known(path, known)


def load_known(path: Path, known: MedMNISTSet) -> LabeledImages:
    """Return the dataset in an official file, with the official names."""
    return load_npz(
        path,
        class_names=known.class_names,
        title=known.title,
        licence=known.licence,
        is_multi_label=known.is_multi_label,
        has_sides=known.has_sides,
    )


def _check_size(name: str, known: MedMNISTSet, image_size: int) -> None:
    """Refuse sizes that MedMNIST does not offer."""
    if image_size not in known.image_sizes:
        sizes = ", ".join(map(str, known.image_sizes))
        raise DatasetError(f"image size of {name} must be one of {sizes}, got {image_size}.")


def _check_stored_size(path: Path, known: MedMNISTSet, image_size: int) -> None:
    """Refuse a file whose pixels are not of the size its name promises."""
    found = summarise_npz(path, is_multi_label=known.is_multi_label)
    stored = ((found.depth,) if found.depth else ()) + found.image_size
    wanted = (image_size,) * (3 if known.is_volumetric else 2)
    if stored != wanted:
        kind = "volumes" if known.is_volumetric else "images"
        unit = "voxels" if known.is_volumetric else "pixels"
        raise DatasetError(
            f"{path} must hold {kind} of {times(wanted)} {unit}, got "
            f"{times(stored)}. Give the path of the file itself to use it as it is."
        )


def _download_folder(data_root: Path | None) -> Path:
    """Return the data folder, or ~/.medmnist if there is none that can be written to."""
    if data_root is not None and os.access(data_root, os.W_OK):
        return data_root
    return home_folder()


def _download(name: str, image_size: int, folder: Path) -> Path:
    """Fetch the file through medmnist into ``folder``; whole or not at all."""
    target = folder / file_name(name, image_size)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as scratch:
            _fetch(name, image_size, Path(scratch))
            os.replace(Path(scratch) / target.name, target)
    except (ImportError, OSError, RuntimeError) as error:
        raise DatasetError(
            f"{name} at {image_size} pixels must be downloaded first, which did not work here. "
            f"Get {target.name} from {RECORD} and put it into {folder}."
        ) from error
    return target


def _fetch(name: str, image_size: int, scratch: Path) -> None:
    """Let the package download one file and verify its checksum."""
    # The package prints on import when torch is absent, and while it downloads; standard
    # output belongs to the answers of our commands.
    with contextlib.redirect_stdout(sys.stderr):
        package = importlib.import_module("medmnist.dataset")
        info = importlib.import_module("medmnist.info").INFO[name]
        loader = getattr(package, info["python_class"])
        loader(split="train", download=True, root=str(scratch), size=image_size)


class MedMNISTSource(Source):
    """The official sets by their names, and official files wherever they lie."""

    suffixes = (".npz",)
    scales_images = False

    def names(self) -> tuple[str, ...]:
        """Return the names of the sets."""
        return tuple(MEDMNIST_SETS)

    def takes(self, path: Path) -> bool:
        """Whether a file has an official name."""
        return super().takes(path) and _known(path) is not None

    def load(self, place: str | Path, options: ReadingOptions) -> LabeledImages:
        """Read an official file, or find or download the set of a name."""
        if isinstance(place, str):
            return load_medmnist(place, data_root=options.data_root, image_size=options.image_size)
        dataset = load_known(place, MEDMNIST_SETS[self.name_of(place)])
        check_size(place, dataset, options.image_size)
        return dataset

    def list_named(self, data_root: Path | None) -> list[DatasetInfo]:
        """Return the lines of the official sets, present or not."""
        return [_info(name, data_root) for name in MEDMNIST_SETS]

    def name_of(self, path: Path) -> str:
        """Return the name of the set in an official file."""
        return _official_stem(path).partition("_")[0]


MEDMNIST = MedMNISTSource()


def _official_stem(path: Path) -> str:
    """Return a file's name without ending, and without what a second download adds: " (1)"."""
    return re.sub(r"[ _]?\([0-9]+\)$|[ -]+copy( [0-9]+)?$", "", path.stem.lower())


def _known(path: Path) -> MedMNISTSet | None:
    """Return the set that a file holds by its official name."""
    stem, _, size = _official_stem(path).partition("_")
    return MEDMNIST_SETS.get(stem) if size in ("", "64", "128", "224") else None


def _info(name: str, root: Path | None) -> DatasetInfo:
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
