"""MedMNIST-style .npz files: ``{train,val,test}_{images,labels}`` in one archive."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.files.grey_window import FROM_FILE
from coreset_lib.datasets.labeled_images import Images, LabeledImages, Labels, Split
from coreset_lib.datasets.sample_names import RowNames, row_ids
from coreset_lib.datasets.sources.npz.archive import NpzArchive
from coreset_lib.datasets.sources.npz.completing import take_from_train
from coreset_lib.datasets.sources.npz.labels import PARTS, is_absent, read_labels
from coreset_lib.datasets.sources.npz.wide import array_origin, is_wide, to_8_bits
from coreset_lib.errors import DatasetError
from coreset_lib.label_sets import MultiHot

SMALLEST_SIDE = 8


@dataclass(frozen=True, kw_only=True)
class NpzSummary:
    """What a file holds, read without its pixels."""

    class_names: tuple[str, ...]
    n_channels: int
    image_size: tuple[int, int]
    split_sizes: tuple[int, int, int]
    depth: int = 0
    is_multi_label: bool = False
    is_wide: bool = False


def load_npz(
    path: Path,
    *,
    name: str | None = None,
    class_names: tuple[str, ...] = (),
    title: str = "",
    licence: str = "",
    is_multi_label: bool = False,
    has_sides: bool | None = None,
    grey_window: str = FROM_FILE,
) -> LabeledImages:
    """Return the dataset in a MedMNIST-style .npz file.

    Parameters
    ----------
    path : Path
        Archive, in which val and test may be absent (train then gives them), with uint8
        images of shape (samples, height, width), (samples, height,
        width, 1) or (samples, height, width, 3), or volumes of shape (samples, depth, height,
        width), also with a last axis of 1, and whole-number labels of shape
        (samples,) or (samples, 1) per split; optionally ``class_names``. With ``task``
        "multi-label" labels are 0 or 1, shape (samples, labels). Grey values may be uint16 or
        int16 too.
    name : str, optional
        Name of the dataset; the file's name by default.
    class_names : tuple of str
        Used when the file has none; else ``class 0``, ``class 1``, ...
    title, licence : str
        For people.
    is_multi_label : bool
        Whether samples carry any number of labels, also where the file does not say so.
    has_sides : bool, optional
        See `LabeledImages`.
    grey_window : str
        How values of 16 bits become grey, see `parse_grey_window`.

    Raises
    ------
    DatasetError
        If the file is absent, damaged, or not what is described above.
    """
    with NpzArchive(path) as archive:
        there = archive.require_splits(PARTS)
        archive.check_memory(f"{part}_images" for part in there)
        stored = read_labels(archive, class_names, is_multi_label=is_multi_label)
        stored_images = [_images(archive, part) for part in PARTS]
    absent = [part for part, found in zip(PARTS, stored_images, strict=True) if not len(found)]
    origin = None
    images = stored_images
    if any(is_wide(pictures.dtype) for pictures in stored_images):
        _check_same_type(path, stored_images)
        origin = array_origin(path, stored_images)
        images = [to_8_bits(pictures, grey_window) for pictures in stored_images]
    for part, pictures, numbers in zip(PARTS, images, stored.labels, strict=True):
        _check_rows(path, part, len(pictures), len(numbers))
        _check_same_form(path, part, pictures.shape[1:], images[0].shape[1:])
    columns = zip(PARTS, images, stored.labels, stored.multi_hot, strict=True)
    train, val, test = (_split(path, *column) for column in columns)
    if absent:
        (train, val, test), origin = take_from_train(path, train, val, test, origin)
    return LabeledImages(
        name=name or file_safe(path.stem),
        class_names=stored.class_names,
        train=train,
        val=val,
        test=test,
        title=title or path.name,
        licence=licence,
        origin=origin,
        has_sides=has_sides,
    )


def check_npz(path: Path) -> None:
    """Raise DatasetError unless the archive opens and holds the six arrays."""
    with NpzArchive(path) as archive:
        archive.require_splits(PARTS)


def summarise_npz(path: Path, *, is_multi_label: bool = False) -> NpzSummary:
    """Return what a .npz dataset holds, reading its labels but no pixels.

    Raises
    ------
    DatasetError
        As for `load_npz`, apart from damage inside the pixels.
    """
    with NpzArchive(path) as archive:
        archive.require_splits(PARTS)
        stored = read_labels(archive, (), is_multi_label=is_multi_label)
        here = [part for part in PARTS if not is_absent(archive, part)]
        shapes = [archive.header(f"{part}_images") for part in here]
        numbers_of: dict[str, Labels] = dict(zip(PARTS, stored.labels, strict=True))
    for part, header in zip(here, shapes, strict=True):
        numbers = numbers_of[part]
        _check_images(path, part, header.shape, header.dtype)
        _check_rows(path, part, header.shape[0], len(numbers))
    form = shapes[0].shape[1:]
    has_depth = _holds_volumes(shapes[0].shape)
    depth, form = (form[0], form[1:]) if has_depth else (0, form)
    height, width, *channels = form
    train, val, test = map(len, stored.labels)
    return NpzSummary(
        class_names=stored.class_names,
        n_channels=channels[0] if channels else 1,
        image_size=(height, width),
        split_sizes=(train, val, test),
        depth=depth,
        is_multi_label=stored.is_multi_label,
        is_wide=is_wide(shapes[0].dtype),
    )


def file_safe(text: str) -> str:
    """Return the text with everything but letters, digits, dot, dash and _ made a dash."""
    return re.sub(r"[^\w.-]+", "-", text, flags=re.ASCII).strip("-.") or "dataset"


def _split(
    path: Path, part: str, images: Images, labels: Labels, multi_hot: MultiHot | None
) -> Split:
    """Return one split with names that say file and row."""
    file = path.name.replace("{", "{{").replace("}", "}}")
    sources = RowNames(f"{file}:{part}_images[{{}}]", len(labels))
    return Split(images, labels, row_ids(part, len(labels)), sources, multi_hot=multi_hot)


def _images(archive: NpzArchive, part: str) -> NDArray[Any]:
    """Return the images of a split, a last axis of one channel dropped."""
    name = f"{part}_images"
    if is_absent(archive, part):
        form = archive.header("train_images")
        shape = form.shape[1:-1] if len(form.shape) >= 4 and form.shape[-1] == 1 else form.shape[1:]
        return np.zeros((0, *shape), form.dtype)
    header = archive.header(name)
    _check_images(archive.path, part, header.shape, header.dtype)
    images = archive.read(name)
    return images[..., 0] if images.ndim >= 4 and images.shape[-1] == 1 else images


def _holds_volumes(shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape holds volumes and not pictures."""
    return len(shape) == 5 or (len(shape) == 4 and shape[-1] not in (1, 3))


