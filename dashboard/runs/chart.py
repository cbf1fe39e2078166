"""Loss and accuracy of a run against epoch."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.shared.theme import EARLY, LATE, MARGINS


def training_curves(metrics: Sequence[dict[str, Any]]) -> go.Figure:
    """Return loss (left) and accuracy (right) of the training and validation splits.

    Of samples with any number of labels, accuracy is that of whole sets, and the mean AUC of
    the validation split is drawn beside it. A figure that was not recorded leaves a gap; what
    a recorded run was never told is left out.
    """
    has_auc = any("val_auc" in record for record in metrics)
    right = "exact match, AUC" if has_auc else "accuracy"
    figure = make_subplots(cols=2, subplot_titles=("loss (nats)", right))
    epochs = [record.get("epoch", number) for number, record in enumerate(metrics, 1)]
    shown = set[str]()
    for column, quantity in ((1, "loss"), (2, "accuracy")):
        for split, colour, dash in (("train", EARLY, "solid"), ("val", LATE, "dot")):
            values = [record.get(f"{split}_{quantity}") for record in metrics]
            if all(value is None for value in values):
                continue
            figure.add_scatter(
                x=epochs,
                y=values,
                name=split,
                mode="lines",
                line={"color": colour, "dash": dash, "width": 2},
                showlegend=split not in shown,
                row=1,
                col=column,
            )
            shown.add(split)
    if has_auc:
        figure.add_scatter(
            x=epochs,
            y=[record.get("val_auc") for record in metrics],
            name="val AUC",
            mode="lines",
            line={"color": LATE, "dash": "dash", "width": 2},
            row=1,
            col=2,
        )
    figure.update_xaxes(title="epoch", rangemode="tozero")
    figure.update_yaxes(rangemode="tozero", col=1)
    figure.update_layout(height=290, margin=MARGINS, hovermode="x unified")
    figure.update_layout(legend={"orientation": "h", "y": -0.28, "x": 0.5, "xanchor": "center"})
    return figure
