"""Working on a comparison in this process, with a status that others can read."""

import time
from collections.abc import Callable
from pathlib import Path

from coreset_lib.evaluation.evaluate import Evaluator, OnCell, read_plan
from coreset_lib.evaluation.results import EvaluationPaths
from coreset_lib.leases import Leases, worker_key
from coreset_lib.plans import Pace, working
from coreset_lib.runs.records import Status
from coreset_lib.runs.store import RunStore

POLL_SECONDS = 0.5


def compare(
    cache: Path, paths: EvaluationPaths, *, on_cell: OnCell = lambda done, total: None
) -> Status:
    """Train the open cells of a comparison in this process and keep its status true.

    What workers elsewhere train meanwhile is waited for, and taken over if they are gone.

    Returns
    -------
    Status
        ``finished``.

    Raises
    ------
    CoresetError
        If it cannot go on; the status says why.
    """
    plan = read_plan(paths)
    run = RunStore(cache).find(plan.run_id)
    pace = Pace()
    with working(paths, "comparison", sum(1 for _ in plan.cells())) as writer:

        def note(done: int, total: int) -> None:
            left = pace.seconds_left(done, total)
            writer.update(step="training", epoch=done, epochs=total, eta_seconds=left)
            on_cell(done, total)

        work_to_the_end(Evaluator.open(run, plan, paths), on_cell=note)
        writer.update(state="finished", step="", eta_seconds=0.0)
    return writer.status


def work_to_the_end(
    evaluator: Evaluator,
    *,
    on_cell: OnCell = lambda done, total: None,
    must_end: Callable[[], bool] = lambda: False,
) -> int:
    """Train cells, as one worker of perhaps several, until none is open or it must end.

    Returns
    -------
    int
        Cells that are open still.

    Raises
    ------
    CoresetError
        If a training ends before its time.
    """
    leases = Leases(evaluator.paths.leases)
    with leases.alive(), leases.taken(worker_key(leases.owner)):
        while True:
            n_left = evaluator.work(on_cell=on_cell, must_end=must_end, leases=leases)
            if not n_left or must_end():
                return n_left
            time.sleep(POLL_SECONDS)
