"""Working through a refinement step by step; what is finished is never done again."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.atomic import write_array, write_json
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import LabeledImages
from coreset_lib.datasets.checking.trainable import check_network
from coreset_lib.datasets.labeled_images import check_one_class_each
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.kept_predictions import keep_predictions, keep_truth
from coreset_lib.evaluation.metrics import classification_metrics
from coreset_lib.refinement.experts import OpenRound, read_answers, simulated_answers, write_queries
from coreset_lib.refinement.judgement import judge_flags
from coreset_lib.refinement.noise_rate import estimate_noise_rate
from coreset_lib.refinement.plan import JUDGED, PLAIN, RefinementPlan, RoundCell
from coreset_lib.refinement.queries import BALD, QueryPool, choose_queries
from coreset_lib.refinement.results import (
    Record,
    RefinementPaths,
    count_finished,
    read_cell,
    read_judgement,
    write_cell,
)
from coreset_lib.runs.images import load_run_images
from coreset_lib.runs.resume import check_same_dataset
from coreset_lib.runs.store import Run

OnStep = Callable[[int, int, str], None]


@dataclass(eq=False)
class Refiner:
    """Holds what the steps of one plan share: the dataset on the device, given and true labels.

    Attributes
    ----------
    true_labels : int64 array, shape (samples,), or None
        Where somebody knows them; the simulated expert and the figures of wrong labels need
        them.
    """

    run: Run
    plan: RefinementPlan
    paths: RefinementPaths
    dataset: LabeledImages
    config: TrainingConfig
    true_labels: NDArray[np.int64] | None
    _placed: Any = field(default=None, init=False)

    @classmethod
    def open(cls, run: Run, plan: RefinementPlan, paths: RefinementPaths) -> "Refiner":
        """Load the run's dataset and check that it is still the same.

        Raises
        ------
        CoresetError
            If the dataset is gone, has changed, or has no single class per sample; or if the
            plan does not suit the run, see :func:`check_plan`.
        """
        check_plan(run, plan)
        config = plan.starting_recipe(run)
        dataset = load_run_images(run)
        check_same_dataset(run, dataset.fingerprint())
        check_one_class_each(dataset, "refinement")
        return cls(run, plan, paths, dataset, config, run.true_labels())

    def work(self, *, on_step: OnStep = lambda done, total, step: None) -> bool:
        """Do every step that is not finished yet, each in its own file.

        Returns
        -------
        bool
            Whether all is finished; False if people must answer queries first.

        Raises
        ------
        CoresetError
            If a training ends before its time.
        """
        from coreset_lib.training.running.failures import explained

        with explained(self.config):
            return self._work(on_step)

    def _work(self, on_step: OnStep) -> bool:
        """Go through the steps seed by seed."""
        done, total = count_finished(self.paths, self.plan), self.plan.n_steps
        if done < total:
            keep_truth(self.paths, self.dataset)
        for seed in self.plan.seeds:
            judgement = read_judgement(self.paths, seed)
            if judgement is None:
                on_step(done, total, f"judging labels, seed {seed}")
                judgement = self._judge(seed)
                done += 1
            for cell in self.plan.cells_of(seed):
                if read_cell(self.paths, cell) is not None:
                    continue
                on_step(done, total, f"{cell.arm}, round {cell.n_round}, seed {seed}")
                record = self._do_round(cell, judgement)
                if record is None:
                    return False
                write_cell(self.paths, cell, record)
                done += 1
        on_step(done, total, "")
        return True

    def _judge(self, seed: int) -> Record:
        """Let two networks teach each other, and choose the first queries of every strategy."""
        from coreset_lib.training.targets.co_teaching import co_teach

        began, plan = time.perf_counter(), self.plan
        rate, estimate = plan.noise_rate, None
        if rate is None:
            estimate = estimate_noise_rate(self.run.dynamics())
            rate = estimate.rate
        found = co_teach(
            self._data(),
            plan.recipe_for(self.config, seed, len(self.dataset.train)),
            noise_rate=rate,
            ramp_epochs=plan.ramp_epochs,
            vog_share=plan.vog_share,
        )
        is_noisy = found.is_noisy
        if BALD in plan.arms:
            write_array(self.paths.pair(seed), found.pair.astype(np.float16))
        record: Record = {
            "schema_version": 1,
            "seed": seed,
            "noise_rate": rate,
            "estimate": None if estimate is None else asdict(estimate),
            "true_rate": None,
            "n_noisy": int(is_noisy.sum()),
            "figures": None,
            "queries": {
                arm: self._next(arm, seed, 1, is_noisy, {}, found.train, found.embedding)
                for arm in plan.arms
            },
            "val": classification_metrics(found.val, self.dataset.val.labels).as_dict(),
            "test": classification_metrics(found.test, self.dataset.test.labels).as_dict(),
            "seconds": time.perf_counter() - began,
        }
        if self.true_labels is not None:
            labels = self._labels()
            figures = judge_flags(is_noisy, labels, self.true_labels, self.dataset.n_classes)
            record["figures"] = figures.as_dict()
            record["true_rate"] = float(np.mean(labels != self.true_labels))
        self._keep_judgement(seed, record, found)
        return record

    def _keep_judgement(self, seed: int, record: Record, found: Any) -> None:
        """Write the flags, also into the run's directory, and then what was found."""
        write_array(self.paths.noisy_flags(seed), found.is_noisy)
        if seed == self.plan.seeds[0]:
            write_array(self.run.paths.noisy_flags, found.is_noisy)
            about = {k: record[k] for k in ("seed", "noise_rate", "n_noisy")}
            write_json(
                self.run.paths.noisy_flags_info,
                {
                    "schema_version": 1,
                    "refinement": self.plan.refinement_id,
                    **about,
                    "plan": self.plan.as_dict(),
                },
            )
        write_json(self.paths.judgement(seed), record)

    def _do_round(self, cell: RoundCell, judgement: Record) -> Record | None:
        """Ask, train on the answers, and choose the next queries; None if answers miss."""
        history = self._history(cell)
        asked = self._asked(cell, judgement, history) if cell.n_round else []
        if cell.n_round and not asked:  # nobody is left to be asked about
            self._keep_predictions_of_before(cell, history)
            return self._before(cell, history) | {"asked": [], "answers": [], "next": []}
        answers = self._answer(cell, asked)
        if answers is None:
            return None
        given = dict(zip(asked, answers, strict=True))
        corrections = {k: v for past in history for k, v in _pairs(past)} | given
        record = self._train(cell, corrections)
        return {"asked": asked, "answers": answers, **record}

    def _train(self, cell: RoundCell, corrections: dict[int, int]) -> Record:
        """Train on guessed-clean and relabelled samples, and describe the outcome."""
        from coreset_lib.training.targets.target import train_target

        is_noisy = np.load(self.paths.noisy_flags(cell.seed), allow_pickle=False)
        labels = self._labels().copy()
        labels[list(corrections)] = list(corrections.values())
        rows = self._settled(cell.arm, is_noisy, corrections)
        recipe = self.plan.recipe_for(self.config, cell.seed, len(rows))
        goes_on = 0 < cell.n_round < self.plan.n_rounds
        result = train_target(
            self._data().with_labels(labels), rows, recipe, describe_train=goes_on
        )
        keep_predictions(self.paths, cell, result.val, result.test, is_multi=False)
        ahead: list[int] = []
        if goes_on:
            assert result.train is not None
            assert result.embedding is not None
            ahead = self._next(
                cell.arm,
                cell.seed,
                cell.n_round + 1,
                is_noisy,
                corrections,
                result.train,
                result.embedding,
            )
        return {
            "next": ahead,
            "n_labels": len(corrections),
            "n_changed": int(sum(self._labels()[k] != v for k, v in corrections.items())),
            "n_trained": len(rows),
            **self._wrong_left(labels, rows),
            "val": classification_metrics(result.val, self.dataset.val.labels).as_dict(),
            "test": classification_metrics(result.test, self.dataset.test.labels).as_dict(),
            "seconds": result.seconds,
        }

    def _wrong_left(self, labels: NDArray[np.int64], rows: NDArray[np.int64]) -> Record:
        """Count the wrong labels that are left, in all and among the samples trained on."""
        if self.true_labels is None:
            return {"n_wrong": None, "n_wrong_trained": None}
        is_wrong = labels != self.true_labels
        return {"n_wrong": int(is_wrong.sum()), "n_wrong_trained": int(is_wrong[rows].sum())}

    def _next(
        self,
        arm: str,
        seed: int,
        n_round: int,
        is_noisy: NDArray[np.bool_],
        corrections: dict[int, int],
        probabilities: NDArray[np.float64],
        embedding: NDArray[np.float32],
    ) -> list[int]:
        """Choose the queries of a round."""
        n = self.plan.labels_after(n_round) - self.plan.labels_after(n_round - 1)
        may_be_asked = np.ones(len(is_noisy), dtype=bool) if arm == PLAIN else is_noisy.copy()
        may_be_asked[list(corrections)] = False
        pool = QueryPool(
            candidates=np.flatnonzero(may_be_asked),
            settled=self._settled(arm, is_noisy, corrections),
            probabilities=probabilities,
            embedding=embedding,
            seed=seed,
            n_round=n_round,
            **({"committee": self._committee(seed, n_round, probabilities)} if arm == BALD else {}),
        )
        return choose_queries("random" if arm == PLAIN else arm, pool, n).tolist()

    def _committee(
        self, seed: int, n_round: int, probabilities: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what the co-teaching pair says, and the network of the round before."""
        pair = np.load(self.paths.pair(seed), allow_pickle=False).astype(np.float64)
        return pair if n_round == 1 else np.concatenate([pair, probabilities[None]])

    def _settled(
        self, arm: str, is_noisy: NDArray[np.bool_], corrections: dict[int, int]
    ) -> NDArray[np.int64]:
        """Return the rows that are trained on: guessed clean or relabelled, or all."""
        if arm == PLAIN:
            return np.arange(len(is_noisy))
        is_settled = ~is_noisy
        is_settled[list(corrections)] = True
        return np.flatnonzero(is_settled)

    def _history(self, cell: RoundCell) -> list[Record]:
        """Return the earlier rounds of a cell's strategy, first to last."""
        past = [
            read_cell(self.paths, RoundCell(seed=cell.seed, arm=cell.arm, n_round=number))
            for number in range(1, cell.n_round)
        ]
        return [record for record in past if record is not None]

    def _asked(self, cell: RoundCell, judgement: Record, history: list[Record]) -> list[int]:
        """Return the queries of a round, chosen when the one before was done."""
        return history[-1]["next"] if history else judgement["queries"][cell.arm]

    def _before(self, cell: RoundCell, history: list[Record]) -> Record:
        """Return the figures of the round before."""
        if history:
            return {k: v for k, v in history[-1].items() if k != "cell"}
        start = PLAIN if cell.arm == PLAIN else JUDGED
        record = read_cell(self.paths, RoundCell(seed=cell.seed, arm=start, n_round=0))
        assert record is not None
        return {k: v for k, v in record.items() if k != "cell"}

    def _keep_predictions_of_before(self, cell: RoundCell, history: list[Record]) -> None:
        """Let a round without questions have the predictions of the round before."""
        start = PLAIN if cell.arm == PLAIN else JUDGED
        arm = cell.arm if history else start
        source = self.paths.predictions(RoundCell(seed=cell.seed, arm=arm, n_round=len(history)))
        if source.exists():  # not where a former version trained it
            write_array(self.paths.predictions(cell), np.load(source, allow_pickle=False))

    def _answer(self, cell: RoundCell, asked: list[int]) -> list[int] | None:
        """Return the expert's labels; None, and a table to fill in, if people must answer."""
        if not asked:
            return []
        rows = np.array(asked, dtype=np.int64)
        if self.plan.expert == "simulated":
            assert self.true_labels is not None
            return simulated_answers(rows, self.true_labels)
        answers = read_answers(self.paths, cell.n_round, asked)
        table = self.paths.queries(cell.n_round)
        if answers is None and not table.exists():  # it may hold answers by now
            write_queries(table, self.run, OpenRound(cell.n_round, rows))
        return answers

    def _labels(self) -> NDArray[np.int64]:
        """The labels as they were given."""
        return np.asarray(self.dataset.train.labels, dtype=np.int64)

    def _data(self) -> Any:
        """The dataset on the device, placed there once."""
        from coreset_lib.training.device import resolve_device
        from coreset_lib.training.targets.target import ResidentDataset

        if self._placed is None:
            device = resolve_device(self.config.device)
            self._placed = ResidentDataset.place(self.dataset, device)
        return self._placed


def check_plan(run: Run, plan: RefinementPlan) -> None:
    """Raise CoresetError if the network does not suit the images, or the expert the labels."""
    dataset = run.manifest.dataset
    check_network(plan.model, dataset.name, depth=dataset.depth)
    if not (dataset.n_val and dataset.n_test):
        raise CoresetError(
            f"refinement needs validation and test images, and run {run.run_id} keeps "
            f"{dataset.n_val} and {dataset.n_test}. Record with val_images=, val_labels=, "
            "test_images= and test_labels=."
        )
    if plan.expert == "simulated" and run.true_labels() is None:
        raise CoresetError(
            f"run {run.run_id} must know its true labels for a simulated expert, and it does not. "
            "Train with --label-noise symmetric:0.2, or let --expert people answer."
        )


def _pairs(record: Record) -> list[tuple[int, int]]:
    """Return the rows asked about in a round with their answers."""
    return list(zip(record["asked"], record["answers"], strict=True))
