"""How well separated the clusters are, against their number."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.shared.theme import EARLY, LATE, MARGINS


def silhouette_curve(curve: Sequence[tuple[int, float | None]], chosen: int) -> go.Figure:
    """Return mean silhouette against K, with the chosen K marked.

    Parameters
    ----------
    curve : sequence of (k, silhouette)
        What was tried, ascending; a silhouette may be missing.
    chosen : int
        The K in use; drawn as a line also where it was not tried.
    """
    ks = [k for k, _ in curve]
    values = [silhouette for _, silhouette in curve]
    figure = go.Figure()
    figure.add_scatter(
        x=ks,
        y=values,
        mode="lines+markers",
        line={"color": EARLY, "width": 2},
        marker={"size": 7},
        hovertemplate="K = %{x}: silhouette %{y:.3f}<extra></extra>",
        showlegend=False,
    )
    figure.add_vline(x=chosen, line={"color": LATE, "width": 1.5, "dash": "dot"})
    height = dict(curve).get(chosen)
    if height is not None:
        figure.add_scatter(
            x=[chosen],
            y=[height],
            mode="markers",
            marker={"size": 13, "color": LATE, "symbol": "diamond"},
            hovertemplate=f"chosen: K = {chosen}, silhouette {height:.3f}<extra></extra>",
            showlegend=False,
        )
    ticks = sorted({*ks, chosen})
    figure.update_layout(height=190, margin=MARGINS | {"t": 8})
    figure.update_xaxes(title="clusters K", fixedrange=True, tickvals=ticks, zeroline=False)
    figure.update_yaxes(title="mean silhouette", fixedrange=True, rangemode="tozero")
    return figure
