"""Working through a plan cell by cell; what is finished is never done again."""

import contextlib
import functools
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import LabeledImages
from coreset_lib.evaluation.held_out import hold_out, of_samples
from coreset_lib.evaluation.kept_predictions import keep_predictions, keep_truth
from coreset_lib.evaluation.metrics import split_metrics
from coreset_lib.evaluation.plan import FULL_SET, Cell, EvaluationPlan, plan_from_dict
from coreset_lib.evaluation.results import (
    EvaluationPaths,
    count_finished,
    is_finished,
    read_cells,
    write_cell,
)
from coreset_lib.evaluation.tied_scores import scored_selections
from coreset_lib.leases import Leases
from coreset_lib.plans import damaged_plan, make_plan_folder
from coreset_lib.runs.images import load_run_images
from coreset_lib.runs.resume import check_same_dataset
from coreset_lib.runs.store import Run
from coreset_lib.scores import compute_score
from coreset_lib.scores.score import ScoreValues
from coreset_lib.selection import SelectionConfig, select_coreset

OnCell = Callable[[int, int], None]


def evaluations_folder(cache: Path) -> Path:
    """Folder of all comparisons below a cache directory."""
    return cache / "evaluations"


def create_evaluation(cache: Path, plan: EvaluationPlan) -> EvaluationPaths:
    """Make the plan's directory, or find it with the cells that are finished.

    Raises
    ------
    CoresetError
        If the cache cannot be written.
    """
    paths = EvaluationPaths(evaluations_folder(cache) / plan.evaluation_id)
    make_plan_folder(paths, plan.as_dict())
    return paths


def read_plan(paths: EvaluationPaths) -> EvaluationPlan:
    """Read the plan of a comparison; raises CoresetError if it is damaged."""
    try:
        return plan_from_dict(json.loads(paths.plan.read_bytes())["plan"])
    except (OSError, ValueError, KeyError, TypeError):
        raise damaged_plan("comparison", paths) from None


