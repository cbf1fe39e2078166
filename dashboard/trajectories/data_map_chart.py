"""The data map: confidence against variability, coloured by correctness."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from coreset_lib.scores.data_map import DataMap
from dashboard.shared.theme import LATE, MARGINS

MOST_POINTS = 20_000


def data_map_figure(
    quantities: DataMap, sample_ids: Sequence[str], selected: NDArray[np.intp], *, seed: int = 0
) -> go.Figure:
    """Return the map; above 20,000 samples a seeded part of them, and always the selected."""
    n_samples = len(quantities.confidence)
    shown = np.arange(n_samples)
    if n_samples > MOST_POINTS:
        drawn = np.random.default_rng(seed).choice(n_samples, MOST_POINTS, replace=False)
        shown = np.union1d(drawn, selected)
    ids = np.asarray(sample_ids, dtype=object)
    figure = go.Figure()
    figure.add_scattergl(
        x=quantities.variability[shown],
        y=quantities.confidence[shown],
        text=ids[shown],
        customdata=shown[:, None],
        mode="markers",
        marker={
            "size": 4,
            "opacity": 0.7,
            "color": quantities.correctness[shown],
            "colorscale": "Cividis",
            "cmin": 0,
            "cmax": 1,
            "colorbar": {"title": "share of<br>epochs right", "thickness": 12},
        },
        hovertemplate="%{text}<br>variability %{x:.2f}, confidence %{y:.2f}<extra></extra>",
    )
    figure.add_scattergl(
        x=quantities.variability[selected],
        y=quantities.confidence[selected],
        text=ids[selected],
        customdata=selected[:, None],
        mode="markers",
        marker={"size": 12, "symbol": "circle-open", "color": LATE, "line": {"width": 3}},
        hovertemplate="%{text} (selected)<extra></extra>",
    )
    figure.update_layout(height=380, margin=MARGINS, showlegend=False)
    figure.update_xaxes(title="variability of the label's probability", rangemode="tozero")
    figure.update_yaxes(title="mean probability of the label", range=[0, 1.02])
    return figure


def clicked_sample(state: Any, n_samples: int) -> int | None:
    """Return the sample whose dot was clicked, from what the chart reports; None without one."""
    try:
        sample = state["selection"]["points"][0]["customdata"][0]
    except (TypeError, KeyError, IndexError):
        return None
    is_sample = isinstance(sample, int | float) and 0 <= sample < n_samples and sample % 1 == 0
    return int(sample) if is_sample else None
