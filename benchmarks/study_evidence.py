"""From finished trainings to pairs: what an arm has over another, with interval and word.

Every function returns one row per pair and figure: arm, rate, reference, reference_rate, figure,
class_name, mean, reference_mean, difference, low, high (95 %), p_value, word, draws,
reference_draws and what the interval is over. Shares in [0, 1]; more is better, but for the
images an epoch.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from study_arms import QUERIES, WITH_VOG, WITHOUT_VOG, Study
from study_claims import Pair

from coreset_lib import workflows
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import load_configured
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.plan import FULL_SET
from coreset_lib.evaluation.published import PUBLISHED
from coreset_lib.evaluation.results import read_cells
from coreset_lib.evaluation.standings import draws_of
from coreset_lib.evaluation.verdicts.intervals import Difference, Draws, difference
from coreset_lib.evaluation.verdicts.judging import judge
from coreset_lib.refinement.plan import PLAIN
from coreset_lib.refinement.results import read_cells as read_rounds
from coreset_lib.refinement.results import read_judgement
from coreset_lib.runs.create import create_run
from coreset_lib.runs.resume import plain_config
from coreset_lib.runs.store import Run, RunStore
from coreset_lib.scores import compute_score
from coreset_lib.selection import SelectionConfig, select_coreset
from coreset_lib.training.running.worker import train_run

FIGURES = ("accuracy", "balanced_accuracy", "macro_auc", "recall")
COLUMNS = (
    *("arm", "rate", "reference", "reference_rate", "figure", "class_name"),
    *("mean", "reference_mean", "difference", "low", "high", "p_value", "word"),
    *("draws", "reference_draws", "interval_over"),
)
IMAGES, DRAWS_ALONE, PAIRED, SAMPLES = "draws and test images", "draws", "paired draws", "samples"


def trained_run(cache: Any, config: TrainingConfig) -> Run:
    """Return the run of a recipe, trained if it is not finished yet."""
    for run in RunStore(cache).runs() if cache.exists() else ():
        if run.status().state == "finished" and plain_config(run.paths) == config:
            return run
    dataset = load_configured(config)
    run = Run(create_run(cache, config, dataset))
    train_run(run.paths, dataset=dataset)
    return Run(run.paths)


def compared_pairs(evaluation: Any, pairs: Sequence[Pair]) -> pd.DataFrame:
    """Compare the arms of a comparison, as far as it is finished."""
    paths, plan = evaluation.paths, evaluation.plan
    cells = read_cells(paths, plan)
    names = workflows.find_run(plan.run_id, cache=paths.root.parents[1]).manifest.dataset

    def draws(arm: str, rate: float) -> Any:
        return draws_of(paths, plan, cells, arm, rate, figure=FIGURES[0])

    rows: list[dict[str, Any]] = []
    kept = {(cell.arm, cell.rate): float(record["n_samples"]) for cell, record in cells.items()}
    for pair in pairs:
        ours = draws(pair.arm, pair.rate)
        theirs = draws(pair.reference, pair.reference_rate)
        if ours is None or theirs is None:
            continue
        for figure in (f for f in ours if f.name in FIGURES and f in theirs):
            name = "" if figure.klass is None else names.class_names[figure.klass]
            rows.append(
                row_of(pair, figure.name, ours[figure], theirs[figure]) | {"class_name": name}
            )
        share = kept[pair.arm, pair.rate] / kept[pair.reference, pair.reference_rate] - 1
        rows.append(bare_row(pair, "images an epoch", share))
    return pd.DataFrame(rows, columns=COLUMNS)


def row_of(pair: Pair, figure: str, ours: Draws, theirs: Draws, over: str = "") -> dict[str, Any]:
    """Compare two groups of draws; those that are the same trainings are equal, and known to be."""
    found: Difference = difference(ours, theirs)
    row = {
        **vars(pair),
        "figure": figure,
        "class_name": "",
        "mean": float(ours.values.mean()),
        "reference_mean": float(theirs.values.mean()),
        "difference": found.mean,
        "low": found.low,
        "high": found.high,
        "p_value": found.p_value,
        "word": judge(found),
        "draws": ours.n_draws,
        "reference_draws": theirs.n_draws,
        "interval_over": over or (IMAGES if found.covers_images else DRAWS_ALONE),
    }
    if is_same(ours, theirs):
        row |= {"low": 0.0, "high": 0.0, "p_value": 1.0, "word": "equivalent"}
    return row


def is_same(ours: Draws, theirs: Draws) -> bool:
    """Whether every network answered as its counterpart, on every test image: one coreset."""
    sides = (ours.contributions, theirs.contributions)
    is_known = sides[0] is not None and sides[1] is not None
    return is_known and np.array_equal(ours.values, theirs.values) and np.array_equal(*sides)


def bare_row(pair: Pair, figure: str, apart: float) -> dict[str, Any]:
    """Return a difference that is known without an interval."""
    word = "better" if apart > 0 else "worse" if apart < 0 else "equivalent"
    return {**vars(pair), "figure": figure, "difference": apart, "word": word}


def published_pairs(dataset: str, pairs: Sequence[Pair]) -> pd.DataFrame:
    """Compare what stands in the paper's own table."""
    known = PUBLISHED[dataset]

    def accuracy(arm: str, rate: float) -> float:
        if arm == FULL_SET:
            return known.full_set
        return known.accuracies[arm][known.rates.index(rate)]

    rows = []
    for pair in pairs:
        means = [accuracy(pair.arm, pair.rate), accuracy(pair.reference, pair.rate)]
        row = bare_row(pair, "accuracy", (means[0] - means[1]) / 100)
        rows.append(row | {"mean": means[0] / 100, "reference_mean": means[1] / 100})
    return pd.DataFrame(rows, columns=COLUMNS)


