"""Accuracy and remaining wrong labels against the labels that an expert has given."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from coreset_lib.refinement.plan import PLAIN
from dashboard.shared.band import draw_band
from dashboard.shared.theme import CLASS_COLOURS, MARGINS, NEUTRAL

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
LEAST_POINTS = 5.0
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "star")


@dataclass(frozen=True)
class _Panel:
    """One quantity on the vertical axis: a column of the table, its factor, and words."""

    column: str
    factor: float
    title: str
    hover: str


def refinement_curves(table: pd.DataFrame, *, figure: str, figure_title: str) -> go.Figure:
    """Return accuracy, and where it is known the wrong labels left, against labels given.

    Parameters
    ----------
    table : DataFrame
        From :func:`coreset_lib.refinement.report.curve_table`.
    figure : str
        ``accuracy`` or ``balanced_accuracy``.
    figure_title : str
        Its name for people.

    Returns
    -------
    Figure
        One line per query strategy, the random ones grey; with several seeds a band of one
        standard deviation.
    """
    panels = [_Panel(figure, 100.0, f"{figure_title}, %", "%{y:.1f} %")]
    if not table["wrong"].dropna().empty:
        panels.append(_Panel("wrong", 1.0, "wrong labels left", "%{y:.0f} wrong labels"))
    drawn = make_subplots(cols=len(panels), subplot_titles=[panel.title for panel in panels])
    for number, arm in enumerate(dict.fromkeys(table["query"])):
        rows = pd.DataFrame(table[table["query"] == arm]).sort_values(by="labels")
        for column, panel in enumerate(panels, start=1):
            _add_line(drawn, rows, panel, str(arm), number, column)
    drawn.update_xaxes(title="labels given", rangemode="tozero", fixedrange=True)
    drawn.update_yaxes(fixedrange=True)
    drawn.update_yaxes(range=_percent_range(table, figure), col=1)
    if len(panels) > 1:
        drawn.update_yaxes(rangemode="tozero", col=2)
    drawn.update_layout(height=400, margin=MARGINS, hovermode="closest")
    drawn.update_layout(legend={"orientation": "h", "y": -0.2, "x": 0.5, "xanchor": "center"})
    return drawn


def _add_line(
    drawn: go.Figure, rows: pd.DataFrame, panel: _Panel, arm: str, number: int, column: int
) -> None:
    """Add mean and band of one strategy to one panel."""
    colour = _colour(arm, number)
    middle, spread = (
        panel.factor * rows[name] for name in (panel.column, f"{panel.column}_deviation")
    )
    group: dict[str, Any] = {"legendgroup": arm, "row": 1, "col": column}
    draw_band(drawn, rows["labels"], middle, spread, colour, **group)
    drawn.add_scatter(
        x=rows["labels"],
        y=middle,
        name=arm,
        showlegend=column == 1,
        mode="lines+markers",
        line={"color": colour, "dash": _dash(arm, number), "width": 2},
        marker={"symbol": SYMBOLS[number % len(SYMBOLS)], "size": 7},
        cliponaxis=False,
        hovertemplate="%{x:.0f} labels: " + panel.hover + f"<extra>{arm}</extra>",
        **group,
    )


def _percent_range(table: pd.DataFrame, figure: str) -> tuple[float, float]:
    """Return the ends of the axis of an accuracy: never so narrow that chance looks like more."""
    spread = table[f"{figure}_deviation"].fillna(0.0)
    low = 100 * float((table[figure] - spread).min())
    high = 100 * float((table[figure] + spread).max())
    margin = max(0.05 * (high - low), (LEAST_POINTS - (high - low)) / 2)
    return low - margin, high + margin


def _colour(arm: str, number: int) -> str:
    """Grey for what asks at random."""
    return NEUTRAL if arm in ("random", PLAIN) else CLASS_COLOURS[number % len(CLASS_COLOURS)]


def _dash(arm: str, number: int) -> str:
    """Tell lines apart also without colour."""
    return {"random": "solid", PLAIN: "dash"}.get(arm, DASHES[number % len(DASHES)])
