"""Finding samples by id, class, score and history, and what two coresets share."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.slices import slices_of


@dataclass(frozen=True, kw_only=True)
class SampleQuery:
    """What samples must have; empty or None means any.

    Attributes
    ----------
    text : str
        Part of the sample id (case does not matter), or the exact index.
    classes : tuple of int
    lowest, highest : float or None
        Range of the score, ends included.
    shape : int or None
        Position in :data:`coreset_lib.scores.curve_shapes.SHAPES`.
    column : str
        Of the table of samples.
    slices : tuple of str
        Names that :func:`coreset_lib.scores.slices.slices_of` gives to cells of ``column``.
    """

    text: str = ""
    classes: tuple[int, ...] = ()
    lowest: float | None = None
    highest: float | None = None
    shape: int | None = None
    column: str = ""
    slices: tuple[str, ...] = ()


def find_samples(
    query: SampleQuery,
    samples: pd.DataFrame,
    score: ScoreValues,
    shapes: NDArray[np.int64] | None = None,
) -> NDArray[np.bool_]:
    """Return which training samples a query fits.

    Parameters
    ----------
    query : SampleQuery
    samples : DataFrame, one row per sample, with sample_id and label
    score : ScoreValues
    shapes : int64 array, shape (samples,), optional
        Needed where the query asks for a shape.

    Returns
    -------
    bool array, shape (samples,)
    """
    fits = np.ones(len(samples), dtype=np.bool_)
    text = query.text.strip()
    if text:
        has_text = samples["sample_id"].str.contains(text, case=False, regex=False).to_numpy(bool)
        fits &= has_text | (np.arange(len(samples)).astype(str) == text)
    if query.classes:
        fits &= np.isin(samples["label"].to_numpy(), query.classes)
    if query.lowest is not None:
        fits &= score.values >= query.lowest
    if query.highest is not None:
        fits &= score.values <= query.highest
    if query.shape is not None and shapes is not None:
        fits &= shapes == query.shape
    if query.slices:
        fits &= slices_of(samples[query.column]).holds(query.slices)
    return fits


@dataclass(frozen=True, kw_only=True)
class TopChange:
    """How the hardest samples change from one score to another.

    Attributes
    ----------
    n_kept, n_stay : int
        Size of both sets; samples in both.
    share_before, share_after : float arrays, shape (classes,)
        Class mix of the two sets.
    """

    n_kept: int
    n_stay: int
    share_before: NDArray[np.float64]
    share_after: NDArray[np.float64]


def compare_tops(
    before: ScoreValues, after: ScoreValues, labels: NDArray[np.int64], n_kept: int, n_classes: int
) -> TopChange:
    """Compare the ``n_kept`` hardest samples of two scores."""
    a, b = before.order()[:n_kept], after.order()[:n_kept]
    shares = [np.bincount(labels[top], minlength=n_classes) / len(top) for top in (a, b)]
    return TopChange(
        n_kept=len(b),
        n_stay=len(np.intersect1d(a, b, assume_unique=True)),
        share_before=shares[0],
        share_after=shares[1],
    )
