"""Spoiling labels on purpose, so that it can be measured how well wrong ones are found."""

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from coreset_lib.configs import NO_LABEL_NOISE, check_label_noise
from coreset_lib.datasets.labeled_images import (
    LabeledImages,
    Labels,
    check_one_class_each,
    is_volume,
)
from coreset_lib.datasets.pixels import pixel_components
from coreset_lib.errors import CoresetError
from coreset_lib.seeds import stream

TRUE_LABEL = "true_label"
ORIGINAL_LABEL = "original_label"
INJECTED = "is_injected"


def inject_label_noise(
    dataset: LabeledImages, *, kind: str, rate: float, seed: int = 0
) -> LabeledImages:
    """Return the dataset with wrong labels in ``train``; the given one is not changed.

    Parameters
    ----------
    dataset : LabeledImages
    kind : {"none", "symmetric", "class_dependent", "look_alike"}
        ``symmetric``: ``round(rate * N)`` samples, drawn from all, get one of the other
        classes, each as likely as the next. ``class_dependent``: the classes are put in a
        drawn order, and in each of them but the last ``round(rate * n)`` of its n samples get
        the class that comes next; the last keeps its labels. Of two classes one is hit.
        ``look_alike``: see :func:`likeness_to_another_class`; ``round(rate * N)`` samples, drawn
        from the ``2 * round(rate * N)`` that look most like another class, get that class.
    rate : float
        In (0, 1); 0 without noise. See :func:`coreset_lib.configs.high_noise_warning` from 0.5 on.
    seed : int
        Same seed, same wrong labels, whatever the seed of the training.

    Returns
    -------
    LabeledImages
        ``truth`` holds ``true_label`` (from the source where it knows them, else the labels
        as they were), ``is_mislabelled`` (given label differs from the true one),
        ``original_label`` (before injection) and ``is_injected``. Validation and test keep
        their labels.

    Raises
    ------
    CoresetError
        If the kind is unknown, the rate out of range, samples carry any number of labels, so
        few samples are there that no label would be changed, or a class would vanish.

    Notes
    -----
    Samples that the source knows to be mislabelled already are left as they are and do not
    count among the N or n: their wrong labels come on top of the injected ones.
    """
    check_label_noise(kind, rate)
    if kind == NO_LABEL_NOISE:
        return dataset
    check_one_class_each(dataset, "label noise")
    labels = np.asarray(dataset.train.labels, dtype=np.int64)
    true = np.asarray(dataset.truth.get(TRUE_LABEL, labels), dtype=np.int64)
    rng = stream(seed, "label noise", kind)
    clean = np.flatnonzero(labels == true)
    if kind == "look_alike":
        rows, values = _look_alike(rng, dataset, clean, rate)
    else:
        spoil = _symmetric if kind == "symmetric" else _class_dependent
        rows, values = spoil(rng, labels, clean, dataset.n_classes, rate)
    spoilt = labels.copy()
    spoilt[rows] = values
    _check_outcome(dataset, labels, spoilt, kind, rate)
    return replace(
        dataset,
        train=replace(dataset.train, labels=spoilt),
        title=f"{dataset.title or dataset.name}, {rate:.3g} {kind.replace('_', '-')} label noise",
        truth=_truth(dataset.truth, labels, true, spoilt),
    )


Drawn = tuple[NDArray[np.intp], Labels]


def _symmetric(
    rng: np.random.Generator, labels: Labels, clean: NDArray[np.intp], n_classes: int, rate: float
) -> Drawn:
    """Draw samples, and for each a class that is not its own."""
    rows = rng.permutation(clean)[: round(rate * len(clean))]
    step = 1 + rng.integers(n_classes - 1, size=len(rows))
    return rows, (labels[rows] + step) % n_classes


