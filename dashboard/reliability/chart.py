"""How the scores of a dataset spread in each class."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.shared.theme import EARLY, MARGINS, NEUTRAL

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def score_by_class(
    values: NDArray[np.float64], labels: NDArray[np.int64], class_names: Sequence[str], title: str
) -> go.Figure:
    """Return the spread of a score in each class: 5, 25, 50, 75 and 95 %."""
    figure = go.Figure()
    for klass, name in enumerate(class_names):
        own = values[labels == klass]
        if not len(own):
            continue
        low, q1, median, q3, high = np.quantile(own, QUANTILES)
        figure.add_box(
            y=[name],
            q1=[q1],
            median=[median],
            q3=[q3],
            lowerfence=[low],
            upperfence=[high],
            orientation="h",
            marker_color=EARLY,
            line_color=NEUTRAL,
            fillcolor=EARLY,
            showlegend=False,
        )
    figure.update_layout(height=110 + 32 * len(class_names), margin=MARGINS)
    figure.update_xaxes(title=title, fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True)
    return figure
