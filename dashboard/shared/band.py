"""The spread around a line: one standard deviation up and down."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

OPACITY = 0.15


def draw_band(
    figure: go.Figure,
    x: ArrayLike,
    middle: ArrayLike,
    spread: ArrayLike,
    colour: str,
    **options: Any,
) -> None:
    """Add a band to a figure; points without a spread, as of a single seed, have none.

    Parameters
    ----------
    figure : Figure
    x, middle, spread : float arrays, shape (points,)
        In the order of the line.
    colour : str
        ``#rrggbb``, as the line's.
    **options
        Further options of the trace, as its row and column.
    """
    points = np.column_stack([x, middle, spread]).astype(np.float64)
    places, means, deviations = points[~np.isnan(points).any(axis=1)].T
    if not len(places):
        return
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    figure.add_scatter(
        x=np.concatenate([places, places[::-1]]),
        y=np.concatenate([means + deviations, (means - deviations)[::-1]]),
        mode="lines",
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},{OPACITY})",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        **options,
    )
