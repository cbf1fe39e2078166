"""The embedded dataset: synthetic CT-like slices with known label errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coreset_lib.checks import check_share, check_whole
from coreset_lib.datasets.labeled_images import Images, LabeledImages, Labels, Split
from coreset_lib.datasets.sample_names import RowNames, row_ids
from coreset_lib.datasets.sources.phantom.canvas import Plane, blur, posed_canvas, uniform
from coreset_lib.datasets.sources.phantom.organs import SCENES
from coreset_lib.errors import CoresetError

CLASS_NAMES = tuple(SCENES)
TITLE = "Phantom: synthetic CT-like slices made by a generator (no patients)"
LICENCE = "CC0 1.0"

_FREQUENCY = (1.4, 1.0, 0.9, 0.9, 1.2, 0.8, 0.7, 1.1)
_LOOKALIKE = (1, 0, 3, 2, 5, 4, 0, 6)
_SUBTYPE_SHARES = (0.6, 0.3, 0.1)
_STACK = 64
_LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class PhantomOptions:
    """How many slices to make, how hard, and how many labels to spoil.

    Attributes
    ----------
    n_train, n_val, n_test : int
        Number of slices per split, at least 16.
    image_size : int
        Height and width in pixels, 16 to 512; the anatomy does not depend on it.
    seed : int
        Same seed and options, same bits.
    mislabelled_share, ambiguous_share : float
        Shares of ``train`` with a wrong label, and of ``train`` whose picture is a blend
        of two classes or badly degraded; no slice is both. Validation and test are clean.
    noise : float
        Standard deviation of the pixel noise, in units of the full grey range.
    """

    n_train: int = 4000
    n_val: int = 500
    n_test: int = 1000
    image_size: int = 28
    seed: int = 0
    mislabelled_share: float = 0.04
    ambiguous_share: float = 0.06
    noise: float = 0.05

    def __post_init__(self) -> None:
        for name in ("n_train", "n_val", "n_test"):
            check_whole(name, getattr(self, name), least=16, most=10_000_000)
        check_whole("image size", self.image_size, least=16, most=512)
        check_whole("seed", self.seed, least=0, most=_LARGEST_SEED)
        check_share("mislabelled share", self.mislabelled_share)
        check_share("ambiguous share", self.ambiguous_share)
        check_share("noise", self.noise)
        if self.mislabelled_share + self.ambiguous_share > 1:
            raise CoresetError(
                "mislabelled and ambiguous share must not exceed 1 together, got "
                f"{self.mislabelled_share:g} and {self.ambiguous_share:g}. Lower one of them."
            )


def make_phantom(options: PhantomOptions | None = None) -> LabeledImages:
    """Return synthetic slices of eight classes with known label errors in ``train``.

    Parameters
    ----------
    options : PhantomOptions, optional
        Sizes, seed and shares of spoilt samples.

    Returns
    -------
    LabeledImages
        Greyscale. ``truth`` holds, for each sample of ``train``, ``true_label`` (int64),
        ``is_mislabelled``, ``is_ambiguous`` (bool) and ``subtype`` (int64; 0 is common, 2
        rare). For a blend, ``true_label`` is the class with the larger share.

    Notes
    -----
    Pixels come from elementary arithmetic on PCG64 random numbers, so the fingerprint
    is the same on every machine with the same NumPy random streams. Cost: about a second
    at 28 pixels, a minute or two at 224.
    """
    options = options or PhantomOptions()
    images, labels, truth = _train_part(options)
    parts = [("val", options.n_val, 1), ("test", options.n_test, 2)]
    clean = [_split(name, *_slices(options, n, number)[:2]) for name, n, number in parts]
    return LabeledImages(
        name="phantom",
        class_names=CLASS_NAMES,
        train=_split("train", images, labels),
        val=clean[0],
        test=clean[1],
        title=TITLE,
        licence=LICENCE,
        is_synthetic=True,
        has_sides=True,
        truth=truth,
    )


def _split(part: str, images: Images, labels: Labels) -> Split:
    """Return a split with generated names."""
    sources = RowNames(f"phantom:{part}[{{}}]", len(labels))
    return Split(images, labels, row_ids(part, len(labels)), sources)


def _train_part(
    options: PhantomOptions,
) -> tuple[Images, Labels, dict[str, NDArray[np.generic]]]:
    """Return train images, labels as given (some wrong), and the truth about them."""
    images, true_label, subtype = _slices(options, options.n_train, 0)
    rng = np.random.default_rng([options.seed, 99])
    n_wrong = round(options.mislabelled_share * options.n_train)
    n_blurred = round(options.ambiguous_share * options.n_train)
    order = rng.permutation(options.n_train)
    wrong, unclear = order[:n_wrong], order[n_wrong : n_wrong + n_blurred]
    labels = true_label.copy()
    labels[wrong] = _wrong_labels(rng, true_label[wrong])
    half = len(unclear) // 2
    images[unclear[:half]] = _blends(rng, images, true_label, unclear[:half])
    images[unclear[half:]] = _degraded(rng, images[unclear[half:]])
    truth: dict[str, NDArray[np.generic]] = {
        "true_label": true_label,
        "is_mislabelled": _flags(options.n_train, wrong),
        "is_ambiguous": _flags(options.n_train, unclear),
        "subtype": subtype,
    }
    return images, labels, truth


def _flags(count: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return an array that is true in the given rows."""
    flags = np.zeros(count, dtype=bool)
    flags[rows] = True
    return flags