def _check_images(path: Path, part: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise unless type and shape are those of grey or colour images."""
    where = f"{part}_images in {path}"
    if dtype != np.uint8 and not is_wide(dtype):
        raise DatasetError(
            f"{where} must be 8-bit whole numbers (uint8) from 0 to 255, or grey values of 16 "
            f"bits (uint16, int16), got {dtype}. Scale the images to 0-255 and save them as uint8."
        )
    if len(shape) not in (3, 4, 5) or (len(shape) == 5 and shape[4] != 1) or _is_turned(shape):
        raise DatasetError(
            f"{where} must have shape (samples, height, width), with 1 or 3 channels last, or "
            f"(samples, depth, height, width) for volumes of {SMALLEST_SIDE} slices or more, got "
            f"{shape}. Reorder the axes."
        )
    if dtype != np.uint8 and len(shape) == 4 and shape[-1] == 3:
        raise DatasetError(
            f"{where} must be 8-bit whole numbers (uint8) where images have colours, got {dtype}. "
            "Scale the colours to 0-255 and save them as uint8."
        )
    if shape[0] == 0:
        raise DatasetError(f"{where} must hold at least one image, got none. Fill the split.")
    sides = shape[1:4] if _holds_volumes(shape) else shape[1:3]
    if min(sides) < SMALLEST_SIDE:
        what = "voxels deep, high" if len(sides) == 3 else "pixels high"
        raise DatasetError(
            f"{where} must be at least {SMALLEST_SIDE} {what} and wide, "
            f"got {times(sides)}. Use larger images."
        )


def _is_turned(shape: tuple[int, ...]) -> bool:
    """Whether an axis is too short for a side of a volume, as colours in the wrong place are."""
    return _holds_volumes(shape) and min(shape[1], shape[3]) < SMALLEST_SIDE


def _check_rows(path: Path, part: str, n_images: int, n_labels: int) -> None:
    """Raise unless every image has a label."""
    if n_images != n_labels:
        raise DatasetError(
            f"{part} of {path} must have one label per image, got {n_images} images and "
            f"{n_labels} labels. Make the two arrays equally long."
        )


def _check_same_type(path: Path, splits: list[NDArray[Any]]) -> None:
    """Raise unless all splits have values of one type: others have another grey for the same."""
    types = {str(images.dtype) for images in splits}
    if len(types) > 1:
        raise DatasetError(
            f"images in {path} must be of one type in every split, got "
            f"{' and '.join(sorted(types))}. Save all as one of them."
        )


def _check_same_form(
    path: Path, part: str, form: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    """Raise unless a split's images have the size and channels of the training images."""
    if form != expected:
        raise DatasetError(
            f"{part}_images in {path} must be as large as train_images, got "
            f"{times(form)} and {times(expected)}. Resize one of them."
        )


def times(form: tuple[int, ...]) -> str:
    """Write a shape as people do: 28 x 28."""
    return " x ".join(map(str, form))
