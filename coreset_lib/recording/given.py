"""What people hand to a recorder, read and checked: labels, names, images of any library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.labeled_images import LabeledImages, Split
from coreset_lib.datasets.sample_names import row_ids
from coreset_lib.errors import CoresetError
from coreset_lib.label_sets import MOST_LABELS, NO_LABEL, rarest_first, standing_class

COLOURS = (1, 3)
Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class GivenSplit:
    """One split as a person has it; ``images`` or all of it may be missing."""

    labels: Any = None
    images: Any = None
    sample_ids: Sequence[str] | None = None
    sources: Sequence[str] | None = None
    patient_ids: Sequence[str] | None = None


def as_array(values: Any, what: str) -> NDArray[Any]:
    """Return a tensor, array, column or list as an array on the CPU.

    Raises
    ------
    CoresetError
        If it holds rows of different shapes, or no numbers.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise CoresetError(
            f"{what} must be numbers in rows of equal shape, got {type(values).__name__} of "
            f"{array.dtype}. Give an array or a tensor."
        )
    return array


def read_labels(values: Any, what: str = "labels") -> NDArray[Any]:
    """Return class numbers, shape (samples,), or 0 and 1 per label, shape (samples, labels).

    One column counts as class numbers, which is how MedMNIST keeps them.
    """
    array = as_array(values, what)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.size:
        if not np.isin(array, (0, 1)).all() or array.shape[1] > MOST_LABELS:
            raise CoresetError(
                f"{what} of shape {array.shape} must be 0 or 1 for each of at most {MOST_LABELS} "
                "labels of a sample. Give class numbers in one dimension otherwise."
            )
        return array.astype(np.uint8)
    if array.ndim != 1 or array.dtype.kind not in "iu" or not array.size:
        raise CoresetError(
            f"{what} must be whole class numbers of shape (samples,), got {array.dtype} of shape "
            f"{array.shape}. For any number of labels a sample give 0 and 1, (samples, labels)."
        )
    return array.astype(np.int64)


def read_class_names(
    names: Sequence[str] | Mapping[Any, str] | None, labels: NDArray[Any]
) -> tuple[str, ...]:
    """Return a name per class, or per label; "class 0" and so on where none are given.

    A mapping from class numbers to names, as MedMNIST has it, is read in their order.
    """
    n_known = labels.shape[1] if labels.ndim == 2 else int(labels.max()) + 1
    if names is None:
        kind = "label" if labels.ndim == 2 else "class"
        return tuple(f"{kind} {number}" for number in range(n_known))
    if isinstance(names, Mapping):
        names = [names[key] for key in sorted(names, key=int)]
    found = tuple(map(str, names))
    if len(set(found)) < len(found):
        raise CoresetError(f"class_names must differ, got {', '.join(found)}.")
    if labels.ndim == 2 and len(found) != n_known:
        raise CoresetError(
            f"class_names must be one for each of the {n_known} labels, got {len(found)}."
        )
    return found


def read_images(
    values: Any, what: str = "images", known: Range | None = None
) -> tuple[NDArray[np.uint8], Range | None]:
    """Return images as 8-bit arrays, and what 0 and 255 of them stand for if they were not.

    Parameters
    ----------
    values : array or tensor
        Pictures of shape (samples, height, width), with 1 or 3 colours as last or second axis,
        or volumes (samples, [1,] depth, height, width). Numbers of other types than uint8 are
        scaled, all together, from their least and largest to 0 and 255.
    known : tuple of float, optional
        Numbers to scale from instead; what lies outside is cut off.

    Raises
    ------
    CoresetError
        If they have another shape, or numbers that are not finite.
    """
    array = as_array(values, what)
    if array.ndim in (4, 5) and array.shape[1] in COLOURS and array.shape[-1] != 3:
        array = np.moveaxis(array, 1, -1)  # channels first, as torch has them
    if array.ndim in (4, 5) and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (3, 4):
        raise CoresetError(
            f"{what} must be pictures of shape (samples, height, width) or (samples, 1 or 3, "
            f"height, width), or volumes (samples, depth, height, width), got {array.shape}."
        )
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array), None
    if not np.isfinite(array).all():
        raise CoresetError(f"{what} must be finite numbers, got some that are not.")
    whole = (float(array.min()), float(array.max())) if array.size else (0.0, 1.0)
    found = whole if known is None else known
    return _scaled(array, *found), found


