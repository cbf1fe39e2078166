"""Measure whether label refinement beats random querying, and whom its verdict wrongs.

Per dataset, noise rate and seed: a run on spoilt labels (for the estimate of the noise rate),
co-teaching with VOG selection, and rounds of queries with a simulated expert; once more without
VOG selection, to see what it does to minority classes. Finished steps are kept in ``--work``, so
that the study can be interrupted:

    python benchmarks/refinement.py --data-root DIR --work FOLDER

``--tables`` prints the tables of docs/refinement.md from the results file.
"""

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measuring import parser, publish
from score_table import markdown

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import LabeledImages, PhantomOptions, load_dataset, make_phantom
from coreset_lib.datasets.relabelling.label_noise import inject_label_noise
from coreset_lib.evaluation.paired import compare_paired
from coreset_lib.evaluation.verdicts.intervals import Draws, difference
from coreset_lib.evaluation.verdicts.judging import judge
from coreset_lib.refinement.plan import JUDGED, PLAIN, RefinementPlan, RoundCell
from coreset_lib.refinement.queries import QUERIES
from coreset_lib.refinement.refiner import Refiner
from coreset_lib.refinement.results import create_refinement, read_cells, read_judgement
from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run, RunStore
from coreset_lib.seeds import stream
from coreset_lib.training.running.worker import train_run

DATASETS = ("phantom", "pneumoniamnist")
RATES = (0.2, 0.4)
N_TRAIN = 1200
BUDGET = 240
ROUNDS = 2
EPOCHS = 20
RECIPE = {"model": "small_cnn", "epochs": EPOCHS, "batch_size": 64, "device": "cpu"}
VOG_SHARES = (0.2, 0.0)
Key = tuple[str, float, int]


def load(name: str, rate: float, seed: int, root: Path | None) -> LabeledImages:
    """Return the dataset of one study, of N_TRAIN training samples, with spoilt labels."""
    if name == "phantom":
        dataset = make_phantom(PhantomOptions(n_train=N_TRAIN, seed=0))
    else:
        dataset = load_dataset(name, data_root=root)
        dataset = subset(dataset, stream(0, "refinement study").permutation(len(dataset.train)))
    return inject_label_noise(dataset, kind="symmetric", rate=rate, seed=seed)


def subset(dataset: LabeledImages, order: np.ndarray) -> LabeledImages:
    """Return the dataset with N_TRAIN samples of its training split."""
    rows = np.sort(order[:N_TRAIN])
    train = dataset.train
    split = replace(
        train,
        images=np.asarray(train.images)[rows],
        labels=train.labels[rows],
        sample_ids=[train.sample_ids[row] for row in rows],
        sources=[train.sources[row] for row in rows],
    )
    return replace(dataset, train=split)


def trained_run(dataset: LabeledImages, key: Key, work: Path) -> tuple[Run, TrainingConfig]:
    """Return the run of one setting, trained if it is not finished yet."""
    name, rate, seed = key
    config = TrainingConfig(
        dataset=name, seed=seed, label_noise="symmetric", label_noise_rate=rate,
        label_noise_seed=seed, **RECIPE,
    )  # fmt: skip
    cache = work / f"{name}-{rate}-{seed}"
    for run in RunStore(cache).runs():
        if run.status().state == "finished":
            return run, config
    shutil.rmtree(cache, ignore_errors=True)
    run = Run(create_run(cache, config, dataset))
    train_run(run.paths, dataset=dataset)
    return Run(run.paths), config


def refine(key: Key, root: Path | None, work: Path) -> dict[float, dict[str, Any]]:
    """Do the refinements of one setting, and return what they found per VOG share."""
    dataset = load(*key, root)
    run, config = trained_run(dataset, key, work)
    found = {}
    for share in VOG_SHARES:
        with_rounds = share == VOG_SHARES[0]
        plan = RefinementPlan(
            run_id=run.run_id,
            queries=tuple(QUERIES),
            budget=BUDGET,
            n_rounds=ROUNDS if with_rounds else 0,
            seeds=(key[2],),
            model=config.model,
            epochs=EPOCHS,
            batch_size=config.batch_size,
            vog_share=share,
        )
        paths = create_refinement(run.paths.cache, plan)
        Refiner(run, plan, paths, dataset, config, run.true_labels()).work(on_step=tell)
        judgement = read_judgement(paths, key[2])
        assert judgement is not None
        del judgement["queries"]
        cells = read_cells(paths, plan)
        records = {cell: trimmed(record) for cell, record in cells.items()}
        found[share] = {"judgement": judgement, "cells": records}
    return found


