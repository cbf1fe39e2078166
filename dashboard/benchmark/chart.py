"""Accuracy against selection rate, one line per strategy with its spread over seeds."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from coreset_lib.evaluation.plan import FULL_SET, EvaluationPlan, is_random
from coreset_lib.evaluation.published import Published
from coreset_lib.evaluation.report import TITLES
from coreset_lib.evaluation.standings import BEST_ON_VAL
from dashboard.shared.band import draw_band
from dashboard.shared.theme import CLASS_COLOURS, MARGINS, NEUTRAL

DASHES = ("solid", "dash", "dot", "dashdot")


def rate_curves(table: pd.DataFrame, figure_title: str) -> go.Figure:
    """Return mean (line) and standard deviation (band) of each strategy at each rate.

    Parameters
    ----------
    table : DataFrame
        From :func:`coreset_lib.evaluation.report.summary_table`.
    figure_title : str
        Name of the vertical axis.
    """
    figure = go.Figure()
    strategies = [name for name in dict.fromkeys(table["strategy"]) if name != FULL_SET]
    for number, name in enumerate(strategies):
        rows = pd.DataFrame(table[table["strategy"] == name]).sort_values(by="rate")
        colour = NEUTRAL if is_random(name) else CLASS_COLOURS[number % len(CLASS_COLOURS)]
        mean, spread = 100 * rows["mean"], 100 * rows["standard_deviation"]
        draw_band(figure, 100 * rows["rate"], mean, spread, colour)
        figure.add_scatter(
            x=100 * rows["rate"],
            y=mean,
            name=name,
            mode="lines+markers",
            line={"color": colour, "dash": DASHES[number % len(DASHES)], "width": 2},
            hovertemplate="%{x:g} %: %{y:.1f} %<extra>" + name + "</extra>",
        )
    full = table["mean"][table["strategy"] == FULL_SET].tolist()
    if full:
        figure.add_hline(
            y=100 * full[0],
            line={"dash": "dot", "color": NEUTRAL},
            annotation_text=FULL_SET,
        )
    figure.update_layout(height=420, margin=MARGINS, hovermode="closest")
    figure.update_layout(legend={"orientation": "h", "y": -0.2})
    figure.update_xaxes(title="share of the training set kept, %", type="log", fixedrange=True)
    rates = sorted({100 * rate for rate in table[table["strategy"] != FULL_SET]["rate"]})
    figure.update_xaxes(tickvals=rates, ticktext=[f"{rate:g}" for rate in rates])
    figure.update_yaxes(title=f"{figure_title}, %", fixedrange=True)
    return figure


def axis_title(plan: EvaluationPlan, figure: str) -> str:
    """Name what the vertical axis shows."""
    return TITLES[BEST_ON_VAL] if plan.protocol == "paper" else f"{TITLES[figure]} on test"


def is_on_axis(published: Published, plan: EvaluationPlan, figure: str) -> bool:
    """Whether published numbers are of what the axis shows."""
    return plan.protocol == "paper" or figure == published.figure


def add_published(figure: go.Figure, published: Published, strategies: list[str]) -> None:
    """Draw a paper's numbers beside one's own: thin, grey-edged, and named as published.

    Parameters
    ----------
    figure : Figure
        From :func:`rate_curves`.
    published : Published
    strategies : list of str
        Names in the figure; only methods that occur in one of them are drawn.
    """
    words = {word.strip("(),") for name in strategies for word in name.split()}
    methods = [method for method in published.accuracies if method in words]
    for number, method in enumerate(methods):
        figure.add_scatter(
            x=[100 * rate for rate in published.rates],
            y=published.accuracies[method],
            name=f"{method}, published",
            mode="markers+lines",
            marker={"symbol": "x-thin", "size": 8, "line": {"width": 2, "color": NEUTRAL}},
            line={"color": NEUTRAL, "dash": DASHES[number % len(DASHES)], "width": 1},
            hovertemplate="%{x:g} %: %{y:.1f} %<extra>" + method + ", published</extra>",
        )


def window_heat_map(grid: pd.DataFrame) -> go.Figure:
    """Return validation accuracy of early (up) by late (right) windows.

    Parameters
    ----------
    grid : DataFrame
        From :func:`coreset_lib.evaluation.window_grid.window_grid`.
    """
    values = 100 * grid.to_numpy(dtype=np.float64)
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=[str(name) for name in grid.columns],
            y=[str(name) for name in grid.index],
            colorscale="Viridis",
            texttemplate="%{z:.1f}",
            hovertemplate="early %{y}, late %{x}: %{z:.1f} %<extra></extra>",
            colorbar={"title": "val, %"},
        )
    )
    figure.update_layout(height=340, margin=MARGINS)
    figure.update_xaxes(title="late window, epochs", type="category", fixedrange=True)
    figure.update_yaxes(title="early window, epochs", type="category", fixedrange=True)
    return figure
