"""Pieces of a page that stands alone: text is escaped here and nowhere else."""

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 220, 46, 30, 10
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif;
  color: #1c2430; background: #fff; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { margin-top: 2rem; font-size: 1.2rem; }
table { border-collapse: collapse; margin: .6rem 0; } caption { text-align: left; color: #4a5360; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #d5dbe3; text-align: left; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.note { color: #4a5360; } .warn { padding: .4rem .8rem; border-left: 4px solid #b34d00; }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; padding: 0; list-style: none; }
.tiles li { width: 8.5rem; font-size: .8rem; overflow-wrap: anywhere; }
.tiles img { display: block; width: 6rem; height: 6rem; object-fit: contain; background: #000;
  image-rendering: pixelated; }
svg { max-width: 100%; height: auto; } pre { white-space: pre-wrap; overflow-wrap: anywhere;
  font-size: .8rem; }
footer { margin-top: 2rem; padding-top: .5rem; border-top: 1px solid #d5dbe3; }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; }
  table, svg, li, .warn { break-inside: avoid; } }
"""


def document(title: str, parts: Sequence[str]) -> bytes:
    """Return a whole page; no script, and nothing from elsewhere, can run in it."""
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main>"
        "<footer>For research use only. Not a medical device: no diagnosis, no treatment "
        "decision.</footer></body></html>\n"
    ).encode()


def heading(text: str, *, level: int = 2) -> str:
    """Return a heading."""
    return f"<h{level}>{escape(text)}</h{level}>"


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph; ``kind`` may be note or warn."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], caption: str = "") -> str:
    """Return a table; numbers stand to the right."""
    is_number = [
        bool(rows) and all(isinstance(row[k], int | float) or _is_figure(row[k]) for row in rows)
        for k in range(len(columns))
    ]
    head = "".join(
        _cell("th", name, is_right) for name, is_right in zip(columns, is_number, strict=True)
    )
    lines = [
        "<tr>" + "".join(_cell("td", cell, is_number[k]) for k, cell in enumerate(row)) + "</tr>"
        for row in rows
    ]
    about = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{about}<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def facts(pairs: Sequence[tuple[str, object]]) -> str:
    """Return names with what they are."""
    rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(_text(v))}</td></tr>" for k, v in pairs)
    return f"<table>{rows}</table>"


def tiles(items: Sequence[tuple[str, str]]) -> str:
    """Return images (data URI, empty for none) with what is said of each."""
    made = [
        f"<li>{f'<img src={chr(34)}{source}{chr(34)} alt={chr(34)}{chr(34)}>' if source else ''}"
        f"{escape(text)}</li>"
        for source, text in items
    ]
    return f'<ul class="tiles">{"".join(made)}</ul>'


def preformatted(text: str) -> str:
    """Return text as it is written."""
    return f"<pre>{escape(text)}</pre>"


def line_chart(
    title: str,
    lines: Sequence[tuple[str, str, NDArray[np.float64]]],
    *,
    bands: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]] = (),
    largest: float | None = None,
) -> str:
    """Return lines (name, colour, one value per epoch; NaN leaves a gap) as an SVG figure.

    ``bands`` are drawn below them, from a lower to an upper value of each epoch.
    """
    values = [v for _, _, v in lines] + [v for band in bands for v in band]
    n_epochs = max((len(v) for v in values), default=0)
    finite = np.concatenate([v[np.isfinite(v)] for v in values]) if values else np.empty(0)
    top = largest or (float(finite.max()) if len(finite) and finite.max() > 0 else 1.0)
    shapes = [_band(low, high, n_epochs, top) for low, high in bands]
    shapes += [_line(colour, v, n_epochs, top) for _, colour, v in lines]
    legend = " · ".join(name for name, _, _ in lines)
    return (
        f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f"{_axes(n_epochs, top)}{''.join(shapes)}</svg>"
        f"{paragraph(f'{title}: {legend}' if legend else title, 'note')}"
    )


def _axes(n_epochs: int, top: float) -> str:
    """Return the two axes with three numbers each."""
    bottom = HEIGHT - BOTTOM
    parts = [f'<path d="M{LEFT} {TOP}V{bottom}H{WIDTH - 8}" fill="none" stroke="#8a94a3"/>']
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * (bottom - TOP)
        parts.append(_label(LEFT - 6, y + 4, f"{share * top:.3g}", "end"))
    for epoch in sorted({1, max(1, (n_epochs + 1) // 2), max(1, n_epochs)}):
        parts.append(_label(_x(epoch - 1, n_epochs), HEIGHT - 12, str(epoch), "middle"))
    parts.append(_label(WIDTH - 8, HEIGHT - 1, "epoch", "end"))
    return "".join(parts)


def _label(x: float, y: float, text: str, anchor: str) -> str:
    """Return a small text in the figure."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" fill="#4a5360" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def _x(epoch: int, n_epochs: int) -> float:
    """Return where an epoch (0-based) stands."""
    return LEFT + 8 + epoch * (WIDTH - LEFT - 24) / max(n_epochs - 1, 1)


def _y(value: float, top: float) -> float:
    """Return how high a value stands."""
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * min(max(value / top, 0), 1)


def _line(colour: str, values: NDArray[np.float64], n_epochs: int, top: float) -> str:
    """Return one line; a gap begins a new piece."""
    path, is_begun = "", False
    for epoch, value in enumerate(values):
        if not np.isfinite(value):
            is_begun = False
            continue
        path += f"{'L' if is_begun else 'M'}{_x(epoch, n_epochs):.1f} {_y(value, top):.1f}"
        is_begun = True
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _band(low: NDArray[np.float64], high: NDArray[np.float64], n_epochs: int, top: float) -> str:
    """Return the area between two lines, where both are known."""
    known = np.flatnonzero(np.isfinite(low) & np.isfinite(high))
    there = [f"{_x(int(e), n_epochs):.1f} {_y(float(high[e]), top):.1f}" for e in known]
    back = [f"{_x(int(e), n_epochs):.1f} {_y(float(low[e]), top):.1f}" for e in known[::-1]]
    return f'<polygon points="{" ".join(there + back)}" fill="#8a94a3" fill-opacity="0.25"/>'


def _cell(kind: str, value: object, is_right: bool) -> str:
    """Return a cell."""
    place = ' class="n"' if is_right else ""
    return f"<{kind}{place}>{escape(_text(value))}</{kind}>"


def _text(value: object) -> str:
    """Return a value as people read it."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def _is_figure(value: object) -> bool:
    """Whether a text begins with a digit, as numbers with a unit do."""
    return isinstance(value, str) and value[:1].isdigit()