def tell(done: int, total: int, step: str) -> None:
    sys.stderr.write(f"  {done}/{total} {step}\n")


def trimmed(record: dict[str, Any]) -> dict[str, Any]:
    """Keep the figures of a training."""
    names = ("n_labels", "n_changed", "n_wrong", "n_trained", "n_wrong_trained", "seconds")
    return {name: record[name] for name in names} | {"test": record["test"]}


def judgement_rows(results: dict[Key, dict[float, Any]]) -> list[dict[str, Any]]:
    """Return what was judged, per setting and VOG share, mean over seeds."""
    rows = []
    for name, rate, share in settings(results):
        records = [r[share]["judgement"] for k, r in results.items() if k[:2] == (name, rate)]
        row = {"dataset": name, "noise": rate, "vog_share": share, "seeds": len(records)}
        row["true_rate"] = mean(record["true_rate"] for record in records)
        row["estimated_rate"] = mean(record["noise_rate"] for record in records)
        errors = [abs(record["noise_rate"] - record["true_rate"]) for record in records]
        row["estimate_error"] = mean(errors)
        for figure in ("precision", "recall", "clean_called_noisy", "minority", "majority"):
            row[figure] = mean(record["figures"][figure] for record in records)
        gaps = [r["figures"]["minority"] - r["figures"]["majority"] for r in records]
        found = compare_paired(gaps, [0.0] * len(gaps))
        row |= {"gap": found.mean, "gap_low": found.low, "gap_high": found.high}
        row["co_teaching_accuracy"] = mean(record["test"]["accuracy"] for record in records)
        row["seconds"] = mean(record["seconds"] for record in records)
        rows.append(row)
    return rows


def curve_rows(results: dict[Key, dict[float, Any]]) -> list[dict[str, Any]]:
    """Return accuracy and wrong labels per setting, strategy and round, mean over seeds."""
    rows = []
    share = VOG_SHARES[0]
    for name, rate in dict.fromkeys(key[:2] for key in results):
        runs = {k[2]: r[share]["cells"] for k, r in results.items() if k[:2] == (name, rate)}
        for arm in (*QUERIES, PLAIN):
            for number in range(ROUNDS + 1):
                records = records_of(runs, arm, number)
                accuracy = [r["test"]["accuracy"] for r in records]
                row = {"dataset": name, "noise": rate, "query": arm, "round": number}
                row |= {"labels": mean(r["n_labels"] for r in records), "seeds": len(records)}
                row["accuracy"] = mean(accuracy)
                row["accuracy_sd"] = float(np.std(accuracy, ddof=1)) if len(records) > 1 else None
                row["balanced_accuracy"] = mean(r["test"]["balanced_accuracy"] for r in records)
                row["wrong"] = mean(r["n_wrong"] for r in records)
                row["wrong_trained"] = mean(r["n_wrong_trained"] for r in records)
                rows.append(row)
    return rows


def verdict_rows(results: dict[Key, dict[float, Any]]) -> list[dict[str, Any]]:
    """Compare the mean accuracy over the rounds with both references, by draws of each side."""
    rows = []
    share = VOG_SHARES[0]
    everywhere = [(None, None)]
    for name, rate in [*dict.fromkeys(key[:2] for key in results), *everywhere]:
        runs = {
            key: r[share]["cells"] for key, r in results.items() if name in (None, key[0])
            and rate in (None, key[1])
        }  # fmt: skip
        means = {arm: curve_means(runs, arm) for arm in (*QUERIES, PLAIN)}
        for arm in QUERIES:
            for reference in ("random", PLAIN):
                if arm != reference:
                    sides = [Draws(np.array(means[name])) for name in (arm, reference)]
                    found = difference(*sides)
                    row = {"dataset": name or "all", "noise": rate, "query": arm}
                    row |= {"reference": reference, "difference": found.mean, "low": found.low}
                    row |= {"high": found.high, "verdict": judge(found), "draws": found.n_draws}
                    rows.append(row)
    return rows


