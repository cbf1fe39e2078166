"""A grid of sample images with their labels, a page at a time."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.datasets import LabeledImages
from coreset_lib.scores.score import ScoreValues
from dashboard.images import enlarge
from dashboard.text import as_text

PER_PAGE = 24
COLUMNS = 8


def draw_thumbnails(
    images: LabeledImages | str,
    indices: NDArray[np.intp],
    labels: NDArray[np.int64],
    class_names: tuple[str, ...],
    score: ScoreValues | None,
) -> None:
    """Draw the images of the given samples, in the given order."""
    if isinstance(images, str):
        st.info(as_text(images), icon=":material/hide_image:")
        return
    n_pages = -(-len(indices) // PER_PAGE)
    heading, pager = st.columns([3, 2], vertical_alignment="bottom")
    heading.markdown("**Images of the coreset**, hardest first" if score else "**Images**")
    page = 1
    if n_pages > 1:
        page = pager.number_input(f"Page (of {n_pages})", 1, n_pages, 1, key=f"page-of-{n_pages}")
    shown = indices[(page - 1) * PER_PAGE : page * PER_PAGE]
    draw_thumbnail_rows(images, shown, labels, class_names, columns=COLUMNS)


def draw_thumbnail_rows(
    images: LabeledImages,
    indices: NDArray[np.intp],
    labels: NDArray[np.int64],
    class_names: tuple[str, ...],
    *,
    columns: int,
) -> None:
    """Draw the images of a few samples with their labels."""
    for start in range(0, len(indices), columns):
        row = indices[start : start + columns]
        for column, index in zip(st.columns(columns), row, strict=False):
            name = class_names[labels[index]]
            picture = enlarge(images.train.images[index], least=112)
            column.image(
                picture, caption=as_text(name), width="stretch", alt=f"Sample {index}, {name}"
            )
