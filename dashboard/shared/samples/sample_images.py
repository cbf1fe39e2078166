"""Small images of samples: one, or all of them in one picture."""

import io

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.datasets import LabeledImages
from coreset_lib.datasets.labeled_images import is_volume
from coreset_lib.runs.summary import RunSummary, RunVersion
from dashboard import reads
from dashboard.map.component.sample_previews import Atlas, Preview
from dashboard.shared.samples.images import picture_of

MOST_PREVIEWED = 5_000
ATLAS_BYTES = 5_000_000
PREVIEW_SIDE = 96


@st.cache_resource(
    max_entries=4, show_spinner="Preparing the previews…", hash_funcs=reads.ANY_EPOCH
)
def preview_atlas(version: RunVersion) -> Atlas | None:
    """Return small images of all samples in one picture; None if they are too many or too large."""
    images = reads.load_images(version)
    if not isinstance(images, LabeledImages):
        return None
    pixels = images.train.images
    if is_volume(pixels):
        pixels = pixels[:, pixels.shape[1] // 2]
    if len(pixels) > MOST_PREVIEWED or pixels.nbytes > ATLAS_BYTES:
        return None
    rows, columns = _tiling(len(pixels))
    blank = np.zeros((rows * columns - len(pixels), *pixels.shape[1:]), dtype=np.uint8)
    tiles = np.concatenate([pixels, blank]).reshape(rows, columns, *pixels.shape[1:])
    height, width = pixels.shape[1:3]
    sheet = tiles.swapaxes(1, 2).reshape(rows * height, columns * width, *pixels.shape[3:])
    return Atlas(png=_png(sheet), columns=columns, width=width, height=height)


def find_preview(summary: RunSummary, sample: int) -> Preview | None:
    """Return name and image of one sample, None if there is no such sample."""
    samples = reads.read_samples(summary.version)
    if not 0 <= sample < len(samples):
        return None
    name = str(samples["sample_id"].iloc[sample])
    images = reads.load_images(summary.version)
    if not isinstance(images, LabeledImages):
        return Preview(sample=sample, name=name, png=None)
    return Preview(sample=sample, name=name, png=thumbnail(picture_of(images.train.images, sample)))


def thumbnail(image: NDArray[np.uint8], *, side: int = PREVIEW_SIDE) -> bytes:
    """Return an image as PNG, made smaller where its longer side passes ``side`` pixels."""
    from PIL import Image

    picture = Image.fromarray(np.asarray(image))
    picture.thumbnail((side, side))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def _tiling(n_tiles: int) -> tuple[int, int]:
    """Return rows and columns of a sheet that is about square."""
    columns = max(1, int(np.ceil(np.sqrt(n_tiles))))
    return -(-n_tiles // columns), columns


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode an image without loss."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG")
    return buffer.getvalue()
