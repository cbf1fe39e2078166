"""The tables that people take away: scores of all samples, and coresets."""

import numpy as np
import pandas as pd

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.export.review_status import NOT_REVIEWED, ReviewStatuses
from coreset_lib.scores.forgetting import count_forgetting_events
from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.stability import RankStability
from coreset_lib.selection.problem import Coreset
from coreset_lib.selection.recommended import left_out_of_classes
from coreset_lib.spreadsheets import disarm_formulas

LABELS = "labels"


def score_table(
    samples: pd.DataFrame, score: ScoreValues, stability: RankStability | None = None
) -> pd.DataFrame:
    """Return index, sample_id, label, class_name, the score and rank (1 = hardest).

    Where samples carry any number of labels, these follow the class that they count under. With
    ``stability``, ``hardest_tenth`` says in how many runs a sample is among the hardest tenth.

    Parameters
    ----------
    samples : DataFrame, one row per training sample
    score : ScoreValues
    stability : RankStability, optional
        The same score over runs that differ in their seed only.

    Returns
    -------
    DataFrame, one row per training sample, in the order of ``samples``
    """
    columns = ["index", "sample_id", "label", "class_name", LABELS]
    table = pd.DataFrame(samples[[name for name in columns if name in samples]])
    table[score.name] = score.values
    table["rank"] = score.ranks()
    if stability is not None:
        table["hardest_tenth"] = [stability.in_words(row) for row in range(len(table))]
    return disarm_formulas(table)


def coreset_table(
    samples: pd.DataFrame,
    dynamics: TrainingDynamics,
    coreset: Coreset,
    score: ScoreValues | None,
    reviews: ReviewStatuses = NOT_REVIEWED,
) -> pd.DataFrame:
    """Return the chosen samples with the reasons that a run gives for them.

    ``rank`` is the sample's rank among all training samples (1 = hardest), or the order of
    the draw where no score was used. ``cluster`` and ``review_status`` are empty where
    nothing was clustered, or the dataset was never reviewed. ``left_out_of_class``, where the
    strategy left suspects out, is how many of the sample's class it was; ``forced_in``, where
    a person forced samples in, says which.

    Returns
    -------
    DataFrame, one row per chosen sample, sorted by rank
    """
    chosen = coreset.indices
    columns = ["index", "sample_id", "label", "class_name", LABELS, "source"]
    known = [name for name in columns if name in samples]
    table = pd.DataFrame(samples.iloc[chosen][known])
    table["rank"] = np.arange(1, len(chosen) + 1) if score is None else score.ranks()[chosen]
    if score is not None:
        table[score.name] = score.values[chosen]
    table["forgetting_events"] = count_forgetting_events(dynamics)[chosen]
    table["cluster"] = "" if coreset.clusters is None else coreset.clusters[chosen]
    table["review_status"] = reviews.of(table["sample_id"].tolist())
    left_out = left_out_of_classes(coreset.report)
    if len(coreset.forced):
        table["forced_in"] = np.isin(chosen, coreset.forced)
    if left_out:
        counts = [left_out.get(name, (0, 0))[0] for name in dynamics.class_names]
        table["left_out_of_class"] = np.array(counts)[dynamics.labels[chosen]]
    return disarm_formulas(table.sort_values("rank", kind="stable", ignore_index=True))
