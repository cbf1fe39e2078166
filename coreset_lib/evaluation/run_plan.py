"""Working on a comparison in this process, with a status that others can read."""

from pathlib import Path

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.evaluate import Evaluator, OnCell, read_plan
from coreset_lib.evaluation.results import EvaluationPaths
from coreset_lib.plans import Pace, working
from coreset_lib.runs.records import Status
from coreset_lib.runs.store import RunStore


def compare(
    cache: Path, paths: EvaluationPaths, *, on_cell: OnCell = lambda done, total: None
) -> Status:
    """Train the open cells of a comparison in this process and keep its status true.

    Returns
    -------
    Status
        ``finished``.

    Raises
    ------
    CoresetError
        If it cannot go on, or other processes train what is left; the status says why.
    """
    plan = read_plan(paths)
    run = RunStore(cache).find(plan.run_id)
    pace = Pace()
    with working(paths, "comparison", sum(1 for _ in plan.cells())) as writer:

        def note(done: int, total: int) -> None:
            left = pace.seconds_left(done, total)
            writer.update(step="training", epoch=done, epochs=total, eta_seconds=left)
            on_cell(done, total)

        n_left = Evaluator.open(run, plan, paths).work(on_cell=note)
        if n_left:
            raise CoresetError(
                f"{n_left} trainings of this comparison are under way in another process. "
                "Start it again when that has ended."
            )
        writer.update(state="finished", step="", eta_seconds=0.0)
    return writer.status