def _scaled(array: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Map a range of numbers to 0..255, a sample at a time."""
    scaled = np.zeros(array.shape, np.uint8)
    if high > low:
        for row, image in enumerate(array):
            share = (image.astype(np.float64) - low) / (high - low)
            scaled[row] = np.rint(255 * share.clip(0, 1))
    return scaled


def build_dataset(
    name: str,
    title: str,
    class_names: Sequence[str] | Mapping[Any, str] | None,
    train: GivenSplit,
    val: GivenSplit,
    test: GivenSplit,
) -> tuple[LabeledImages, Range | None]:
    """Return the dataset that a person's arrays make up, and the range of its images.

    Raises
    ------
    CoresetError
        If the arrays do not fit together.
    """
    labels = read_labels(train.labels)
    names = read_class_names(class_names, labels)
    images, image_range = (None, None) if train.images is None else read_images(train.images)
    if images is None:
        images = np.zeros((len(labels), 0, 0), np.uint8)
    form, order = images.shape[1:], rarest_first(labels) if labels.ndim == 2 else None
    splits: dict[str, Any] = {}
    for part, given in (("train", train), ("val", val), ("test", test)):
        if part == "train":
            own = images, labels
        else:
            own = _other_images(part, given, form, labels, image_range)
        splits[part] = _split(part, given, *own, order)
    if labels.ndim == 2:
        names = (*names, NO_LABEL)
    return LabeledImages(name=name, title=title, class_names=names, **splits), image_range


def _other_images(
    part: str,
    given: GivenSplit,
    form: tuple[int, ...],
    train_labels: NDArray[Any],
    image_range: Range | None,
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Read the validation or test split; it must look like the training split."""
    if (given.labels is None) != (given.images is None):
        raise CoresetError(f"{part}_images and {part}_labels must both be given, got one of them.")
    if given.labels is None:
        return np.zeros((0, *form), np.uint8), train_labels[:0]
    labels = read_labels(given.labels, f"{part}_labels")
    images, _ = read_images(given.images, f"{part}_images", image_range)
    if images.shape[1:] != form or labels.shape[1:] != train_labels.shape[1:]:
        raise CoresetError(
            f"{part}_images and {part}_labels must be of the form of the training split, "
            f"{form} and {train_labels.shape[1:]}, got {images.shape[1:]} and {labels.shape[1:]}."
        )
    return images, labels


def _split(
    part: str,
    given: GivenSplit,
    images: NDArray[np.uint8],
    labels: NDArray[Any],
    order: NDArray[np.int64] | None,
) -> Split:
    """Return one split; every field must have a row per label."""
    n_samples = len(labels)
    fields = {
        "images": images,
        "sample_ids": given.sample_ids,
        "sources": given.sources,
        "patient_ids": given.patient_ids,
    }
    for name, rows in fields.items():
        if rows is not None and len(rows) != n_samples:
            raise CoresetError(
                f"{name} of {part} must be as many as its {n_samples} labels, got {len(rows)}."
            )
    ids = row_ids(part, n_samples) if given.sample_ids is None else _texts(given.sample_ids)
    if given.sample_ids is not None and len(set(ids)) < n_samples:
        raise CoresetError("sample_ids must be different for every sample, got some twice.")
    return Split(
        images=images,
        labels=labels if order is None else standing_class(labels, order),
        sample_ids=ids,
        sources=ids if given.sources is None else _texts(given.sources),
        patient_ids=() if given.patient_ids is None else _texts(given.patient_ids),
        multi_hot=None if order is None else labels,
    )


def _texts(values: Sequence[Any]) -> list[str]:
    """Return every value as text."""
    return [str(value) for value in values]
