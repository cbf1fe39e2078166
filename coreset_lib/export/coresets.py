"""Coresets, and samples that a person selected, as tables to take away."""

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coreset_lib.atomic import csv_bytes
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.export.provenance import Export, make_export, notes_on, plugins_used
from coreset_lib.export.repetitions import (
    recorded_names,
    recorded_repetitions,
    repetitions_of,
    scores_of,
)
from coreset_lib.export.review_status import (
    ReviewStatuses,
    current_statuses,
    recorded_statuses,
)
from coreset_lib.export.tables import coreset_table
from coreset_lib.runs.store import Run
from coreset_lib.scores import compute_score
from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.stability import average_scores
from coreset_lib.selection import STRATEGIES, SelectionConfig, select_coreset
from coreset_lib.selection.problem import Coreset

CORESET, SELECTION = "coreset", "selection"


def coreset_of_run(
    run: Run,
    config: SelectionConfig,
    dynamics: TrainingDynamics,
    *,
    runs: Sequence[Run] | None = None,
) -> tuple[Coreset, ScoreValues | None]:
    """Choose a coreset by what a run recorded, and return it with the score it goes by.

    Parameters
    ----------
    run : Run
    config : SelectionConfig
    dynamics : TrainingDynamics
        The run's.
    runs : sequence of Run, optional
        Where scores are averaged, over these; by default all finished repetitions of the run.

    Raises
    ------
    CoresetError
        If the score cannot be computed, or the coreset cannot be chosen.
    """
    score = None
    if config.average == "scores":
        runs = repetitions_of(run) if runs is None else runs
        score = average_scores(scores_of(runs, str(config.score), config.score_options))
    elif STRATEGIES[config.strategy].needs_score and config.score is not None:
        score = compute_score(dynamics, config.score, config.score_options)
    coreset = select_coreset(
        dynamics,
        config,
        score=score,
        features=lambda: run.features(config.features),
        early_features=run.early_features,
        sample_ids=lambda: run.samples()["sample_id"].tolist(),
    )
    return coreset, score


def export_coreset(
    run: Run,
    config: SelectionConfig,
    dynamics: TrainingDynamics | None = None,
    *,
    reviews: ReviewStatuses | None = None,
    runs: Sequence[Run] | None = None,
) -> Export:
    """Choose a coreset and return its table, with provenance.

    Parameters
    ----------
    run : Run
    config : SelectionConfig
    dynamics : TrainingDynamics, optional
        The run's dynamics, where they are open already.
    reviews : ReviewStatuses, optional
        By default what the review database of the cache says now.
    runs : sequence of Run, optional
        Where scores are averaged, over these; by default all finished repetitions of the run.
    """
    dynamics = run.dynamics() if dynamics is None else dynamics
    if config.average == "scores":
        runs = repetitions_of(run) if runs is None else runs
    coreset, score = coreset_of_run(run, config, dynamics, runs=runs)
    samples, reviews = run.samples(), reviews or current_statuses(run)
    csv = csv_bytes(coreset_table(samples, dynamics, coreset, score, reviews))
    details = {
        "selection": config.as_dict()
        | {
            "score": score.name if score else None,
            "score_options": score.plain_options() if score else {},
        },
        **recorded_names(runs if config.average == "scores" else None),
        "report": dict(coreset.report),
        "n_selected": len(coreset.indices),
        "review": reviews.as_dict(_ids(samples, coreset.indices)),
        **notes_on(score),
        **plugins_used(score.name if score else None, config.strategy),
    }
    return make_export(CORESET, run, csv, details, n_epochs=dynamics.n_epochs)


def export_selection(
    run: Run,
    indices: NDArray[np.int64],
    score: ScoreValues | None = None,
    dynamics: TrainingDynamics | None = None,
    *,
    reviews: ReviewStatuses | None = None,
) -> Export:
    """Return samples that a person selected as a table like a coreset's, with provenance.

    Parameters
    ----------
    run : Run
    indices : int64 array, shape (selected,)
        Positions in the full training split, each once; all of them are in the provenance.
    score : ScoreValues, optional
        Gives rank and a column of its own.
    dynamics : TrainingDynamics, optional
        The run's dynamics, where they are open already.
    reviews : ReviewStatuses, optional
        By default what the review database of the cache says now.

    Raises
    ------
    CoresetError
        If nothing is selected, or something that is not a sample of the run, or one twice.
    """
    dynamics = run.dynamics() if dynamics is None else dynamics
    chosen = _checked_samples(indices, dynamics.n_samples)
    table, reviews = run.samples(), reviews or current_statuses(run)
    csv = csv_bytes(coreset_table(table, dynamics, Coreset(chosen, {}), score, reviews))
    samples = {
        "indices": chosen.tolist(),
        "score": score.name if score else None,
        "score_options": score.plain_options() if score else {},
    }
    details = {
        "samples": samples,
        "n_selected": len(chosen),
        "review": reviews.as_dict(_ids(table, chosen)),
        **notes_on(score),
        **plugins_used(score.name if score else None),
    }
    return make_export(SELECTION, run, csv, details, n_epochs=dynamics.n_epochs)


def coreset_again(run: Run, record: Mapping[str, Any], dynamics: TrainingDynamics) -> Export:
    """Choose the coreset that a provenance tells of once more."""
    config, reviews = _selection_config(record["selection"]), recorded_statuses(record)
    runs = recorded_repetitions(run, record)
    return export_coreset(run, config, dynamics, reviews=reviews, runs=runs)


def selection_again(run: Run, record: Mapping[str, Any], dynamics: TrainingDynamics) -> Export:
    """Export the selected samples that a provenance tells of once more."""
    samples, score = record["samples"], None
    if samples.get("score") is not None:
        score = compute_score(dynamics, str(samples["score"]), samples.get("score_options", {}))
    reviews = recorded_statuses(record)
    return export_selection(run, samples.get("indices", ()), score, dynamics, reviews=reviews)


def _ids(samples: pd.DataFrame, indices: NDArray[np.int64]) -> list[str]:
    """Return the sample ids at these positions."""
    return samples["sample_id"].iloc[indices].tolist()


def _checked_samples(indices: Any, n_samples: int) -> NDArray[np.int64]:
    """Return the samples of a selection, or say what is wrong with them."""
    try:
        chosen = np.array(list(map(operator.index, indices)), dtype=np.int64)
    except (TypeError, OverflowError):
        raise CoresetError("selection must be whole numbers. Restore its file.") from None
    is_inside = len(chosen) > 0 and chosen.min() >= 0 and chosen.max() < n_samples
    if not is_inside or len(np.unique(chosen)) != len(chosen):
        raise CoresetError(
            f"selection must be of at least one of the {n_samples} samples, each once, "
            f"got {len(chosen)} numbers. Select samples of this run."
        )
    return chosen


def _selection_config(fields: dict[str, Any]) -> SelectionConfig:
    """Read a selection back; raises CoresetError for fields of another version."""
    try:
        return SelectionConfig.from_record(fields)
    except TypeError:
        raise CoresetError(
            f"the selection in the provenance has unknown fields: {', '.join(fields)}. "
            "Use the version that wrote it."
        ) from None
