"""Labels that a training uses instead of the dataset's: corrected ones, or spoilt ones."""

from typing import Any

import streamlit as st

from coreset_lib.configs import LABEL_NOISES

LABEL_TABLE = "label_table"
NOISE_TITLES = {
    "none": "no: the labels as they are",
    "symmetric": "of any samples, to any other class",
    "class_dependent": "of each class, to one other class",
    "look_alike": "of images that look like another class, to that class",
}
LARGEST_MB = 50


def draw_label_options() -> dict[str, Any]:
    """Draw a table of corrected labels and label noise on purpose, and return what was chosen."""
    table = st.file_uploader(
        "Train with corrected labels (the CSV of the Review page's export)",
        type="csv",
        max_upload_size=LARGEST_MB,
        help="At least the columns sample_id and new. Rows that are not decided for good are left "
        "out, and the old label must be the dataset's. The dataset itself is never changed.",
    )
    noise, rate, seed = st.columns(3)
    return {
        LABEL_TABLE: table,
        "label_noise": noise.selectbox(
            "Spoil labels on purpose",
            LABEL_NOISES,
            format_func=NOISE_TITLES.__getitem__,
            help="To measure how well wrong labels are found: the true ones stay known.",
        ),
        "label_noise_rate": rate.number_input(
            "Share of labels to spoil",
            0.01,
            0.99,
            0.2,
            help="0.2: every fifth. Only with a kind. From 0.5 on more labels are wrong than "
            "right, and of two classes nothing can learn the right ones.",
        ),
        "label_noise_seed": seed.number_input(
            "Seed of the spoilt labels", 0, 2**31 - 1, 0, help="Decides which labels are spoilt."
        ),
    }
