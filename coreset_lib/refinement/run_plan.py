"""Working on a refinement in this process, with a status that others can read."""

from pathlib import Path

from coreset_lib.plans import Pace, working
from coreset_lib.refinement.refiner import OnStep, Refiner
from coreset_lib.refinement.results import RefinementPaths, read_plan
from coreset_lib.runs.records import Status
from coreset_lib.runs.store import RunStore

WAITING = "waiting for labels"


def refine(
    cache: Path, paths: RefinementPaths, *, on_step: OnStep = lambda done, total, step: None
) -> Status:
    """Work on a refinement in this process and keep its status true.

    Returns
    -------
    Status
        ``finished``, or ``stopped`` with the step "waiting for labels".

    Raises
    ------
    CoresetError
        If it cannot go on; the status says why.
    """
    plan = read_plan(paths)
    run = RunStore(cache).find(plan.run_id)
    pace = Pace()
    with working(paths, "refinement", plan.n_steps) as writer:

        def note(done: int, total: int, step: str) -> None:
            left = pace.seconds_left(done, total)
            writer.update(step=step, epoch=done, epochs=total, eta_seconds=left)
            on_step(done, total, step)

        is_finished = Refiner.open(run, plan, paths).work(on_step=note)
        state, step = ("finished", "") if is_finished else ("stopped", WAITING)
        writer.update(state=state, step=step, eta_seconds=None)
    return writer.status
