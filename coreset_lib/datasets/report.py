"""What a person should know about a dataset before training on it."""

import hashlib
from dataclasses import dataclass

import numpy as np

from coreset_lib.datasets.labeled_images import Images, LabeledImages, Split

FEWEST_SAMPLES = 10
LARGEST_IMBALANCE = 10
MOST_EXAMPLES = 10


@dataclass(frozen=True, kw_only=True)
class SplitSummary:
    """Size of one split and of its classes; ``n_blank`` images have one grey value only."""

    part: str
    n_samples: int
    class_counts: tuple[int, ...]
    n_blank: int


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Images of ``part`` that are pixel for pixel in ``reference`` already.

    Attributes
    ----------
    reference, part : str
        Two splits; the same one when images repeat within it.
    n_copies : int
        Images of ``part`` with an exact copy in ``reference`` (an earlier one, within a
        split).
    n_conflicting : int
        Those of them that have a copy under another label.
    examples : tuple of (str, str)
        Up to ten pairs of sample ids: the first copy in ``reference``, and the image.
    """

    reference: str
    part: str
    n_copies: int
    n_conflicting: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class DatasetReport:
    """Sizes, grey values, copies and warnings of a dataset.

    Attributes
    ----------
    splits : tuple of SplitSummary
        Train, val, test.
    imbalance_ratio : float
        Samples of the largest over those of the smallest class present in train.
    intensity_min, intensity_max, intensity_mean : float
        Of all training pixels, 0 to 255.
    repeats : Copies
        Repeated images inside train.
    leaks : tuple of Copies
        Images of val that are in train, of test in train, of test in val.
    fingerprint : str
        See `LabeledImages.fingerprint`.
    warnings : tuple of str
        In plain words; empty if nothing stands out.
    """

    name: str
    title: str
    licence: str
    is_synthetic: bool
    class_names: tuple[str, ...]
    n_channels: int
    image_size: tuple[int, int]
    splits: tuple[SplitSummary, ...]
    imbalance_ratio: float
    intensity_min: int
    intensity_max: int
    intensity_mean: float
    repeats: Copies
    leaks: tuple[Copies, ...]
    fingerprint: str
    warnings: tuple[str, ...]


def dataset_report(dataset: LabeledImages) -> DatasetReport:
    """Return sizes, grey values, exact copies and warnings of a dataset.

    Parameters
    ----------
    dataset : LabeledImages
        Read once in full.

    Returns
    -------
    DatasetReport

    Notes
    -----
    Copies are found by a 128-bit hash of the pixels; images that were rescaled or
    compressed again are not found. Memory: about 150 bytes per image.
    """
    train, val, test = dataset.train, dataset.val, dataset.test
    parts = (("train", train), ("val", val), ("test", test))
    splits = tuple(_split_summary(part, split, dataset.n_classes) for part, split in parts)
    hashes = {part: _hashes(split.images) for part, split in parts}
    repeats = _copies(("train", train, hashes["train"]), ("train", train, hashes["train"]))
    leaks = tuple(
        _copies((low, known, hashes[low]), (high, split, hashes[high]))
        for low, known, high, split in (
            ("train", train, "val", val),
            ("train", train, "test", test),
            ("val", val, "test", test),
        )
    )
    counts = [count for count in splits[0].class_counts if count]
    imbalance = max(counts) / min(counts)
    brightest = int(train.images.max())
    return DatasetReport(
        name=dataset.name,
        title=dataset.title,
        licence=dataset.licence,
        is_synthetic=dataset.is_synthetic,
        class_names=dataset.class_names,
        n_channels=dataset.n_channels,
        image_size=dataset.image_size,
        splits=splits,
        imbalance_ratio=imbalance,
        intensity_min=int(train.images.min()),
        intensity_max=brightest,
        intensity_mean=float(train.images.mean()),
        repeats=repeats,
        leaks=leaks,
        fingerprint=dataset.fingerprint(),
        warnings=(
            *_copy_warnings((repeats, *leaks)),
            *_class_warnings(dataset.class_names, splits),
            *_balance_warning(imbalance),
            *_pixel_warnings(splits, brightest),
        ),
    )


def _split_summary(part: str, split: Split, n_classes: int) -> SplitSummary:
    """Count the samples of each class and the images without content."""
    flat = split.images.reshape(len(split), -1)
    counts = np.bincount(split.labels, minlength=n_classes)
    return SplitSummary(
        part=part,
        n_samples=len(split),
        class_counts=tuple(int(count) for count in counts),
        n_blank=int((flat.min(axis=1) == flat.max(axis=1)).sum()),
    )


def _hashes(images: Images) -> list[bytes]:
    """Return a hash of the pixels of each image."""
    return [
        hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
        for image in images
    ]


def _copies(known: tuple[str, Split, list[bytes]], other: tuple[str, Split, list[bytes]]) -> Copies:
    """Find the images of one split in another, or repeats when both are the same."""
    reference, known_split, known_hashes = known
    part, split, hashes = other
    first: dict[bytes, int] = {}
    labels: dict[bytes, set[int]] = {}
    for row, (key, label) in enumerate(zip(known_hashes, known_split.labels, strict=True)):
        first.setdefault(key, row)
        labels.setdefault(key, set()).add(int(label))
    same = reference == part
    rows = [
        row for row, key in enumerate(hashes) if key in first and not (same and first[key] == row)
    ]
    conflicting = sum(labels[hashes[row]] != {int(split.labels[row])} for row in rows)
    examples = tuple(
        (known_split.sample_ids[first[hashes[row]]], split.sample_ids[row])
        for row in rows[:MOST_EXAMPLES]
    )
    return Copies(
        reference=reference,
        part=part,
        n_copies=len(rows),
        n_conflicting=conflicting,
        examples=examples,
    )


def _copy_warnings(found: tuple[Copies, ...]) -> list[str]:
    """Say which images are there twice."""
    warnings: list[str] = []
    for copies in found:
        if not copies.n_copies:
            continue
        count = copies.n_copies
        if copies.reference == copies.part:
            text = f"{_images(count, copies.part)} {_repeat(count)} an earlier one exactly"
        else:
            text = f"{_images(count, copies.part)} {_have(count)} an exact copy in "
            text += copies.reference
        if copies.n_conflicting == count:
            text += " under another label"
        elif copies.n_conflicting:
            text += f", {copies.n_conflicting} of them under another label"
        warnings.append(f"{text}.")
    return warnings


def _class_warnings(class_names: tuple[str, ...], splits: tuple[SplitSummary, ...]) -> list[str]:
    """Say which classes are absent or too small to learn from."""
    warnings: list[str] = []
    for split in splits:
        counts = list(zip(class_names, split.class_counts, strict=True))
        absent = [name for name, count in counts if count == 0]
        if absent:
            warnings.append(f"No {split.part} image of class {_listed(absent)}.")
        few = [f"{name} ({count})" for name, count in counts if 0 < count < FEWEST_SAMPLES]
        if few and split.part == "train":
            warnings.append(f"Fewer than {FEWEST_SAMPLES} train images of class {_listed(few)}.")
    return warnings


def _listed(names: list[str]) -> str:
    """Write names in a row, a long list cut short."""
    more = len(names) - MOST_EXAMPLES
    return ", ".join(names[:MOST_EXAMPLES]) + (f" and {more} more" if more > 0 else "")


def _balance_warning(ratio: float) -> list[str]:
    """Say if the largest class dwarfs the smallest."""
    if ratio < LARGEST_IMBALANCE:
        return []
    return [f"The largest class has {ratio:.0f} times as many train images as the smallest."]


def _pixel_warnings(splits: tuple[SplitSummary, ...], brightest: int) -> list[str]:
    """Say which images carry nothing."""
    warnings = [
        f"{_images(split.n_blank, split.part)} {'is' if split.n_blank == 1 else 'are'} blank "
        "(one grey value)."
        for split in splits
        if split.n_blank
    ]
    if brightest <= 1:
        warnings.append("No pixel is above 1: the images seem scaled to 0-1 instead of 0-255.")
    return warnings


def _images(count: int, part: str) -> str:
    """Write a number of images of a split."""
    return f"{count} {part} image{'' if count == 1 else 's'}"


def _repeat(count: int) -> str:
    """Return the verb in the right number."""
    return "repeats" if count == 1 else "repeat"


def _have(count: int) -> str:
    """Return the verb in the right number."""
    return "has" if count == 1 else "have"
