"""Images that are copies: compressed again, rescaled, brightened, cut, mirrored or turned."""

import hashlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.checking.common_look import (
    CommonLook,
    Pictures,
    blocks,
    common_look,
    pictures,
    turned,
)
from coreset_lib.datasets.checking.copy_candidates import (
    Candidates,
    Rows,
    find_candidates,
)
from coreset_lib.datasets.checking.own_copies import is_explained, likeness_to_own_copies
from coreset_lib.datasets.checking.registration import BANDS, Likeness, likeness
from coreset_lib.datasets.labeled_images import Images, is_volume

LEAST_LIKENESS = 0.88
LEAST_DETAIL = 0.6
LEAST_ALIKE_IN_DEPTH = 0.9


class NearPairs(NamedTuple):
    """Pairs of rows, first < second, in order."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]


def find_near_copies(images: Images) -> NearPairs:
    """Return pairs of images of which one was made from the other.

    Parameters
    ----------
    images : uint8 array, shape (samples, height, width) or (samples, height, width, 3)
        Or volumes, (samples, depth, height, width), which are compared by their mean slice.

    Returns
    -------
    NearPairs
        Rows of ``images``, exact copies included: each with the first of its kind. Images of
        one grey value match nothing.

    Notes
    -----
    Images are compared by what sets them apart from the others of the set: in its 150 largest
    principal components, all weighed alike (see `common_look`). The eight nearest of each
    image, turned and mirrored, are laid over it (see `likeness`). A pair that then differs no
    more than one of both differs from a copy that is made of it here (see `is_explained`) is a
    copy, whatever set it is of. docs/own-data.md says how many copies that finds, and how many
    other images it takes for one.
    """
    firsts = first_of_equals(images)
    unique = np.flatnonzero(firsts == np.arange(len(images)))
    kept = images if len(unique) == len(images) else images[unique]
    look = common_look(kept)
    found = find_candidates(kept, look)
    alike = _likeness(kept, found, look)
    is_copy = _is_copy(kept, found, alike, look)
    if is_volume(images):
        pairs_of = np.flatnonzero(is_copy)
        rows, others = found.row[pairs_of], found.other[pairs_of]
        is_copy[pairs_of] = [
            has_same_depths(kept[row], kept[other]) for row, other in zip(rows, others, strict=True)
        ]
    first, second = unique[found.row[is_copy]], unique[found.other[is_copy]]
    equal = np.flatnonzero(firsts != np.arange(len(images)))
    has_contrast = np.array([images[row].min() < images[row].max() for row in equal], dtype=bool)
    equal = equal[has_contrast]
    pairs = np.concatenate([np.stack([first, second]), np.stack([firsts[equal], equal])], axis=1)
    return NearPairs(*np.unique(np.sort(pairs, axis=0), axis=1))


def has_same_depths(volume: Images, other: Images) -> bool:
    """Whether two volumes of like mean slices are alike from slice to slice, too.

    Parameters
    ----------
    volume, other : uint8 array, shape (depth, height, width)

    Returns
    -------
    bool
        Whether means and deviations of their slices correlate by 0.9, in the order of the depth.
    """
    profiles = [
        np.concatenate([standardised(each.mean(axis=(1, 2))), standardised(each.std(axis=(1, 2)))])
        for each in (volume, other)
    ]
    return bool(np.mean(np.square(profiles[0] - profiles[1])) <= 2 * (1 - LEAST_ALIKE_IN_DEPTH))


def standardised(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return values with mean 0 and variance 1; zeros where they do not vary."""
    spread = values.std()
    centred = (values - values.mean()).astype(np.float64)
    return centred / spread if spread > 0 else centred * 0


def groups_of(pairs: NearPairs, n_images: int) -> Rows:
    """Return the first image of the group that each image is in: copies of copies are copies."""
    group = np.arange(n_images)
    first, second = pairs
    while True:
        low = np.minimum(group[first], group[second])
        joined = group.copy()
        np.minimum.at(joined, group[first], low)
        np.minimum.at(joined, group[second], low)
        joined = joined[joined]
        if (joined == group).all():
            return group
        group = joined


def first_of_equals(images: Images) -> Rows:
    """Return for each image the row of the first one with the same pixels."""
    first: dict[bytes, int] = {}
    rows = np.empty(len(images), np.int64)
    for row, image in enumerate(images):
        key = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
        rows[row] = first.setdefault(key, row)
    return rows


def _likeness(images: Images, found: Candidates, look: CommonLook) -> Likeness:
    """Return how alike candidates are once laid over each other; a pair is looked at once."""
    pairs = np.sort(np.stack([found.row, found.other]), axis=0)
    _, first, pair = np.unique(pairs, axis=1, return_index=True, return_inverse=True)
    alike = [
        likeness(
            _in_position(pictures(images[once.row], look.side), once.turn),
            pictures(images[once.other], look.side),
            look.check,
        )
        for once in (found.take(first[part]) for part in blocks(len(first)))
    ]
    if not alike:
        none = np.empty(0, np.float32)
        return Likeness(none, none, np.empty((0, len(BANDS) - 1), np.float32))
    return Likeness(*(np.concatenate(column)[pair.ravel()] for column in zip(*alike, strict=True)))


def _is_copy(
    images: Images, found: Candidates, alike: Likeness, look: CommonLook
) -> NDArray[np.bool_]:
    """Return which candidates differ no more than copies of one of them do."""
    is_copy = (alike.overall >= LEAST_LIKENESS) & (alike.detail >= LEAST_DETAIL)
    near = np.flatnonzero(is_copy)
    is_copy[:] = False
    for part in blocks(len(near)):
        pairs = near[part]
        members, place = np.unique([found.row[pairs], found.other[pairs]], return_inverse=True)
        part_alike = Likeness(*(column[pairs] for column in alike))
        for own in likeness_to_own_copies(images[members], look):
            for end in place.reshape(2, -1):
                is_copy[pairs] |= is_explained(part_alike, Likeness(*(each[end] for each in own)))
    return is_copy


def _in_position(images: Pictures, turns: Rows) -> Pictures:
    """Return pictures each turned in its own way."""
    placed = np.empty_like(images)
    for turn in np.unique(turns):
        placed[turns == turn] = turned(images[turns == turn], int(turn))
    return placed
