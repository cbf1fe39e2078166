"""The ranking as one table that stays the same table while its rows change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

HEIGHT = 316
ROW_HEIGHT = 34
LARGEST_ERROR = 1.42
MOST_NOTES = 8


@dataclass(frozen=True)
class _Drawn:
    """A table as it was drawn: the sample of each row, and the ticked rows."""

    indices: tuple[int, ...]
    ticks: tuple[int, ...]


def draw_ranking_table(
    rows: pd.DataFrame,
    selected: Sequence[int],
    key: str,
    *,
    score: str,
    alt: str,
    on_select: Callable[[list[int]], None],
) -> None:
    """Draw samples in rank order, with the selected ones ticked.

    Parameters
    ----------
    rows : DataFrame
        As :func:`dashboard.reads.ranking_rows` returns it; ``index`` is not shown.
    selected : sequence of int
        Selected samples; those in the table are ticked, wherever they rank now.
    key : str
        Identity of the table. Keep it while the ranking changes: a new one would build the
        table anew, with a flicker, and lose where it was scrolled to.
    score : str
        Name of the column with the score.
    alt : str
        What the table shows, in words.
    on_select : callable
        Called with the indices of the ticked samples when a person changed them.
    """
    chosen = set(selected)
    shown = [int(index) for index in rows["index"]]
    ticks = [row for row, index in enumerate(shown) if index in chosen]
    if key not in st.session_state or _ticks(key) != ticks:
        st.session_state[key] = {"selection": {"rows": ticks, "columns": [], "cells": []}}
    _remember(key, _Drawn(tuple(shown), tuple(ticks)))
    st.dataframe(
        rows,
        key=key,
        height=HEIGHT,
        hide_index=True,
        row_height=ROW_HEIGHT,
        column_order=[str(column) for column in rows if column != "index"],
        column_config={
            score: st.column_config.NumberColumn(format="%.4f"),
            "error over time": st.column_config.LineChartColumn(
                y_min=0, y_max=_largest_error(rows), width="medium"
            ),
        },
        on_select=lambda: _take(key, on_select),
        selection_mode="multi-row",
        alt=alt,
    )


def _largest_error(rows: pd.DataFrame) -> float:
    """Return where the curves' axis ends: the largest error of one class, or what is drawn."""
    if "error over time" not in rows:
        return LARGEST_ERROR
    largest = [float(np.nanmax(history, initial=0)) for history in rows["error over time"]]
    return max([LARGEST_ERROR, *largest])


def _ticks(key: str) -> list[int]:
    """Return the ticked rows as the session has them."""
    return list(st.session_state[key]["selection"]["rows"])


def _remember(key: str, drawn: _Drawn) -> None:
    """Note what was drawn; the oldest notes go."""
    notes = st.session_state.setdefault(_notes(key), [])
    if not notes or notes[-1] != drawn:
        notes.append(drawn)
        del notes[:-MOST_NOTES]


def _notes(key: str) -> str:
    """Name of the session entry with what was drawn lately."""
    return f"{key}.drawn"


def _take(key: str, on_select: Callable[[list[int]], None]) -> None:
    """Pass on what a person ticked, in the table as that person saw it.

    While a run grows, a report may be about a table that has been drawn anew since: it is
    about the one that differs least from it, and no news if that one does not differ.
    """
    now = set(_ticks(key))
    notes: list[_Drawn] = st.session_state.get(_notes(key), [])
    if not notes:
        return
    seen = min(reversed(notes), key=lambda drawn: len(now ^ set(drawn.ticks)))
    if now == set(seen.ticks):
        return
    notes.clear()
    on_select([seen.indices[row] for row in sorted(now) if row < len(seen.indices)])
