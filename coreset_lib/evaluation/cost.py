"""What a comparison costs: trainings, updates and, once the speed is known, time."""

from dataclasses import dataclass

from coreset_lib.evaluation.plan import EvaluationPlan
from coreset_lib.evaluation.results import Cells
from coreset_lib.runs.store import Run
from coreset_lib.selection.budget import budget
from coreset_lib.training.time_estimate import Speed, time_in_words


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What is still to be trained of a comparison.

    Attributes
    ----------
    n_trainings, n_open : int
        All, and those that are not finished.
    steps : int
        Updates of the open ones.
    n_seen : int
        Samples that these updates see.
    seconds : tuple of float or None
        The least and the most that the open ones are likely to take, one after another; None
        where the speed was not measured.
    """

    n_trainings: int
    n_open: int
    steps: int
    n_seen: int
    seconds: tuple[float, float] | None = None

    def in_words(self) -> str:
        """Say the cost in one line."""
        trainings = "1 training" if self.n_trainings == 1 else f"{self.n_trainings} trainings"
        if self.n_open < self.n_trainings:
            trainings += f", of which {self.n_trainings - self.n_open} are finished"
        if not self.n_open:
            return trainings
        text = f"{trainings}; {self.steps:,} updates"
        if self.seconds is None:
            return text
        low, high = map(time_in_words, self.seconds)
        return f"{text}, about {low if low == high else f'{low} to {high}'}"


def cost_of(plan: EvaluationPlan, run: Run, finished: Cells, speed: Speed | None = None) -> Cost:
    """Return what is still to be trained of a comparison.

    Parameters
    ----------
    plan : EvaluationPlan
    run : Run
    finished : mapping
        From :func:`coreset_lib.evaluation.results.read_cells`.
    speed : Speed, optional
        Measured of the plan's network and batch size on the run's dataset.

    Notes
    -----
    An update on a smaller batch takes between its share of the time of a full one and all of it:
    these two give the least and the most.
    """
    recipe, n_full = plan.recipe_on_all(run), run.manifest.dataset.n_train
    cells = list(plan.cells())
    open_cells = [cell for cell in cells if cell not in finished]
    steps = n_seen = 0
    for cell in open_cells:
        n_kept = budget(cell.rate, n_full)
        target = plan.target(recipe, cell, n_full=n_full, n_kept=n_kept)
        steps += target.epochs * -(-n_kept // target.batch_size)
        n_seen += target.epochs * n_kept
    seconds = None
    if speed is not None:
        testing = 2 * len(open_cells) * speed.evaluation_seconds
        low, high = speed.batch_seconds
        least = min(n_seen / recipe.batch_size, steps) * low
        seconds = (least + testing, steps * high + testing)
    return Cost(
        n_trainings=len(cells),
        n_open=len(open_cells),
        steps=steps,
        n_seen=n_seen,
        seconds=seconds,
    )
