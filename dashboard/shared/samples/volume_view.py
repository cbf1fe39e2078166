"""A volume on the screen: one slice with a slider, and all slices side by side."""

import numpy as np
import streamlit as st

from coreset_lib.datasets import LabeledImages
from dashboard.shared.samples.images import data_uri, enlarge, slice_sheet

COLUMNS = 8
DIRECTIONS = {"depth": 0, "height": 1, "width": 2}


def draw_volume(images: LabeledImages, index: int, label: str, *, width: int) -> None:
    """Draw one slice of a training sample, the middle one at first, and a slider below it."""
    volume = images.train.images[index]
    with st.container(width=width):
        place = st.empty()
        number = st.slider(
            "Slice",
            1,
            len(volume),
            len(volume) // 2 + 1,
            key=_key(images, index),
            help="Moves through the depth of the volume, the first axis of the file.",
        )
        place.image(
            data_uri(enlarge(volume[number - 1], least=224)),
            width=width,
            alt=f"Slice {number} of {len(volume)} of training sample {index}, labelled {label}",
        )


def chosen_slice(images: LabeledImages, index: int) -> int:
    """Return the slice of a volume that the slider shows, from 0; the middle one without it."""
    return int(st.session_state.get(_key(images, index), images.depth // 2 + 1)) - 1


def _key(images: LabeledImages, index: int) -> str:
    """Name the slider of a sample."""
    return f"slice:{images.name}:{index}"


def draw_all_slices(images: LabeledImages, index: int) -> None:
    """Draw all slices of a training sample in one picture, along the direction asked for."""
    volume = images.train.images[index]
    with st.expander("All slices"):
        direction = st.segmented_control(
            "Cut along",
            DIRECTIONS,
            default="depth",
            key=f"direction:{images.name}:{index}",
        )
        turned = np.moveaxis(np.asarray(volume), DIRECTIONS[direction or "depth"], 0)
        st.image(
            data_uri(enlarge(slice_sheet(turned, columns=COLUMNS), least=448)),
            width="stretch",
            alt=f"All {len(turned)} slices of training sample {index} along its {direction}",
        )
        st.caption(f"{len(turned)} slices, the first one top left, row by row.")
