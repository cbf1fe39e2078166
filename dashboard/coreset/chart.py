"""What a coreset is made of, beside the full training set."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.shared.text import as_figure_text
from dashboard.shared.theme import EARLY, MARGINS, NEUTRAL

MANY_CLASSES = 12


def composition_bars(
    class_names: Sequence[str], full_counts: Sequence[int], coreset_counts: Sequence[int]
) -> go.Figure:
    """Return the share of each class in the coreset and in the full training set."""
    figure = go.Figure()
    # By number: two classes whose names begin alike stay two.
    positions, names = list(range(len(class_names))), [as_figure_text(n) for n in class_names]
    for name, counts, colour, pattern in (
        ("full set", full_counts, NEUTRAL, "/"),
        ("coreset", coreset_counts, EARLY, ""),
    ):
        total = max(sum(counts), 1)
        figure.add_bar(
            y=positions,
            x=[100 * count / total for count in counts],
            name=name,
            orientation="h",
            customdata=list(zip(names, counts, strict=True)),
            marker={"color": colour, "pattern": {"shape": pattern}},
            hovertemplate="%{customdata[0]}: %{customdata[1]} samples, %{x:.1f} %"
            f"<extra>{name}</extra>",
        )
    per_class = 44 if len(class_names) <= MANY_CLASSES else 24
    height = 120 + per_class * len(class_names)
    figure.update_layout(barmode="group", height=height, margin=MARGINS | {"t": 44}, bargap=0.3)
    legend = {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "traceorder": "reversed"}
    figure.update_layout(legend=legend)
    figure.update_xaxes(title="share of the samples, %", rangemode="tozero", fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, tickvals=positions, ticktext=names)
    return figure
