"""Loss and accuracy of a run against epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.shared.theme import CLASS_COLOURS, EARLY, LATE, MARGINS

OTHERS = tuple(colour for colour in CLASS_COLOURS if colour not in (EARLY, LATE))
MOST_OTHERS = 5


def training_curves(
    metrics: Sequence[dict[str, Any]], others: Mapping[str, Sequence[dict[str, Any]]] | None = None
) -> go.Figure:
    """Return loss (left) and accuracy (right) of the training and validation splits.

    ``others`` are the metrics of other runs by the names that people read: of each the validation
    split is drawn, a colour each.

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
    for number, (title, records) in enumerate((others or {}).items()):
        _add_other(figure, title, records, OTHERS[number % len(OTHERS)])
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


def _add_other(
    figure: go.Figure, title: str, metrics: Sequence[dict[str, Any]], colour: str
) -> None:
    """Add loss and accuracy of another run on its validation split."""
    epochs = [record.get("epoch", number) for number, record in enumerate(metrics, 1)]
    is_named = False
    for column, quantity in ((1, "loss"), (2, "accuracy")):
        values = [record.get(f"val_{quantity}") for record in metrics]
        if all(value is None for value in values):
            continue
        figure.add_scatter(
            x=epochs,
            y=values,
            name=f"val of {title}",
            mode="lines",
            line={"color": colour, "dash": "dot", "width": 2},
            legendgroup=title,
            showlegend=not is_named,
            row=1,
            col=column,
        )
        is_named = True