@dataclass(eq=False)
class Evaluator:
    """Holds what the cells of one plan share: the dataset on the device, scores, features.

    Attributes
    ----------
    rows : int array or None
        Samples of the run that ``dataset`` trains on, where the others were held out.
    """

    run: Run
    plan: EvaluationPlan
    paths: EvaluationPaths
    dataset: LabeledImages
    config: TrainingConfig
    rows: NDArray[np.intp] | None = None

    @classmethod
    def open(cls, run: Run, plan: EvaluationPlan, paths: EvaluationPaths) -> "Evaluator":
        """Load the run's dataset and check that it is still the same.

        Raises
        ------
        CoresetError
            If the dataset is gone or has changed.
        """
        config = plan.starting_recipe(run)
        dataset = load_run_images(run)
        check_same_dataset(run, dataset.fingerprint())
        dataset, rows = hold_out(dataset)
        return cls(run, plan, paths, dataset, config, rows)

    def work(
        self,
        *,
        on_cell: OnCell = lambda done, total: None,
        start_at: float = 0.0,
        must_end: Callable[[], bool] = lambda: False,
        leases: Leases | None = None,
    ) -> int:
        """Train every cell that is not finished yet, each in its own file.

        Several processes, on any hosts that see the folder, may work on one plan: a cell that
        another one holds the lease of is left to it.

        Parameters
        ----------
        on_cell : callable
            Told of finished and of all cells, whenever one is finished.
        start_at : float
            Share of the open cells to begin behind, in [0, 1), so that several processes do not
            meet at the same cell.
        must_end : callable
            Whether to begin no further cell.
        leases : Leases, optional
            Whose signs of life are given already; by default the work has its own.

        Returns
        -------
        int
            Cells that are open still: other processes were training them when nothing else was
            left to do, or it had to end.

        Raises
        ------
        CoresetError
            If a training ends before its time.
        """
        from coreset_lib.training.running.failures import explained

        with contextlib.ExitStack() as during:
            during.enter_context(explained(self.config))
            if leases is None:
                leases = during.enter_context(Leases(self.paths.leases).alive())
            return self._work(on_cell, start_at, must_end, leases)

    def _work(
        self,
        on_cell: OnCell,
        start_at: float,
        must_end: Callable[[], bool],
        leases: Leases,
    ) -> int:
        """Go through the open cells."""
        cells = list(self.plan.cells())
        finished = read_cells(self.paths, self.plan)
        on_cell(len(finished), len(cells))
        open_cells = [cell for cell in cells if cell not in finished]
        if not open_cells:
            return 0
        data = self._on_device
        keep_truth(self.paths, self.dataset)
        self._prepare_selection()
        first, n_left = int(start_at * len(open_cells)), 0
        for group in self._groups(data, (*open_cells[first:], *open_cells[:first])):
            if must_end():
                n_left += len(group)
                continue
            with contextlib.ExitStack() as claims:
                mine = [c for c in group if claims.enter_context(leases.taken(c.key))]
                n_left += len(group) - len(mine)
                todo = [cell for cell in mine if not is_finished(self.paths, cell)]
                for cell, result in zip(todo, self._train_all(data, todo), strict=True):
                    if not is_finished(self.paths, cell):  # a late worker comes second
                        write_cell(self.paths, cell, result)
                    on_cell(count_finished(self.paths, cells), len(cells))
        return n_left

    @functools.cached_property
    def _on_device(self) -> Any:
        """The dataset on the device, placed there once."""
        from coreset_lib.training.device import resolve_device
        from coreset_lib.training.targets.target import ResidentDataset

        return ResidentDataset.place(self.dataset, resolve_device(self.config.device))

    def _groups(self, data: Any, cells: Sequence[Cell]) -> Iterator[list[Cell]]:
        """Yield the cells in order, those at once that may be trained stacked."""
        from coreset_lib.training.targets.stacked import MOST_STACKED, stacking_pays

        if not stacking_pays(self.plan.model, data.train.labels.device):
            yield from ([cell] for cell in cells)
            return
        for is_full, alike in itertools.groupby(cells, lambda c: (c.rate, c.arm == FULL_SET)):
            group = list(alike)
            size = 1 if is_full[1] else MOST_STACKED
            yield from (group[start : start + size] for start in range(0, len(group), size))

    def _train_all(self, data: Any, cells: Sequence[Cell]) -> Iterator[dict[str, Any]]:
        """Yield the results of cells: trained stacked where they differ in seeds only."""
        from coreset_lib.training.targets.stacked import train_stacked_targets
        from coreset_lib.training.targets.target import train_target

        is_watched = self.plan.protocol == "paper"
        chosen = [self._coreset(cell) for cell in cells]
        kinds = {(len(indices), replace(recipe, seed=0)) for indices, recipe in chosen}
        if len(cells) > 1 and len(kinds) == 1:
            coresets, recipes = zip(*chosen, strict=True)
            results = train_stacked_targets(data, coresets, recipes, watch_validation=is_watched)
        else:
            results = (
                train_target(data, indices, recipe, watch_validation=is_watched)
                for indices, recipe in chosen
            )
        for cell, (indices, _), result in zip(cells, chosen, results, strict=True):
            kept = self._keep(cell, result)
            yield self._describe(len(indices), result) | {"predictions": kept}

    def _prepare_selection(self) -> None:
        """Open the dynamics and compute all scores: what cannot be, is said before the work."""
        dynamics = self.run.dynamics()
        self._dynamics = dynamics if self.rows is None else of_samples(dynamics, self.rows)
        self._scores: dict[str, ScoreValues] = {}
        for selection in scored_selections(self.plan):
            self._score_of(selection)

    def _coreset(self, cell: Cell) -> tuple[Any, TrainingConfig]:
        """Return the samples of a cell and the recipe of its network."""
        selection = self.plan.selection(cell)
        n_full = len(self.dataset.train)
        indices = np.arange(n_full) if selection is None else self._choose(selection)
        return indices, self.plan.target(self.config, cell, n_full=n_full, n_kept=len(indices))

    def _keep(self, cell: Cell, result: Any) -> str:
        """Keep what a trained network predicts; its cell is finished only after that."""
        is_multi = self.dataset.test.multi_hot is not None
        return keep_predictions(self.paths, cell, result.val, result.test, is_multi=is_multi)

    def _describe(self, n_samples: int, result: Any) -> dict[str, Any]:
        """Return what is kept of a trained network."""
        val = split_metrics(result.val, self.dataset.val).as_dict()
        return {
            "n_samples": n_samples,
            "steps": result.steps,
            "seconds": result.seconds,
            "val": val | {"best_accuracy": result.best_val_accuracy},
            "test": split_metrics(result.test, self.dataset.test).as_dict(),
        }

    def _choose(self, selection: SelectionConfig) -> Any:
        """Return the coreset."""
        return select_coreset(
            self._dynamics,
            selection,
            score=self._score_of(selection),
            features=lambda: self._rows_of(self.run.features(selection.features)),
            early_features=lambda: self._rows_of(self.run.early_features()),
            sample_ids=lambda: self.dataset.train.sample_ids,
        ).indices

    def _score_of(self, selection: SelectionConfig) -> ScoreValues | None:
        """Return the score of a selection, computed once for all cells that use it."""
        if selection.score is None:
            return None
        key = json.dumps(selection.as_dict()["score_options"]) + selection.score
        if key not in self._scores:
            self._scores[key] = compute_score(
                self._dynamics, selection.score, selection.score_options
            )
        return self._scores[key]

    def _rows_of(self, found: Any) -> Any:
        """Return the features of the samples that may be chosen."""
        return found if found is None or self.rows is None else found[self.rows]
