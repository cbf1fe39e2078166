"""A run's report to hand on."""

from collections.abc import Sequence
from pathlib import Path

from coreset_lib.cache import default_cache
from coreset_lib.export.report.run_report import report_of_run
from coreset_lib.jobs.evaluations import evaluations_of
from coreset_lib.runs.store import Run
from coreset_lib.selection import SelectionConfig


def run_report(
    run: Run,
    *,
    cache: Path | None = None,
    selection: SelectionConfig | None = None,
    with_images: bool = False,
    roots: Sequence[Path] | None = None,
) -> bytes:
    """Return a report of a run with its data, dynamics, suspects, a coreset and verdicts.

    Parameters and errors as for :func:`coreset_lib.export.report.run_report.report_of_run`; the
    comparisons are those of the cache.
    """
    found = evaluations_of(default_cache() if cache is None else cache, run.run_id)
    return report_of_run(
        run,
        selection=selection,
        comparisons=[(each.paths, each.plan) for each in found],
        with_images=with_images,
        roots=roots,
    )
