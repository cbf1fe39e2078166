"""Colours of the map by what a person brought or chose: a column of the table, the coreset."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from coreset_lib.runs.summary import RunSummary
from dashboard import reads
from dashboard.coreset.candidates import candidate_title
from dashboard.coreset.defaults import BALANCE, STRATEGY, WITH_EMBEDDING, WITHOUT_EMBEDDING
from dashboard.map.colours import Coloured
from dashboard.map.component.sample_map import Categories, Numbers
from dashboard.shared.marks import NO_VALUE, Mark
from dashboard.shared.samples.own_columns import COLUMN
from dashboard.shared.theme import EARLY

MOST_CATEGORIES = 40
FEWEST_NUMBERS = 9
LAST_CHOICES = "coreset-shown:"
DEFAULT_RATE = 0.1
OTHERS = "others"


def by_column(summary: RunSummary, column: str) -> Coloured:
    """Colour by a column of the person's own table."""
    values: Any = reads.read_samples(summary.version)[column]
    colour = column_colour(values, column.removeprefix(COLUMN))
    return Coloured(colour=colour, key=(summary.version, column))


def column_colour(values: pd.Series, title: str) -> Categories | Numbers:
    """Return colours for the cells of a column.

    Parameters
    ----------
    values : Series, shape (samples,)
        Numbers or texts; empty cells have no colour.
    title : str
        Name of the column.

    Returns
    -------
    Categories or Numbers
        Numbers where every cell that is not empty is one and there are 9 different ones or more.
        Otherwise categories, the commonest 40 and the rest as others.
    """
    texts = pd.Series([str(cell).strip() for cell in values.fillna("")], dtype=object)
    is_empty = np.array([not text for text in texts], dtype=np.bool_)
    parsed: Any = pd.to_numeric(texts.where(~is_empty), errors="coerce")
    numbers = np.asarray(parsed, dtype=np.float64)
    if np.isfinite(numbers[~is_empty]).all() and len(np.unique(numbers[~is_empty])) >= (
        FEWEST_NUMBERS
    ):
        is_whole = bool((numbers[~is_empty] % 1 == 0).all())
        return Numbers(title=title, values=numbers, is_whole=is_whole)
    counts = Counter(texts[~is_empty].tolist())
    names = [name for name, _ in counts.most_common(MOST_CATEGORIES)]
    code_of = {name: code for code, name in enumerate(names)}
    last = len(names)
    codes = np.array([code_of.get(text, last) if text else -1 for text in texts], dtype=np.int64)
    return Categories(title=title, names=[*names, OTHERS][: codes.max(initial=-1) + 1], codes=codes)


def remember_coreset(summary: RunSummary, choices: reads.Options) -> None:
    """Note which coreset the Coreset page shows, for the map to colour."""
    st.session_state[f"{LAST_CHOICES}{summary.run_id}"] = choices


def by_coreset(summary: RunSummary) -> Coloured:
    """Colour by whether a sample is in the coreset that the Coreset page showed last.

    Before it showed one: that of a tenth which the page offers by itself.

    Raises
    ------
    CoresetError
        If the coreset cannot be chosen any more.
    """
    usual = WITH_EMBEDDING if reads.has_embedding(summary.folder) else WITHOUT_EMBEDDING
    default: reads.Options = (
        *(("strategy", usual[STRATEGY]), ("score", None), ("rate", DEFAULT_RATE)),
        *(("balance", usual[BALANCE]), ("noise_cut", 0.0)),
    )
    choices = st.session_state.get(f"{LAST_CHOICES}{summary.run_id}", default)
    coreset, _ = reads.chosen_coreset(summary.version, choices)
    codes = np.zeros(len(reads.read_samples(summary.version)), dtype=np.int64)
    codes[coreset.indices] = 1
    marks = (Mark(NO_VALUE, "circle"), Mark(EARLY, "diamond"))
    colour = Categories(
        title=f"Coreset: {candidate_title(choices)}",
        names=("left out", "in the coreset"),
        codes=codes,
        marks=marks,
    )
    return Coloured(colour=colour, key=(summary.version, "coreset", choices))
