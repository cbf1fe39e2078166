"""Quotas of groups (strata, clusters) and taking them in an order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


def even_quotas(total: int, counts: Counts) -> Counts:
    """Split a budget evenly over groups; what a small group cannot fill goes to the others.

    Groups are visited by ascending count (ties in order), each with a budget of
    min(count, floor(remaining / groups left)), so that remainders go to the largest groups.

    Parameters
    ----------
    total : int
        At most ``counts.sum()``.
    counts : int array, shape (groups,)

    Returns
    -------
    int64 array, shape (groups,)
        Sums to ``total``; never more than ``counts``.

    References
    ----------
    Zheng et al., Coverage-centric coreset selection (2023), Algorithm 1.
    """
    quotas = np.zeros(len(counts), dtype=np.int64)
    left = total
    for n_done, group in enumerate(np.argsort(counts, kind="stable")):
        quotas[group] = min(int(counts[group]), left // (len(counts) - n_done))
        left -= int(quotas[group])
    return quotas


def take_per_group(groups: NDArray[Any], quotas: Counts) -> NDArray[np.intp]:
    """Return the positions of the first ``quotas[g]`` members of each group g, ascending."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    first = np.searchsorted(ordered, np.arange(len(quotas)))
    place = np.arange(len(groups)) - first[ordered]
    return np.sort(order[place < quotas[ordered]])
