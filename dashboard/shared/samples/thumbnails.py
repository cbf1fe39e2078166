"""A grid of sample images with their labels, a page at a time."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.datasets import LabeledImages
from coreset_lib.label_sets import set_codes, set_title
from coreset_lib.scores.score import ScoreValues
from dashboard.shared.samples.images import data_uri, enlarge, picture_of
from dashboard.shared.text import as_text

PER_PAGE = 24
WIDTH = 94
MOST_LETTERS = 40


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
    heading.markdown("**Images of the coreset**" + (", hardest first" if score else ""))
    page = 1
    if n_pages > 1:
        page = pager.number_input(f"Page (of {n_pages})", 1, n_pages, 1, key=f"page-of-{n_pages}")
    shown = indices[(page - 1) * PER_PAGE : page * PER_PAGE]
    draw_thumbnail_rows(images, shown, labels, class_names)


def draw_thumbnail_rows(
    images: LabeledImages,
    indices: NDArray[np.intp],
    labels: NDArray[np.int64],
    class_names: tuple[str, ...],
) -> None:
    """Draw the images of a few samples with their labels.

    The rows wrap: every image keeps its size, on a wide screen as on a narrow one.
    """
    with st.container(horizontal=True):
        for index in indices:
            name = _title(images, index) or class_names[labels[index]]
            picture = data_uri(enlarge(picture_of(images.train.images, index), least=112))
            caption = name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"
            st.image(picture, caption=as_text(caption), width=WIDTH, alt=f"Sample {index}, {name}")


def _title(images: LabeledImages, index: int) -> str:
    """Name all labels of a sample that carries any number of them; else nothing."""
    sets = images.train.multi_hot
    if sets is None:
        return ""
    return set_title(int(set_codes(sets[index : index + 1])[0]), images.label_names)
