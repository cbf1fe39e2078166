"""The same score on runs that differ in their seed only, as an export uses and records them."""

from collections.abc import Mapping, Sequence
from typing import Any

from coreset_lib.errors import CoresetError
from coreset_lib.runs.ensemble import repetitions
from coreset_lib.runs.store import Run, RunStore
from coreset_lib.scores import compute_score
from coreset_lib.scores.score import ScoreValues

RECORDED = "repetitions"


def repetitions_of(run: Run) -> list[Run]:
    """Return the finished runs of the cache that differ from a run in their seed, and itself.

    Of an ensemble, its members.

    Raises
    ------
    CoresetError
        If there are fewer than two.
    """
    found = repetitions(run, RunStore(run.paths.cache).runs())
    if len(found) < 2:
        raise CoresetError(
            f"scores over several seeds need at least two finished runs of one recipe, got "
            f"{len(found)} for {run.run_id}. Train more seeds with --seeds 0-2."
        )
    return found


def recorded_repetitions(run: Run, record: Mapping[str, Any]) -> list[Run] | None:
    """Return the runs that a provenance says were scored, None where it names none.

    Raises
    ------
    CoresetError
        If one of them is missing, or is no repetition of the run any more.
    """
    names = record.get(RECORDED)
    if names is None:
        return None
    store = RunStore(run.paths.cache)
    found = repetitions(run, [store.find(str(name)) for name in names])
    if [each.run_id for each in found] != list(names):
        raise CoresetError(
            f"provenance names the runs {', '.join(map(str, names))} as repetitions of "
            f"{run.run_id}, got {len(found)} that are. Restore the runs from a copy."
        )
    return found


def recorded_names(runs: Sequence[Run] | None) -> dict[str, Any]:
    """Return what a provenance says of the runs that were scored; nothing without any."""
    return {} if runs is None else {RECORDED: [run.run_id for run in runs]}


def scores_of(
    runs: Sequence[Run], score: str, options: Mapping[str, Any] | None = None
) -> list[ScoreValues]:
    """Return one score of every run.

    Raises
    ------
    CoresetError
        If a run lacks what the score needs, or an option is not allowed.
    """
    return [compute_score(run.dynamics(), score, options or {}) for run in runs]
