"""The rank of every sample in one run against that in another."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from coreset_lib.scores.contrast import Contrast
from dashboard.shared.theme import EARLY, LATE, MARGINS, NEUTRAL

MOST_POINTS = 20_000


def contrast_figure(
    found: Contrast, sample_ids: Sequence[str], selected: NDArray[np.intp], *, seed: int = 0
) -> go.Figure:
    """Return a dot per sample, hardest at the top right, and the hardest parts as lines.

    Above 20,000 samples a seeded part of them, and always the selected.
    """
    n_samples = len(found.first)
    shown = np.arange(n_samples)
    if n_samples > MOST_POINTS:
        drawn = np.random.default_rng(seed).choice(n_samples, MOST_POINTS, replace=False)
        shown = np.union1d(drawn, selected)
    ids = np.asarray(sample_ids, dtype=object)
    figure = go.Figure()
    for rows, marker in (
        (shown, {"size": 4, "opacity": 0.5, "color": EARLY}),
        (selected, {"size": 12, "symbol": "circle-open", "color": LATE, "line": {"width": 3}}),
    ):
        figure.add_scattergl(
            x=found.first[rows],
            y=found.second[rows],
            text=ids[rows],
            customdata=rows[:, None],
            mode="markers",
            marker=marker,
            hovertemplate="%{text}<br>rank here %{x:,}, there %{y:,}<extra></extra>",
        )
    line = {"dash": "dot", "color": NEUTRAL, "width": 1}
    figure.add_vline(x=found.n_hardest + 0.5, line=line)
    figure.add_hline(y=found.n_hardest + 0.5, line=line)
    figure.update_layout(height=380, margin=MARGINS, showlegend=False)
    figure.update_xaxes(title="rank in this run (1 = hardest)", autorange="reversed")
    figure.update_yaxes(title="rank in the other run", autorange="reversed")
    return figure
