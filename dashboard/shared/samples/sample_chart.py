"""How one sample was learned: its error and what the network called it, epoch by epoch."""

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go

from coreset_lib.scores.population import SampleHistory
from dashboard.shared.text import as_figure_text
from dashboard.shared.theme import MARGINS, RIGHT, WRONG


def prediction_strip(history: SampleHistory, title_of: Callable[[int], str]) -> go.Figure:
    """Return one cell per epoch: right or wrong, with the predicted class on hover.

    The height of a cell says right (full) or wrong (half) too, so colour is not the only cue.
    """
    epochs = np.arange(1, len(history.prediction) + 1)
    names = [
        as_figure_text(title_of(k), most=60) if k >= 0 else "not recorded"
        for k in history.prediction.tolist()
    ]
    figure = go.Figure(
        go.Bar(
            x=epochs,
            y=np.where(history.is_correct, 1.0, 0.5),
            customdata=names,
            marker_color=np.where(history.is_correct, RIGHT, WRONG).tolist(),
            marker_line_width=0,
            hovertemplate="epoch %{x}: %{customdata}<extra></extra>",
        )
    )
    figure.update_layout(height=92, margin=MARGINS | {"t": 4, "b": 24}, bargap=0.05)
    figure.update_yaxes(visible=False, range=[0, 1], fixedrange=True)
    figure.update_xaxes(fixedrange=True, range=[0.5, len(epochs) + 0.5])
    return figure
