"""Images that are there twice: pixel for pixel, or nearly."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.checking.near_copies import (
    find_near_copies,
    first_of_equals,
    groups_of,
)
from coreset_lib.datasets.labeled_images import Images, LabeledImages, Split
from coreset_lib.datasets.sources.listing import PARTS

MOST_EXAMPLES = 10


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


class CopyPair(NamedTuple):
    """Two images that are the same, or nearly: ``first`` of ``reference``, ``second`` of ``part``.

    Both are sample ids.
    """

    reference: str
    first: str
    part: str
    second: str
    is_exact: bool


def copy_pairs(exact: Sequence[Copies], near: Sequence[Copies]) -> tuple[CopyPair, ...]:
    """Return the examples of all copies pair by pair: between splits first, exact ones first."""
    pairs = [
        CopyPair(copies.reference, first, copies.part, second, is_exact)
        for found, is_exact in ((exact, True), (near, False))
        for copies in found
        for first, second in copies.examples
    ]
    return tuple(sorted(pairs, key=lambda pair: pair.reference == pair.part))


def pixel_hashes(images: Images) -> list[bytes]:
    """Return a hash of the pixels of each image."""
    return [
        hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
        for image in images
    ]


def exact_copies(
    known: tuple[str, Split, list[bytes]], other: tuple[str, Split, list[bytes]]
) -> Copies:
    """Find the images of one split in another, or repeats when both are the same."""
    reference, known_split, known_hashes = known
    part, split, hashes = other
    first: dict[bytes, int] = {}
    labels: dict[bytes, set[int]] = {}
    for row, (key, label) in enumerate(zip(known_hashes, known_split.targets(), strict=True)):
        first.setdefault(key, row)
        labels.setdefault(key, set()).add(int(label))
    same, own = reference == part, split.targets()
    rows = [
        row for row, key in enumerate(hashes) if key in first and not (same and first[key] == row)
    ]
    conflicting = sum(labels[hashes[row]] != {int(own[row])} for row in rows)
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


def copy_warnings(found: tuple[Copies, ...]) -> list[str]:
    """Say which images are there twice."""
    warnings: list[str] = []
    for copies in found:
        if not copies.n_copies:
            continue
        count = copies.n_copies
        if copies.reference == copies.part:
            text = f"{images_in(count, copies.part)} {_repeat(count)} an earlier one exactly"
        else:
            text = f"{images_in(count, copies.part)} {_have(count)} an exact copy in "
            text += copies.reference
        if copies.n_conflicting == count:
            text += " under another label"
        elif copies.n_conflicting:
            text += f", {copies.n_conflicting} of them under another label"
        warnings.append(f"{text}.")
    return warnings


@dataclass(frozen=True, eq=False)
class CopyGroups:
    """Which images of a dataset show the same, counted through train, val and test.

    Attributes
    ----------
    group, exact : int64 array, shape (samples,)
        Equal where images are copies, near or exact and of each other or of a third; equal
        where they are so pixel for pixel.
    part : int64 array, shape (samples,)
        0 for train, 1 for val, 2 for test.
    """

    group: NDArray[np.int64]
    exact: NDArray[np.int64]
    part: NDArray[np.int64]

    def is_known(self, reference: int, part: int) -> NDArray[np.bool_]:
        """Return which images of one split have a copy in another, shape (samples of part,)."""
        theirs = self.group[self.part == reference]
        return np.isin(self.group[self.part == part], theirs)


def copy_groups(dataset: LabeledImages) -> CopyGroups:
    """Return which images of a dataset are copies, see `find_near_copies`."""
    splits = [getattr(dataset, part) for part in PARTS]
    images = np.concatenate([np.asarray(split.images) for split in splits])
    part = np.repeat(np.arange(len(PARTS)), [len(split) for split in splits])
    group = groups_of(find_near_copies(images), len(images))
    return CopyGroups(group, first_of_equals(images), part)


def near_copies(dataset: LabeledImages, groups: CopyGroups) -> tuple[Copies, ...]:
    """Return the near copies inside train and between splits, exact ones left out.

    Returns
    -------
    tuple of Copies
        Train, val in train, test in train, test in val; those without a near copy left out.
    """
    splits = [getattr(dataset, part) for part in PARTS]
    labels = np.concatenate([split.targets() for split in splits])
    ids = [name for split in splits for name in split.sample_ids]
    members: dict[int, list[int]] = {}
    for row, group in enumerate(groups.group.tolist()):
        members.setdefault(group, []).append(row)
    several = [rows for rows in members.values() if len(set(groups.exact[rows].tolist())) > 1]
    found: list[Copies] = []
    for low, high in ((0, 0), (0, 1), (0, 2), (1, 2)):
        known = {row: own for rows in several for row, own in _known(groups, rows, low, high)}
        if not known:
            continue
        conflicting = [row for row, own in known.items() if (labels[own] != labels[row]).any()]
        examples = [(ids[known[row][0]], ids[row]) for row in sorted(known)[:MOST_EXAMPLES]]
        found.append(
            Copies(
                reference=PARTS[low],
                part=PARTS[high],
                n_copies=len(known),
                n_conflicting=len(conflicting),
                examples=tuple(examples),
            )
        )
    return tuple(found)


def _known(
    groups: CopyGroups, rows: list[int], low: int, high: int
) -> Iterator[tuple[int, list[int]]]:
    """Yield the images of one split with their near copies in another, or earlier in it."""
    theirs = [row for row in rows if groups.part[row] == low]
    for row in rows:
        if groups.part[row] != high:
            continue
        own = [
            r for r in theirs if groups.exact[r] != groups.exact[row] and (low < high or r < row)
        ]
        if own:
            yield row, own


def near_warnings(found: tuple[Copies, ...]) -> list[str]:
    """Say which images are nearly the same."""
    warnings: list[str] = []
    for copies in found:
        count, where = copies.n_copies, copies.reference
        other = "an earlier one" if where == copies.part else f"one of {where}"
        verb = "is" if count == 1 else "are"
        text = f"{images_in(count, copies.part)} {verb} nearly the same as {other}"
        if copies.n_conflicting == count:
            text += " under another label"
        elif copies.n_conflicting:
            text += f", {copies.n_conflicting} of them under another label"
        warnings.append(f"{text}.")
    return warnings


def images_in(count: int, part: str) -> str:
    """Write a number of images of a split."""
    return f"{count} {part} image{'' if count == 1 else 's'}"


def _repeat(count: int) -> str:
    """Return the verb in the right number."""
    return "repeats" if count == 1 else "repeat"


def _have(count: int) -> str:
    """Return the verb in the right number."""
    return "has" if count == 1 else "have"
