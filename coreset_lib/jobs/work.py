"""A worker for a plan folder: as many of them as see the folder share its work.

``python -m coreset_lib.jobs.work FOLDER``, or ``coreset-lens work PLAN``. Whoever starts workers
(a shell, Slurm, Ray, Kubernetes) may start, end and kill any of them at any moment.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.evaluate import Evaluator, evaluations_folder
from coreset_lib.evaluation.evaluate import read_plan as read_comparison
from coreset_lib.evaluation.results import EvaluationPaths, count_finished
from coreset_lib.evaluation.run_plan import work_to_the_end
from coreset_lib.plans import check_same_code
from coreset_lib.refinement.results import RefinementPaths, refinements_folder
from coreset_lib.refinement.run_plan import refine
from coreset_lib.runs.store import RunStore
from coreset_lib.system.signals import on_end_request

OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class Worked:
    """What a worker leaves behind.

    Attributes
    ----------
    done, total : int
        Finished and all steps of the plan, whoever did them.
    is_finished : bool
        Whether nothing is left to a worker.
    """

    done: int
    total: int
    is_finished: bool


def find_plan(cache: Path, name: str) -> Path:
    """Return the folder of a plan, given as that folder, its name or a unique beginning of it.

    Raises
    ------
    CoresetError
        If there is no such plan, or several names begin so.
    """
    given = Path(name)
    if (given / "plan.json").is_file():
        return given.resolve()
    parents = (evaluations_folder(cache), refinements_folder(cache))
    found = [path for parent in parents for path in sorted(parent.glob("*/plan.json"))]
    fitting = [path.parent for path in found if name and path.parent.name.startswith(name)]
    exact = [folder for folder in fitting if folder.name == name]
    if len(exact or fitting) != 1:
        what = "several" if fitting else "none"
        raise CoresetError(
            f"plan must be a folder with a plan.json, or the name of a comparison or refinement "
            f"in the cache {cache}, got {name!r}, which is {what}. "
            "evaluate prints the name of its comparison when it begins."
        )
    return (exact or fitting)[0].resolve()


def work_on(
    folder: Path,
    *,
    seconds: float | None = None,
    on_step: OnStep = lambda done, total: None,
) -> Worked:
    """Work on a plan until nothing is left to do, beside whoever else works on it.

    Parameters
    ----------
    folder : Path
        Of a comparison or a refinement, inside its cache.
    seconds : float, optional
        No training begins after that long.
    on_step : callable
        Told of finished and of all steps.

    Raises
    ------
    CoresetError
        If the plan, its run or its images are gone, damaged or made by other code, or a training
        ends before its time.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    cache, kind = folder.parents[1], folder.parent.name
    if kind == evaluations_folder(cache).name:
        return _work_on_comparison(cache, EvaluationPaths(folder), deadline, on_step)
    if kind == refinements_folder(cache).name:
        return _work_on_refinement(cache, RefinementPaths(folder), on_step)
    raise CoresetError(
        f"plan {folder} must lie in a cache, in its folder evaluations or refinements. "
        "Name it where it was made."
    )


def _work_on_comparison(
    cache: Path, paths: EvaluationPaths, deadline: float | None, on_step: OnStep
) -> Worked:
    """Train the open cells that nobody else trains."""
    check_same_code("comparison", paths)
    plan = read_comparison(paths)
    evaluator = Evaluator.open(RunStore(cache).find(plan.run_id), plan, paths)
    n_left = work_to_the_end(
        evaluator,
        on_cell=on_step,
        must_end=lambda: deadline is not None and time.monotonic() >= deadline,
    )
    cells = list(plan.cells())
    return Worked(count_finished(paths, cells), len(cells), not n_left)


def _work_on_refinement(cache: Path, paths: RefinementPaths, on_step: OnStep) -> Worked:
    """Do the steps of a refinement, each of which needs the one before: by one worker."""
    check_same_code("refinement", paths)
    status = refine(cache, paths, on_step=lambda done, total, step: on_step(done, total))
    return Worked(status.epoch, status.epochs, status.state == "finished")


def main(arguments: Sequence[str]) -> int:
    """Work on a plan as a process of its own; 0 if that went well, 1 if not, 2 for no folder."""
    if len(arguments) != 1:
        print("usage: python -m coreset_lib.jobs.work FOLDER", file=sys.stderr)
        return 2
    on_end_request(end_early)
    try:
        worked = work_on(Path(arguments[0]).resolve())
    except CoresetError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{worked.done} of {worked.total}")
    return 0


def end_early(signum: int, frame: object) -> None:
    """Give up the training under way, so that its lease is given back at once."""
    del frame
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