def _wrong_labels(rng: np.random.Generator, labels: Labels) -> Labels:
    """Return another class for each label: half the time the one that looks alike."""
    shift = 1 + _below(rng, len(CLASS_NAMES) - 1, (len(labels),))
    anything = (labels + shift) % len(CLASS_NAMES)
    return np.where(rng.random(len(labels)) < 0.5, np.array(_LOOKALIKE)[labels], anything)


def _below(rng: np.random.Generator, stop: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return random whole numbers from 0 to ``stop - 1``."""
    return (rng.random(shape) * stop).astype(np.int64)


def _blends(
    rng: np.random.Generator, images: Images, labels: Labels, rows: NDArray[np.int64]
) -> Images:
    """Return the rows' images mixed with nearly as much of an image of another class."""
    others = _below(rng, len(images), (len(rows), 32))
    differs = labels[others] != labels[rows, None]
    other = others[np.arange(len(rows)), differs.argmax(axis=1)]
    share = uniform(rng, len(rows), 0.5, 0.62)
    mixed = images[rows].astype(np.float32) * share + images[other] * (1 - share)
    return np.rint(mixed).astype(np.uint8)


def _degraded(rng: np.random.Generator, images: Images) -> Images:
    """Return the images blurred twice, with little contrast left above the noise."""
    grey = blur(blur(images.astype(np.float32))) / 255
    contrast = uniform(rng, len(images), 0.2, 0.5)
    level = uniform(rng, len(images), 0.3, 0.6)
    return _quantised((grey - np.float32(0.5)) * contrast + level, rng, 0.06)


def _slices(
    options: PhantomOptions, count: int, part: int
) -> tuple[Images, Labels, NDArray[np.int64]]:
    """Return shuffled clean images with labels and subtypes."""
    rng = np.random.default_rng([options.seed, part])
    labels = rng.permutation(np.repeat(np.arange(len(CLASS_NAMES)), _class_sizes(count)))
    subtypes = rng.choice(len(_SUBTYPE_SHARES), count, p=_SUBTYPE_SHARES)
    size = options.image_size
    images = np.empty((count, size, size), np.uint8)
    for number in range(len(CLASS_NAMES)):
        rows = np.flatnonzero(labels == number)
        for start in range(0, len(rows), _STACK):
            chosen = rows[start : start + _STACK]
            images[chosen] = _stack(options, (part, number, start), subtypes[chosen])
    return images, labels, subtypes


def _class_sizes(count: int) -> NDArray[np.int64]:
    """Return sizes that add up to ``count``, mildly unequal."""
    ends = np.rint(np.cumsum(_FREQUENCY) / np.sum(_FREQUENCY) * count).astype(np.int64)
    return np.diff(ends, prepend=0)


def _stack(
    options: PhantomOptions, place: tuple[int, int, int], subtype: NDArray[np.int64]
) -> Images:
    """Return the images of one stack: scene, window, blur and noise."""
    rng = np.random.default_rng([options.seed, 7, *place])
    canvas = posed_canvas(rng, len(subtype), options.image_size)
    scene = list(SCENES.values())[place[1]]
    scene(canvas, subtype.astype(np.float32)[:, None, None])
    level = uniform(rng, len(subtype), 0.4, 0.58)
    width = uniform(rng, len(subtype), 0.75, 1.25)
    soft = uniform(rng, len(subtype), 0, 1)
    grey = (canvas.image - level) / width + np.float32(0.5)
    grey += soft * (blur(grey) - grey)
    return _quantised(grey, rng, options.noise)


def _quantised(grey: Plane, rng: np.random.Generator, noise: float) -> Images:
    """Return grey values plus noise as whole numbers from 0 to 255."""
    white = rng.standard_normal(grey.shape, dtype=np.float32)
    grain = (blur(white) * 2 + white) * np.float32(0.6 * noise)
    return np.rint(np.clip(grey + grain, 0, 1) * 255).astype(np.uint8)