def curve_means(runs: dict[Any, dict[RoundCell, Any]], arm: str) -> list[float]:
    """Return the mean accuracy over rounds 1 to the last, per run."""
    return [
        mean(
            record["test"]["accuracy"]
            for number in range(1, ROUNDS + 1)
            for record in records_of({key: cells}, arm, number)
        )
        for key, cells in runs.items()
    ]


def records_of(runs: dict[Any, dict[RoundCell, Any]], arm: str, number: int) -> list[Any]:
    """Return the trainings of one strategy and round."""
    name = arm if number or arm == PLAIN else JUDGED
    return [
        record
        for cells in runs.values()
        for cell, record in cells.items()
        if (cell.arm, cell.n_round) == (name, number)
    ]


def settings(results: dict[Key, dict[float, Any]]) -> list[tuple[str, float, float]]:
    """Return dataset, noise and VOG share of every row of the judgements."""
    pairs = dict.fromkeys(key[:2] for key in results)
    return [(*pair, share) for pair in pairs for share in VOG_SHARES]


def mean(values: Any) -> float:
    """Mean of numbers."""
    return float(np.mean(list(values)))


def print_tables(path: Path) -> None:
    """Print Markdown tables from the results file."""
    record = json.loads(path.read_text())
    judged = pd.DataFrame(record["judgements"])
    judged.index = [
        f"{r.dataset}, {100 * r.noise:.0f} %, m = {r.vog_share:g}" for r in judged.itertuples()
    ]
    columns = ["true_rate", "estimated_rate", "precision", "recall", "minority", "majority"]
    columns += ["gap", "gap_low", "gap_high", "co_teaching_accuracy"]
    sys.stdout.write(f"### Judgements, %\n\n{markdown((100 * judged[columns]).round(1))}\n\n")
    curves = pd.DataFrame(record["curves"])
    for (name, rate), rows in curves.groupby(["dataset", "noise"], sort=False):
        wide = rows.pivot(index="query", columns="labels", values=["accuracy", "wrong"])
        wide["accuracy"] *= 100
        wide.columns = [f"{figure} {labels:g}" for figure, labels in wide.columns]
        sys.stdout.write(f"### {name}, {100 * rate:.0f} %\n\n{markdown(wide.round(1))}\n\n")
    verdicts = pd.DataFrame(record["verdicts"])
    verdicts.index = [f"{r.dataset} {r.noise:g} {r.query}" for r in verdicts.itertuples()]
    for figure in ("difference", "low", "high"):
        verdicts[figure] = (100 * verdicts[figure]).round(1)
    shown = ["reference", "difference", "low", "high", "verdict"]
    sys.stdout.write(f"{verdicts[shown].to_string()}\n")


def options() -> argparse.ArgumentParser:
    """Return what can be chosen on the command line."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--data-root", type=Path, help="folder of pneumoniamnist.npz")
    arguments.add_argument("--work", type=Path, help="where finished steps are kept")
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--tables", action="store_true", help="print tables, measure nothing")
    return arguments


def main() -> None:
    given = options().parse_args()
    if given.tables:
        print_tables(given.out / "refinement.json")
        return
    sys.modules["umap"] = None  # type: ignore[assignment]  # no map is looked at here
    work = given.work or Path(tempfile.mkdtemp())
    names = DATASETS if given.data_root else DATASETS[:1]
    results: dict[Key, dict[float, Any]] = {}
    for seed in range(given.seeds):
        for name in names:
            for rate in RATES:
                sys.stderr.write(f"{name} {rate} seed {seed}\n")
                results[name, rate, seed] = refine((name, rate, seed), given.data_root, work)
    study = {"n_train": N_TRAIN, "budget": BUDGET, "rounds": ROUNDS, "recipe": RECIPE}
    tables = {
        "judgements": judgement_rows(results),
        "curves": curve_rows(results),
        "verdicts": verdict_rows(results),
    }
    publish("refinement", {"study": study, **tables}, folder=given.out)


if __name__ == "__main__":
    main()
