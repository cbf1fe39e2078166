"""Images that are darker, brighter, more blurred or of another size than others of their set."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.checking.common_look import blocks
from coreset_lib.datasets.labeled_images import Images, LabeledImages, Split, is_volume
from coreset_lib.datasets.sources.listing import PARTS

FEWEST_IMAGES = 20
FAR_OUT = 5.0
LEAST_SPREAD = 0.05
LEAST_FACTOR = 2.0
SEVERE_SHARE = 0.1
MOST_EXAMPLES = 10
NORMAL_QUARTILE = 0.6745
Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class QualityNote:
    """Images of a set that stand out from the others in one way.

    Attributes
    ----------
    kind : str
        "dark", "bright", "blurred" or "odd size".
    rows : tuple of int
        Their rows, counted through train, val and test, the most extreme first.
    examples : tuple of str
        Up to ten sample ids, the most extreme first.
    by_class : dict of str to int
        How many of each class, or label; classes without any are absent.
    n_images : int
        Images of the set that were looked at.
    """

    kind: str
    rows: tuple[int, ...]
    examples: tuple[str, ...]
    by_class: dict[str, int]
    n_images: int

    @property
    def is_severe(self) -> bool:
        """Whether more than a tenth of the set stands out."""
        return len(self.rows) > SEVERE_SHARE * self.n_images

    def text(self) -> str:
        """Return the note as a sentence."""
        count = len(self.rows)
        classes = ", ".join(f"{number} of {name}" for name, number in self.by_class.items())
        where = f" ({classes})" if classes else ""
        more = count - len(self.examples)
        ids = ", ".join(self.examples) + (f" and {more} more" if more else "")
        verb = "image is" if count == 1 else "images are"
        return f"{count} {verb} {_WORDS[self.kind]}{where}. Look at: {ids}."


def quality_notes(dataset: LabeledImages) -> tuple[QualityNote, ...]:
    """Return which images stand out as dark, bright, blurred or of an odd size.

    Parameters
    ----------
    dataset : LabeledImages
        Of fewer than 20 images nothing is said; blank images are left to the report.

    Notes
    -----
    Each image is compared with its own set, so a set of dark radiographs has no dark images: a
    logarithm must lie five robust deviations (of the median, from the quartiles of its
    distance) and a factor of two from the median. Sharpness is the mean square of the second
    derivative as a share of the image's variance; sizes are those of the original files,
    where there are any: shorter side and form.
    """
    brightness, sharpness = _looks(dataset)
    if len(brightness) < FEWEST_IMAGES:
        return ()
    has_content = np.isfinite(sharpness)
    seen = [
        ("dark", _far_below(brightness, has_content)),
        ("bright", _far_below(255 - brightness, has_content)),
        ("blurred", _far_below(sharpness, has_content)),
        ("odd size", _odd_sizes(dataset, len(brightness))),
    ]
    return tuple(_note(dataset, kind, score) for kind, score in seen if (score > 0).any())


def _looks(dataset: LabeledImages) -> tuple[Values, Values]:
    """Return mean grey value and sharpness of each image; NaN where it has no contrast."""
    brightness: list[Values] = []
    sharpness: list[Values] = []
    for part in PARTS:
        images = getattr(dataset, part).images
        for rows in blocks(len(images), 256):
            grey = _grey(images[rows])
            brightness.append(grey.mean(axis=(1, 2)))
            sharpness.append(_sharpness(grey))
    return np.concatenate(brightness), np.concatenate(sharpness)


def _grey(images: Images) -> Values:
    """Return images without colours; the middle slice of volumes."""
    if is_volume(images):
        return images[:, images.shape[1] // 2].astype(np.float64)
    return (images if images.ndim == 3 else images.mean(axis=3)).astype(np.float64)


def _sharpness(grey: Values) -> Values:
    """Return the mean square of the second derivative over the variance."""
    inner = grey[:, 1:-1, 1:-1]
    second = grey[:, 2:, 1:-1] + grey[:, :-2, 1:-1] + grey[:, 1:-1, 2:] + grey[:, 1:-1, :-2]
    variance = grey.var(axis=(1, 2))
    change = np.square(second - 4 * inner).mean(axis=(1, 2))
    return np.where(variance > 1, change / np.maximum(variance, 1), np.nan)


def _far_below(values: Values, chosen: NDArray[np.bool_]) -> Values:
    """Return by how many deviations values lie too low, 0 where they do not."""
    logs = np.log(np.maximum(values, 1e-3))
    below = np.median(logs[chosen]) - logs if chosen.any() else np.zeros(len(values))
    spread = np.median(np.abs(below[chosen])) / NORMAL_QUARTILE if chosen.any() else 1.0
    far = below / max(float(spread), LEAST_SPREAD)
    is_far = chosen & (far > FAR_OUT) & (below > np.log(LEAST_FACTOR))
    return np.where(is_far, far, 0.0)


def _odd_sizes(dataset: LabeledImages, n_images: int) -> Values:
    """Return how far size and form of the original of each image are from the usual."""
    found = np.zeros(n_images)
    if dataset.origin is None or dataset.origin.kind == "arrays":
        return found
    sizes = np.ones((n_images, 2))
    is_known = np.zeros(n_images, bool)
    for file in dataset.origin.files:
        rows = [row for _, row in file.rows if row < n_images]
        if rows and file.height and file.width:
            sizes[rows], is_known[rows] = (file.height, file.width), True
    side = sizes.min(axis=1)
    longer = sizes.max(axis=1) / side
    return np.maximum(_far_below(side, is_known), _far_below(1 / longer, is_known))


def _note(dataset: LabeledImages, kind: str, score: Values) -> QualityNote:
    """Return what is to be said about images with a score above 0."""
    rows = [int(row) for row in np.argsort(-score, kind="stable") if score[row] > 0]
    splits = [getattr(dataset, part) for part in PARTS]
    ids = [name for split in splits for name in split.sample_ids]
    classes = np.concatenate([_memberships(split, dataset.n_classes) for split in splits])
    counts = classes[rows].sum(axis=0)
    return QualityNote(
        kind=kind,
        rows=tuple(rows),
        examples=tuple(ids[row] for row in rows[:MOST_EXAMPLES]),
        by_class={
            name: int(count)
            for name, count in zip(dataset.class_names, counts, strict=False)
            if count
        },
        n_images=len(score),
    )


def _memberships(split: Split, n_classes: int) -> NDArray[np.int64]:
    """Return which classes, or labels, each sample has, shape (samples, classes)."""
    if split.multi_hot is not None:
        return np.asarray(split.multi_hot, np.int64)
    return (split.labels[:, None] == np.arange(n_classes)).astype(np.int64)


_WORDS = {
    "dark": "far darker than the others",
    "bright": "far brighter than the others",
    "blurred": "far more blurred than the others",
    "odd size": "of a size or form unlike the others",
}
