"""Judge every claim of the papers by one command.

    python benchmarks/studies.py --data-root DIR --work FOLDER      # what a CPU can do
    python benchmarks/studies.py --only eva --dataset pneumoniamnist --data-root DIR
    python benchmarks/studies.py --gpu --data-root DIR              # what wants a GPU, too
    python benchmarks/studies.py --smoke                            # all of it, tiny, in minutes
    python benchmarks/studies.py --table                            # the table, from the files

The claims stand in ``study_claims.py``, what is trained for them in ``study_arms.py``. Every
training is kept in ``--work`` at once, and the same command goes on where it was stopped. The pairs
that a claim is judged by go to ``results/studies/claims`` with hardware and versions, and
``study_verdicts.py`` makes the tables of docs/studies.md from them.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from measuring import RESULTS, hardware, versions
from study_arms import STUDIES, Study
from study_claims import CLAIMS
from study_evidence import (
    boundary_pairs,
    compared_pairs,
    published_pairs,
    refined_pairs,
    trained_run,
)
from study_verdicts import NOT_TESTABLE, findings, page

from coreset_lib import workflows
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import PhantomOptions, load_configured, make_phantom
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.plan import EvaluationPlan
from coreset_lib.evaluation.report import cell_table
from coreset_lib.runs.store import Run
from coreset_lib.training.after.image_features import compute_efficientnet, compute_pixels
from coreset_lib.training.after.vgg16 import compute_vgg16

FEATURE_SIDE = 64
FOLDER = RESULTS / "studies" / "claims"
NEEDS_GPU = "needs a GPU (--gpu)"


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is trained on a dataset; ``rates`` leaves out all others."""

    epochs: int
    draws: int
    random_draws: int
    batch_size: int = 256
    refinement_epochs: int = 20
    refinement_seeds: int = 5
    rates: tuple[float, ...] | None = None

    def of(self, rates: Sequence[float]) -> tuple[float, ...]:
        """Return those of a study's rates that are done."""
        return tuple(rate for rate in rates if self.rates is None or rate in self.rates)


SIZES = {
    "breastmnist": Size(epochs=60, draws=6, random_draws=15),
    "pneumoniamnist": Size(epochs=20, draws=4, random_draws=8),
    "pbc": Size(epochs=20, draws=4, random_draws=8),
    "wbc_folder": Size(epochs=60, draws=6, random_draws=15),
    "long_tailed": Size(
        epochs=30, draws=6, random_draws=15, refinement_epochs=15, refinement_seeds=4
    ),
    "smoke": Size(
        epochs=8,
        draws=2,
        random_draws=2,
        refinement_epochs=11,
        refinement_seeds=2,
        rates=(0.05, 0.1, 0.25, 0.4),
    ),
}
# Sets that are made here: samples of the largest class, and how many times those of the smallest.
MADE = {"long_tailed": (200, 16.0), "smoke": (60, 3.0)}


def config_of(study: Study, dataset: str, options: Any) -> TrainingConfig:
    """Return the recipe of the surrogate."""
    size = SIZES[dataset]
    return TrainingConfig(
        dataset=dataset,
        data_root=str(options.work / "sets" if dataset in MADE else options.data_root),
        model=study.surrogate,
        epochs=size.epochs,
        batch_size=size.batch_size,
        device="cuda" if options.gpu and torch.cuda.is_available() else "cpu",
    )


def compute_features(run: Run, kind: str) -> None:
    """Compute the features of a pretrained network, unless they are there."""
    if kind == "vgg16" and not run.paths.vgg16.exists():
        compute_vgg16(run, weights=None, side=FEATURE_SIDE)
    elif kind == "efficientnet" and not run.paths.embedding_of(kind).exists():
        compute_efficientnet(run, side=FEATURE_SIDE)
    if not run.paths.embedding_of("pixels").exists():
        compute_pixels(run)


def plan_of(study: Study, run: Run, dataset: str) -> EvaluationPlan:
    """Return the comparison of a study."""
    size = SIZES[dataset]
    return workflows.evaluation_plan(
        run,
        study.arms(size.epochs),
        rates=size.of(study.rates),
        n_seeds=size.draws,
        n_random=size.random_draws,
        model=study.target,
        with_full_set=study.with_full_set,
    )