def boundary_pairs(run: Run, pairs: Sequence[Pair]) -> pd.DataFrame:
    """Compare how near chosen and other samples are to the boundary: 1 − mean of |margin|."""
    dynamics = run.dynamics()
    closeness = 1 - np.abs(np.asarray(dynamics.plane("margin"), dtype=np.float64)).mean(axis=0)
    rows = []
    for pair in pairs:
        config = SelectionConfig(score="ducs", balance="proportional", rate=pair.rate)
        is_chosen = np.zeros(len(closeness), dtype=bool)
        score = compute_score(dynamics, "ducs")
        is_chosen[select_coreset(dynamics, config, score=score).indices] = True
        sides = Draws(closeness[is_chosen]), Draws(closeness[~is_chosen])
        rows.append(row_of(pair, "closeness", *sides, over=SAMPLES))
    return pd.DataFrame(rows, columns=COLUMNS)


def refined_pairs(
    config: TrainingConfig, size: Any, study: Study, options: Any, pairs: Sequence[Pair]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Refine with wrong labels at every rate that leaves something to learn."""
    n_classes = load_configured(config).n_classes
    rows: list[dict[str, Any]] = []
    values: dict[tuple[str, str, float], list[float]] = {}
    for rate in (r for r in size.of(study.rates) if r < 1 - 1 / n_classes):
        for seed in range(size.refinement_seeds):
            spoilt = replace(
                config,
                epochs=size.refinement_epochs,
                batch_size=64,
                seed=seed,
                label_noise="symmetric",
                label_noise_rate=rate,
                label_noise_seed=seed,
            )
            run = trained_run(options.work, spoilt)
            for (arm, figure), value in refined(run, seed, study.queries, options).items():
                values.setdefault((arm, figure, rate), []).append(value)
    for pair in pairs:
        for figure in ("clean minority kept", "balanced_accuracy", "accuracy"):
            ours = values.get((pair.arm, figure, pair.rate))
            theirs = values.get((pair.reference, figure, pair.rate))
            if ours and theirs:
                rows.append(refined_row(pair, figure, ours, theirs))
    recipe = replace(config, epochs=size.refinement_epochs, batch_size=64).as_dict()
    kept = [
        {"arm": arm, "figure": figure, "rate": rate, "seed": seed, "value": value}
        for (arm, figure, rate), found in values.items()
        for seed, value in enumerate(found)
    ]
    return pd.DataFrame(rows, columns=COLUMNS), {"recipe": recipe, "trainings": pd.DataFrame(kept)}


def refined_row(
    pair: Pair, figure: str, ours: Sequence[float], theirs: Sequence[float]
) -> dict[str, Any]:
    """Compare draws; those with and without VOG have wrong labels and weights in common."""
    sides = [Draws(np.array(each, dtype=np.float64)) for each in (ours, theirs)]
    row = row_of(pair, figure, *sides)
    if pair.arm != WITH_VOG:
        return row
    found = difference(Draws(np.array(ours) - theirs), Draws(np.zeros(len(ours))))
    more = {"low": found.low, "high": found.high, "p_value": found.p_value, "word": judge(found)}
    return row | more | {"interval_over": PAIRED}


def refined(
    run: Run, seed: int, queries: Sequence[str], options: Any
) -> dict[tuple[str, str], float]:
    """Refine one run with VOG and, of all queries, judge once more without: every figure."""
    found: dict[tuple[str, str], float] = {}
    ways = ((WITH_VOG, 0.2), (WITHOUT_VOG, 0.0))
    for name, share in ways if queries == QUERIES else ways[:1]:
        plan = workflows.refinement_plan(
            run,
            queries=queries[:-1] if share else queries[-1:],
            n_rounds=1 if share else 0,
            seeds=(seed,),
            vog_share=share,
        )
        refinement = workflows.refine(plan, cache=options.work)
        judged = read_judgement(refinement.paths, seed)
        if judged is None:
            raise CoresetError(f"refinement {plan.refinement_id} has no judgement.")
        found |= {(name, f): judged["test"][f] for f in FIGURES[:2]}
        wronged = judged["figures"]["minority"]
        if wronged is not None:
            found[name, "clean minority kept"] = 1 - wronged
        for cell, record in read_rounds(refinement.paths, plan).items():
            if share and cell.n_round == 1 and cell.arm in (*queries, PLAIN):
                found |= {(cell.arm, f): record["test"][f] for f in FIGURES[:2]}
    return found
