"""Colours of the map by where each label stands in the review."""

import numpy as np

from coreset_lib.review.states import STATUSES
from coreset_lib.runs.summary import RunSummary
from dashboard.map.colours import Coloured
from dashboard.map.component.sample_map import Categories
from dashboard.review import data as review_data
from dashboard.shared.marks import NO_VALUE, Mark

MARKS = {
    "open": Mark(NO_VALUE, "circle"),
    "skipped": Mark("#7F7F7F", "square"),
    "flagged": Mark("#CC79A7", "triangle"),
    "proposed": Mark("#E69F00", "diamond"),
    "conflict": Mark("#D55E00", "cross"),
    "rejected": Mark("#8C6BB1", "wedge"),
    "confirmed": Mark("#009E73", "plus"),
    "exported": Mark("#0072B2", "plus"),
}


def by_review(summary: RunSummary) -> Coloured:
    """Colour by review status; raises CoresetError where the database cannot be read."""
    review = review_data.review_of(summary)
    names = list(STATUSES)
    codes = np.zeros(len(review.dataset.labels), dtype=np.int64)
    for sample, state in review.states.items():
        codes[review.dataset.rows[sample]] = names.index(state.status)
    marks = tuple(MARKS[name] for name in names)
    colour = Categories(title="Review", names=names, codes=codes, marks=marks)
    last = review.events[-1].id if review.events else 0
    key = (summary.version, "review", last, review.rules, len(review.exports))
    return Coloured(colour=colour, key=key)