def compare(study: Study, dataset: str, options: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Train what is open of a comparison, and return the pairs that claims ask for."""
    run = trained_run(options.work, config_of(study, dataset, options))
    compute_features(run, study.features)
    plan = plan_of(study, run, dataset)
    evaluation = finished_as_far_as_asked(plan, options.work)
    trainings = cell_table(evaluation.paths, plan)
    keep(options.out, study, dataset, "trainings.csv", trainings)
    said = f"{run.status().epochs} epochs, {plan.n_seeds} draws, {plan.n_random} of random"
    about = {"recipe": run.manifest.config, "said": said}
    return compared_pairs(evaluation, wanted(study)), about


def finished_as_far_as_asked(plan: EvaluationPlan, work: Path) -> Any:
    """Train until all is finished or somebody presses Ctrl-C: then what is there is judged."""
    try:
        return workflows.evaluate(plan, cache=work, on_cell=tell)
    except KeyboardInterrupt:
        sys.stderr.write("  stopped: judged by what is finished\n")
    known = workflows.evaluations(plan.run_id, cache=work)
    return next(e for e in known if e.plan.evaluation_id == plan.evaluation_id)


def measure(study: Study, dataset: str, options: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Do one study on one dataset."""
    if study.kind == "published":
        return published_pairs(dataset, wanted(study)), {}
    if study.kind == "refinement":
        config = config_of(study, dataset, options)
        rows, about = refined_pairs(config, SIZES[dataset], study, options, wanted(study))
        keep(options.out, study, dataset, "trainings.csv", about.pop("trainings"))
        return rows, about
    if study.kind == "selection":
        run = trained_run(options.work, config_of(study, dataset, options))
        return boundary_pairs(run, wanted(study)), {"recipe": run.manifest.config}
    return compare(study, dataset, options)


def wanted(study: Study) -> tuple[Any, ...]:
    """Return every pair that a claim asks of a study, each once."""
    return tuple(dict.fromkeys(p for c in CLAIMS if c.study == study.name for p in c.pairs))


def judge(study: Study, dataset: str, options: Any) -> None:
    """Do a study and write its pairs, or why it cannot be done here."""
    sys.stderr.write(f"{study.name}, {dataset}\n")
    about: dict[str, Any] = {"study": study.name, "dataset": dataset}
    about |= {"hardware": hardware(), "versions": versions()}
    try:
        if study.needs_gpu and not options.gpu:
            raise CoresetError(NEEDS_GPU)
        rows, more = measure(study, dataset, options)
        keep(options.out, study, dataset, "csv", rows)
        about |= without_folders(more)
        if study.kind == "comparison":
            about["largest_class"] = largest_class(config_of(study, dataset, options))
    except CoresetError as error:
        about["not_testable"] = str(error).replace(str(Path.home()), "~").split(". ")[0]
    path = options.out / f"{study.name}@{dataset}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(about, indent=2) + "\n")


def largest_class(config: TrainingConfig) -> float:
    """Return the accuracy of always saying the class that train has most of."""
    dataset = load_configured(config)
    winner = np.bincount(dataset.train.labels).argmax()
    return float(np.mean(np.asarray(dataset.test.labels) == winner))


def keep(folder: Path, study: Study, dataset: str, ending: str, table: pd.DataFrame) -> None:
    """Write a table of a study."""
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / f"{study.name}@{dataset}.{ending}", index=False, float_format="%.6g")


def without_folders(record: dict[str, Any]) -> dict[str, Any]:
    """Leave out where things lie on this machine."""
    recipe = {k: v for k, v in record.get("recipe", {}).items() if k != "data_root"}
    return {**record, "recipe": recipe}


def tell(done: int, total: int) -> None:
    if done % 50 == 0 or done == total:
        sys.stderr.write(f"  {done}/{total}\n")


def write_made_set(folder: Path, name: str) -> None:
    """Write a synthetic set whose classes grow rarer step by step, as a file that users have."""
    largest, ratio = MADE[name]
    made = make_phantom(PhantomOptions(seed=0))
    arrays = {}
    for part in ("train", "val", "test"):
        split = getattr(made, part)
        labels = np.asarray(split.labels)
        counts = largest * ratio ** (-np.arange(made.n_classes) / (made.n_classes - 1))
        if part != "train":
            counts = np.full(made.n_classes, largest // 3)
        rows = [np.flatnonzero(labels == k)[: round(n)] for k, n in enumerate(counts)]
        chosen_rows = np.sort(np.concatenate(rows))
        arrays[f"{part}_images"] = np.asarray(split.images)[chosen_rows].squeeze()
        arrays[f"{part}_labels"] = labels[chosen_rows, None].astype(np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / f"{name}.npz", **arrays)


def chosen(only: Sequence[str] | None, studies: Sequence[Study] = STUDIES) -> list[Study]:
    """Return the studies of the claims whose key, or study, begins as one of ``only``."""
    if not only:
        return list(studies)
    begins = tuple(only)
    names = {c.study for c in CLAIMS if c.key.startswith(begins) or c.study.startswith(begins)}
    if not names:
        known = ", ".join(claim.key for claim in CLAIMS)
        raise SystemExit(f"--only must begin a claim, got {', '.join(only)}. Claims: {known}")
    return [study for study in studies if study.name in names]


def datasets_of(study: Study, names: Sequence[str]) -> Sequence[str]:
    """Return what a study is done on: published numbers on what the paper used."""
    return ("organamnist", "organsmnist") if study.kind == "published" else names


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", help="claims or studies that begin so")
    parser.add_argument("--dataset", nargs="+", choices=list(SIZES), default=["breastmnist"])
    parser.add_argument("--data-root", type=Path, help="folder of the datasets")
    parser.add_argument("--work", type=Path, help="where runs and trainings are kept")
    parser.add_argument("--out", type=Path, help="folder for the results")
    parser.add_argument("--gpu", action="store_true", help="do what wants a GPU, too: slow without")
    parser.add_argument("--smoke", action="store_true", help="tiny, to see that it works")
    parser.add_argument("--table", action="store_true", help="print the table, train nothing")
    given = parser.parse_args()
    given.work = given.work or Path(tempfile.mkdtemp())
    if given.smoke:
        given.dataset, given.out = ["smoke"], given.out or given.work / "results"
    given.out = given.out or FOLDER
    for name in set(given.dataset) & set(MADE) if not given.table else ():
        write_made_set(given.work / "sets", name)
    if given.data_root is None and not given.table and set(given.dataset) - set(MADE):
        parser.error("--data-root must name the folder of the datasets. Or try it with --smoke.")
    return given


def main() -> None:
    given = options()
    sys.modules["umap"] = None  # type: ignore[assignment]  # no map is looked at here
    if not given.table:
        for study in chosen(given.only):
            for dataset in datasets_of(study, given.dataset):
                judge(study, dataset, given)
    sys.stdout.write("\n".join(page(given.out)) + "\n")
    open_ones = [f for f in findings(given.out) if f.verdict.startswith(NOT_TESTABLE)]
    sys.stderr.write(f"{len(open_ones)} could not be tested here\n")


if __name__ == "__main__":
    main()
