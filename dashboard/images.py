"""Images for the screen: enlarged pixel by pixel, never smoothed."""

import base64
import io

import numpy as np
from numpy.typing import NDArray


def enlarge(image: NDArray[np.uint8], *, least: int) -> NDArray[np.uint8]:
    """Repeat every pixel so often that the shorter side has at least ``least`` pixels."""
    factor = max(1, -(-least // min(image.shape[:2])))
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def data_uri(image: NDArray[np.uint8]) -> str:
    """Return an image as a PNG that a table cell can show."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.asarray(image)).save(buffer, format="PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