def _class_dependent(
    rng: np.random.Generator, labels: Labels, clean: NDArray[np.intp], n_classes: int, rate: float
) -> Drawn:
    """Draw from every class but the last of a drawn order; they get the next class of it."""
    order = rng.permutation(n_classes)
    rows: list[NDArray[np.intp]] = []
    values: list[Labels] = []
    for klass, target in itertools.pairwise(order):
        members = rng.permutation(clean[labels[clean] == klass])
        rows.append(members[: round(rate * len(members))])
        values.append(np.full(len(rows[-1]), target))
    return np.concatenate(rows), np.concatenate(values)


def _look_alike(
    rng: np.random.Generator, dataset: LabeledImages, clean: NDArray[np.intp], rate: float
) -> Drawn:
    """Draw from the samples that look most like another class; they get that class."""
    images = dataset.train.images
    has_colours = images.ndim == 4 and not is_volume(images)
    places = pixel_components(images, has_colours=has_colours)[clean]
    labels = np.asarray(dataset.train.labels, dtype=np.int64)[clean]
    likeness, other = likeness_to_another_class(places, labels)
    n_wrong = round(rate * len(clean))
    most_alike = np.argsort(-likeness, kind="stable")[: 2 * n_wrong]
    rows = rng.permutation(most_alike)[:n_wrong]
    return clean[rows], other[rows]


def likeness_to_another_class(
    places: NDArray[np.float32], labels: Labels
) -> tuple[NDArray[np.float64], Labels]:
    """Return how much nearer the nearest sample of another class is than that of the own one.

    Parameters
    ----------
    places : float array, shape (samples, dimensions)
    labels : int64 array, shape (samples,)
        Of at least two classes.

    Returns
    -------
    likeness : float64 array, shape (samples,)
        own / (own + other) of the two Euclidean distances, in [0, 1]; 0.5 where both are 0,
        0 for a sample that is alone in its class.
    other : int64 array, shape (samples,)
        The class of the nearest sample of another class; the lower number where two are as near.

    Notes
    -----
    Cost: samples squared times dimensions.
    """
    from sklearn.neighbors import NearestNeighbors

    classes, counts = np.unique(labels, return_counts=True)
    nearest = np.full((len(labels), len(classes)), np.inf)
    for column, (klass, count) in enumerate(zip(classes, counts, strict=True)):
        is_own = labels == klass
        search = NearestNeighbors(algorithm="brute").fit(places[is_own])
        nearest[~is_own, column] = search.kneighbors(places[~is_own], 1)[0][:, 0]
        if count > 1:
            nearest[is_own, column] = search.kneighbors(places[is_own], 2)[0][:, 1]
    rows, column_of = np.arange(len(labels)), np.searchsorted(classes, labels)
    own = nearest[rows, column_of]
    nearest[rows, column_of] = np.inf
    other = nearest.min(axis=1)
    with np.errstate(invalid="ignore"):
        likeness = np.where(own + other > 0, own / (own + other), 0.5)
    likeness[np.isinf(own)] = 0.0
    return likeness, classes[nearest.argmin(axis=1)].astype(np.int64)


def _check_outcome(
    dataset: LabeledImages, before: Labels, after: Labels, kind: str, rate: float
) -> None:
    """Refuse noise that changes nothing, or that leaves a class without samples."""
    if np.array_equal(before, after):
        raise CoresetError(
            f"label noise {kind}:{rate:g} must change at least one label, got none of the "
            f"{len(before)} in {dataset.name}. Choose a higher rate."
        )
    lost = sorted(set(before.tolist()) - set(after.tolist()))
    if lost:
        names = ", ".join(dataset.class_names[klass] for klass in lost)
        raise CoresetError(
            f"label noise {kind}:{rate:g} must leave every class some samples, got none left of "
            f"{names}. Choose a lower rate or another seed."
        )


def _truth(
    known: Mapping[str, NDArray[np.generic]], labels: Labels, true: Labels, spoilt: Labels
) -> dict[str, NDArray[np.generic]]:
    """Return what is known of the samples, the spoilt labels included."""
    return {
        **known,
        TRUE_LABEL: true,
        "is_mislabelled": spoilt != true,
        ORIGINAL_LABEL: labels,
        INJECTED: spoilt != labels,
    }
