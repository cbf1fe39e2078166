"""Splits that do not leak: what belongs together stays together, every class everywhere."""

from collections.abc import Hashable, Sequence
from math import floor

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.labeled_images import Labels
from coreset_lib.seeds import stream

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
SPLIT_SEED = 0
Parts = NDArray[np.object_]


def split_groups(
    labels: Labels, groups: Sequence[int], shares: dict[str, float], *, seed: int = SPLIT_SEED
) -> Parts:
    """Return the split of every sample.

    Parameters
    ----------
    labels : int64 array, shape (samples,)
    groups : sequence of int, shape (samples,)
        Samples of one group (a patient, copies of an image) go to the same split.
    shares : dict
        Name of each split and its share of the samples; shares sum to 1.
    seed : int
        Decides which groups go where.

    Returns
    -------
    array of str, shape (samples,)

    Notes
    -----
    Greedy, from the largest group to the smallest: each goes where its classes, and samples
    at all, are missed most, measured against each split's share; no split stays empty while
    there are groups enough. With one sample per group
    this is the stratified split; the part on samples at all gives small splits something of
    classes too small to be shared out.
    """
    groups_array = np.asarray(groups, dtype=np.int64)
    rng = stream(seed, "split")
    names = list(shares)
    n_classes = int(labels.max()) + 1 if len(labels) else 0
    members = _members(groups_array)
    order = sorted(rng.permutation(len(members)), key=lambda g: -len(members[g]))
    wanted = np.outer(list(shares.values()), np.bincount(labels, minlength=n_classes))
    in_all = wanted.sum(axis=1) / max(n_classes, 1)
    parts = np.empty(len(labels), dtype=object)
    for number in order:
        rows = members[number]
        if len(rows) == 1:
            classes, counts = labels[rows], 1
        else:
            classes, counts = np.unique(labels[rows], return_counts=True)
        missed = (wanted[:, classes] * counts).sum(axis=1) + in_all * len(rows)
        choice = int(missed.argmax())
        wanted[choice, classes] -= counts
        in_all[choice] -= len(rows) / n_classes
        parts[rows] = names[choice]
    _fill_empty(parts, [members[number] for number in order], names)
    return parts


def _fill_empty(parts: Parts, members: Sequence[NDArray[np.intp]], names: Sequence[str]) -> None:
    """Give a split that got nothing the smallest group of the split with the most groups."""
    for name in names:
        if len(members) < len(names) or (parts == name).any():
            continue
        homes = [str(parts[rows[0]]) for rows in members]
        richest = max(names, key=homes.count)
        number = max(n for n, home in enumerate(homes) if home == richest)
        parts[members[number]] = name


def complete_split(
    given: Sequence[str],
    labels: Labels,
    groups: Sequence[int],
    *,
    unit: str = "image",
    seed: int = SPLIT_SEED,
) -> tuple[Parts, tuple[str, ...]]:
    """Return the given splits, with those that are absent taken from train or made.

    Parameters
    ----------
    given : sequence of str, shape (samples,)
        "train", "val", "test", or "" for every sample.
    labels, groups, seed
        As for `split_groups`.
    unit : str
        What a group is, for the note.

    Returns
    -------
    parts : array of str, shape (samples,)
    notes : tuple of str
        How splits were made, in plain words; empty if all were given.
    """
    parts = np.array(given, dtype=object)
    present = set(given)
    if "" in present:
        note = (
            "Splits were made by the program: 70 % train, 10 % val, 20 % test, "
            f"stratified by class, {unit} by {unit}, seed {seed}."
        )
        return split_groups(labels, groups, SHARES, seed=seed), (note,)
    absent = [name for name in ("val", "test") if name not in present]
    if not absent or "train" not in present:
        return parts, ()
    taken = sum(SHARES[name] for name in absent)
    shares = {"train": 1 - taken, **{name: SHARES[name] for name in absent}}
    rows = np.flatnonzero(parts == "train")
    own = [groups[row] for row in rows]
    parts[rows] = split_groups(labels[rows], own, shares, seed=seed)
    names = " and ".join(f"{name} ({floor(100 * SHARES[name])} %)" for name in absent)
    return parts, (f"No {' and no '.join(absent)} was given: {names} was taken from train.",)


def join_groups(*keys: Sequence[Hashable]) -> list[int]:
    """Return a group number per sample: samples that share any key are one group.

    Parameters
    ----------
    keys : sequences of hashable, shape (samples,)
        For example patients and pixel hashes; an empty key ("" or b"") joins nothing.
    """
    parent = list(range(len(keys[0])))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = row = parent[parent[row]]
        return row

    for column in keys:
        first: dict[Hashable, int] = {}
        for row, key in enumerate(column):
            if key:
                parent[root(row)] = root(first.setdefault(key, row))
    return [root(row) for row in range(len(parent))]


def _members(groups: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Return the rows of each group, groups in order of their first row."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    numbers = rank[inverse]
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
