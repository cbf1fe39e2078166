"""Samples that a person forces into a coreset or keeps out of it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from coreset_lib.errors import CoresetError
from coreset_lib.selection.budget import class_quotas
from coreset_lib.selection.problem import Indices, SelectionProblem

SampleIds = Sequence[str] | Callable[[], Sequence[str]] | None
NOBODY = np.empty(0, dtype=np.intp)


class Forced(NamedTuple):
    """Positions in the training split, ascending: in whatever is chosen, and never in it."""

    inside: Indices
    outside: Indices


def named_samples(option: str, given: Any) -> tuple[str, ...]:
    """Return sample ids in order, each once.

    Raises
    ------
    CoresetError
        If it is not a list of texts.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise CoresetError(f"{option} must be a list of sample ids, got {given!r:.80}.")
    found: list[Any] = list(given)
    for each in found:
        if not isinstance(each, str) or not each:
            raise CoresetError(f"{option} must be a list of sample ids, got {each!r:.80} in it.")
    return tuple(sorted(set(found)))


def check_apart(force_in: Sequence[str], keep_out: Sequence[str]) -> None:
    """Raise CoresetError if a sample is to be inside and outside at once."""
    both = sorted(set(force_in) & set(keep_out))
    if both:
        raise CoresetError(
            f"sample {both[0]!r:.80}{_more(both)} must be forced in or kept out, got both. "
            "Take it out of one of the two lists."
        )


def find_forced(
    force_in: Sequence[str], keep_out: Sequence[str], sample_ids: SampleIds, n_samples: int
) -> Forced:
    """Return where the named samples stand.

    Parameters
    ----------
    force_in, keep_out : sequence of str
    sample_ids : sequence of str, or a callable that gives it
        Of all training samples, in their order; asked only if a sample is named.
    n_samples : int

    Raises
    ------
    CoresetError
        If an id is unknown, or one sample is in both lists.
    """
    if not force_in and not keep_out:
        return Forced(NOBODY, NOBODY)
    ids = sample_ids() if callable(sample_ids) else sample_ids
    if ids is None or len(ids) != n_samples:
        raise CoresetError("forcing samples in or out needs the ids of all training samples.")
    place = {str(name): position for position, name in enumerate(ids)}
    forced = Forced(_positions(force_in, place), _positions(keep_out, place))
    check_apart(*([str(ids[i]) for i in part] for part in forced))
    return forced


def check_room(n_forced: int, n_keep: int) -> None:
    """Refuse more forced samples than the budget holds."""
    if n_forced > n_keep:
        raise CoresetError(
            f"the rate asks for {n_keep} samples, got {n_forced} that are forced in. "
            "Raise the rate or force fewer in."
        )


def report_forced(problem: SelectionProblem, forced: Forced, balance: str) -> dict[str, Any]:
    """Return how many were forced in and kept out, and which classes that gave too many.

    Parameters
    ----------
    problem : SelectionProblem
        What is left to choose beside the forced samples.
    forced : Forced
    balance : str
        The one that was used.

    Returns
    -------
    dict
        Empty if nobody was forced; ``beyond_quota`` has for each class with more forced samples
        than its quota how many there are and how many the quota was.
    """
    if not len(forced.inside) and not len(forced.outside):
        return {}
    told: dict[str, Any] = {"in": len(forced.inside), "out": len(forced.outside)}
    if balance != "global" and len(forced.inside):
        quotas = class_quotas(
            problem.n_total,
            class_counts=np.bincount(problem.labels, minlength=problem.n_classes),
            available=problem.n_available(),
            balance=balance,
        )
        taken = problem.n_forced()
        told["beyond_quota"] = {
            problem.class_title(int(k)): [int(taken[k]), int(quotas[k])]
            for k in np.flatnonzero(taken > quotas)
        }
    return {"forced": told}


def say_forced(report: dict[str, Any]) -> str:
    """Say what was forced, and what that did to the shares of the classes; may be empty."""
    forced = report.get("forced")
    if forced is None:
        return ""
    said = f"forced in: {forced['in']}; kept out: {forced['out']}"
    beyond = forced.get("beyond_quota", {})
    if beyond:
        named = ", ".join(f"{name} {n} instead of {q}" for name, (n, q) in beyond.items())
        said += f"; more than the share of the class: {named}, so that others have fewer"
    return said


def _positions(names: Sequence[str], place: dict[str, int]) -> Indices:
    """Return the positions of samples, ascending; raises CoresetError for unknown ones."""
    found = [_position(name, place) for name in names]
    unknown = [name for name, position in zip(names, found, strict=True) if position is None]
    if unknown:
        raise CoresetError(
            f"sample {unknown[0]!r:.80}{_more(unknown)} is not among the {len(place)} training "
            "samples. Give ids as in the column sample_id of the run's tables."
        )
    return np.array(sorted(set(found)), dtype=np.intp)  # type: ignore[type-var]


def _position(name: str, place: dict[str, int]) -> int | None:
    """Find a sample, also by an id that an apostrophe keeps a spreadsheet from running."""
    found = place.get(name)
    return place.get(name[1:]) if found is None and name.startswith("'") else found


def _more(names: Sequence[str]) -> str:
    """Count the names after the first."""
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
