"""Working on a comparison in this process, with a status that others can read."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from coreset_lib.evaluation.evaluate import Evaluator, OnCell, read_plan
from coreset_lib.evaluation.results import EvaluationPaths, count_finished
from coreset_lib.leases import Leases, worker_key
from coreset_lib.plans import Pace, working
from coreset_lib.runs.records import Status
from coreset_lib.runs.status import StatusWriter
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
    with working(paths, "comparison", sum(1 for _ in plan.cells())) as writer:
        note = noted(writer, on_cell)
        work_to_the_end(Evaluator.open(run, plan, paths), on_cell=note)
        writer.update(state="finished", step="", eta_seconds=0.0)
    return writer.status


def compare_by_others(
    paths: EvaluationPaths,
    others: Callable[[], AbstractContextManager[Callable[[], None]]],
    *,
    step: str = "training",
    on_cell: OnCell = lambda done, total: None,
) -> Status:
    """Keep the status of a comparison true while other processes train its open cells.

    Parameters
    ----------
    paths : EvaluationPaths
    others : callable
        Starts them for a block; what it yields waits a moment, and raises CoresetError once none
        of them is left.
    step : str
        What is done meanwhile, for the status.
    on_cell : callable
        Told of finished and of all cells.

    Returns
    -------
    Status
        ``finished``.
    """
    cells = list(read_plan(paths).cells())
    with working(paths, "comparison", len(cells)) as writer:
        note, done = noted(writer, on_cell, step), count_finished(paths, cells)
        note(done, len(cells))
        if done < len(cells):
            with others() as wait:
                while done < len(cells):
                    wait()
                    before, done = done, count_finished(paths, cells)
                    if done > before:
                        note(done, len(cells))
        writer.update(state="finished", step="", eta_seconds=0.0)
    return writer.status


def noted(writer: StatusWriter, on_cell: OnCell, step: str = "training") -> OnCell:
    """Return what writes how far a comparison is, with the time left, and tells ``on_cell``."""
    pace = Pace()

    def note(done: int, total: int) -> None:
        left = pace.seconds_left(done, total)
        writer.update(step=step, epoch=done, epochs=total, eta_seconds=left)
        on_cell(done, total)

    return note


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
