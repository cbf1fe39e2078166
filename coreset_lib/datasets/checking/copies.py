"""Images that are there twice: pixel for pixel, or nearly."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from coreset_lib.datasets.checking.near_copies import find_near_copies
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


def near_copies(dataset: LabeledImages) -> tuple[tuple[Copies, ...], bool]:
    """Return the near copies inside train and between splits, exact ones left out.

    Returns
    -------
    copies : tuple of Copies
        Train, val in train, test in train, test in val; those without a near copy left out.
    is_complete : bool
        Whether all were found.
    """
    splits = [getattr(dataset, part) for part in PARTS]
    images = np.concatenate([np.asarray(split.images) for split in splits])
    labels = np.concatenate([split.targets() for split in splits])
    ids = [name for split in splits for name in split.sample_ids]
    part_of = np.repeat(np.arange(len(PARTS)), [len(split) for split in splits])
    first, second, is_complete = find_near_copies(images)
    pairs_found = zip(first, second, strict=True)
    is_new = np.array([(images[a] != images[b]).any() for a, b in pairs_found], dtype=bool)
    found: list[Copies] = []
    for low, high in ((0, 0), (0, 1), (0, 2), (1, 2)):
        here = is_new & (part_of[first] == low) & (part_of[second] == high)
        pairs = list(zip(first[here], second[here], strict=True))
        if not pairs:
            continue
        known = dict(reversed([(int(b), int(a)) for a, b in pairs]))
        conflicting = {int(b) for a, b in pairs if labels[a] != labels[b]}
        found.append(
            Copies(
                reference=PARTS[low],
                part=PARTS[high],
                n_copies=len(known),
                n_conflicting=len(conflicting),
                examples=tuple((ids[known[b]], ids[b]) for b in sorted(known)[:MOST_EXAMPLES]),
            )
        )
    return tuple(found), is_complete


def near_warnings(found: tuple[Copies, ...], is_complete: bool) -> list[str]:
    """Say which images are nearly the same."""
    warnings: list[str] = []
    for copies in found:
        count, where = copies.n_copies, copies.reference
        other = "an earlier one" if where == copies.part else f"one of {where}"
        text = f"{images_in(count, copies.part)} {'is' if count == 1 else 'are'} nearly the "
        text += f"same as {other}"
        if copies.n_conflicting == count:
            text += " under another label"
        elif copies.n_conflicting:
            text += f", {copies.n_conflicting} of them under another label"
        warnings.append(f"{text}.")
    if not is_complete:
        warnings.append("There are more near copies than can be listed; not all were searched.")
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
