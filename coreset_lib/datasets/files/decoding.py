"""One image file, decoded: 8-bit frames of one size, and facts about the original."""

import os
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.files.contract import (
    MOST_FRAMES,
    DecodeOptions,
    Facts,
    Image,
    UnreadableFile,
    check_form,
    too_large,
)
from coreset_lib.datasets.files.dicom_marks import (
    HEAD_BYTES,
    has_image_mark,
    has_mark,
    looks_bare,
)
from coreset_lib.datasets.files.grey_window import parse_grey_window, range_window, to_grey
from coreset_lib.datasets.files.wide_png import read_wide_png
from coreset_lib.datasets.sources.listing import (
    DICOM_SUFFIXES,
    VOLUME_SUFFIXES,
    why_unreadable,
)
from coreset_lib.system.memory import room_for

LARGEST_FILE = 2**30
RASTER_FORMATS = ("PNG", "JPEG", "BMP", "DIB", "TIFF", "WEBP", "JPEG2000", "PPM", "GIF")
WITH_PAGES = ("TIFF", "GIF", "WEBP")
WIDE_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")


def decode_file(path: str, options: DecodeOptions) -> Iterator[tuple[Image, Facts]]:
    """Yield the frames of an image file.

    Parameters
    ----------
    path : str
        PNG, JPEG, BMP, TIFF, WebP, JPEG 2000, PNM, GIF or DICOM, told by its content whatever
        its name; NIfTI, told by its name.
    options : DecodeOptions

    Yields
    ------
    image : uint8 array, shape (size, size) or (size, size, 3)
        Grey where all three colours agree in every pixel.
    facts : Facts

    Raises
    ------
    UnreadableFile
        With the reason, never with text from inside the file.
    """
    with _explained():
        for image, facts in _frames(path, options):
            yield fit(_grey_if_grey(image), options.image_size), facts


def _frames(path: str, options: DecodeOptions) -> Iterator[tuple[Image, Facts]]:
    """Choose the decoder; the packages of DICOM and NIfTI are needed only for their files."""
    if is_dicom(path):
        from coreset_lib.datasets.files.dicom import dicom_frames

        return dicom_frames(path, options)
    if is_nifti(path):
        from coreset_lib.datasets.files.nifti import nifti_frames

        return nifti_frames(path, options)
    return _raster_frames(path, options)


@contextmanager
def _explained() -> Generator[None]:
    """Turn whatever a decoder raises into the reason why a file cannot be used."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnreadableFile:
        raise
    except ImportError as error:
        raise UnreadableFile(f"needs the Python package {error.name} to be read") from None
    except MemoryError:
        raise UnreadableFile("needs more memory than there is") from None
    except OSError as error:
        if error.errno:
            raise UnreadableFile(why_unreadable(error)) from None
        raise UnreadableFile(_damage(error)) from None
    # Decoders meet bytes that nobody vouches for and may raise anything at all.
    except Exception as error:
        raise UnreadableFile(_damage(error)) from None


def _damage(error: Exception) -> str:
    """Name the damage by the kind of error: messages may quote the file, and so a patient."""
    text = str(error).lower()
    is_short = any(words in text for words in ("truncated", "less than expected", "bytes, got"))
    if is_short or isinstance(error, EOFError):
        return "is cut short"
    return f"is damaged ({type(error).__name__})"


def is_dicom(path: str) -> bool:
    """Whether a file is DICOM: by its mark, or by its name where it is no known image."""
    size = os.stat(path).st_size
    if size == 0:
        raise UnreadableFile("is empty")
    if size > LARGEST_FILE:
        raise UnreadableFile(f"is larger than {LARGEST_FILE >> 30} GB")
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    if has_mark(head):
        return True
    is_named = path.lower().endswith(DICOM_SUFFIXES)
    return (is_named or looks_bare(head)) and not has_image_mark(head)


def is_nifti(path: str) -> bool:
    """Whether a file that is no DICOM is named as a NIfTI volume, and does not begin otherwise."""
    if not path.lower().endswith(VOLUME_SUFFIXES):
        return False
    with open(path, "rb") as file:
        return not has_image_mark(file.read(HEAD_BYTES))


def _raster_frames(path: str, options: DecodeOptions) -> Iterator[tuple[Image, Facts]]:
    """Yield the pages of a PNG, JPEG, BMP or TIFF file."""
    with open_raster(path) as file:
        n_pages = int(getattr(file, "n_frames", 1)) if file.format in WITH_PAGES else 1
        if n_pages > MOST_FRAMES:
            raise UnreadableFile(f"has more than {MOST_FRAMES} pages")
        for page in range(n_pages):
            if page:
                file.seek(page)
            check_form(file.height, file.width)
            if not page and (wide := read_wide_png(path)) is not None:
                yield _wide_to_image(wide, options)
                return
            facts = Facts(height=file.height, width=file.width, bits=1 if file.mode == "1" else 8)
            pixels = pixels_of(file)
            if file.mode in WIDE_MODES:
                yield wide_to_grey(pixels, facts, options)
            else:
                low, high = float(pixels.min()), float(pixels.max())
                yield pixels, replace(facts, low=low, high=high)


def open_raster(path: str) -> Any:
    """Return an opened Pillow file of a known kind; raises UnreadableFile for any other."""
    from PIL import Image as pillow

    try:
        return pillow.open(path, formats=RASTER_FORMATS)
    except pillow.UnidentifiedImageError:
        raise UnreadableFile(
            "is no PNG, JPEG, BMP, TIFF or DICOM image, nor of another kind that is read "
            "(WebP, JPEG 2000, PNM, GIF), or is damaged"
        ) from None
    except pillow.DecompressionBombError:
        raise UnreadableFile(too_large()) from None


def pixels_of(file: Any) -> NDArray[Any]:
    """Return the pixels of an opened Pillow page: wide grey values, or 8-bit grey or colour.

    Raises
    ------
    MemoryError
        If decoding takes more memory than there is; nothing was taken then.
    """
    with room_for(file.height * file.width * _bytes_per_pixel(file)):
        return _pixels_of(file)


def _bytes_per_pixel(file: Any) -> int:
    """Return how much memory decoding takes at its peak, copies included."""
    if file.mode in ("1", "L"):
        return 8
    return 16 if file.mode in (*WIDE_MODES, "RGB") else 40


def _pixels_of(file: Any) -> NDArray[Any]:
    """Decode a page."""
    from PIL import ImageOps

    image = ImageOps.exif_transpose(file)
    if image.mode in WIDE_MODES:
        return np.asarray(image)
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    if "A" in image.mode or image.mode == "P" or "transparency" in image.info:
        return _over_black(np.asarray(image.convert("RGBA")))
    return np.asarray(image.convert("RGB"))


def _over_black(pixels: Image) -> Image:
    """Return colours laid over black by their opacity."""
    alpha = pixels[..., 3:].astype(np.uint16)
    return ((pixels[..., :3] * alpha + 127) // 255).astype(np.uint8)


def wide_to_grey(values: NDArray[Any], facts: Facts, options: DecodeOptions) -> tuple[Image, Facts]:
    """Return values of more than 8 bits as grey: by the chosen window, else their range."""
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise UnreadableFile("has pixels that are no numbers (NaN or infinite)")
    window = parse_grey_window(options.grey_window) or range_window(low, high)
    bits = 8 * values.dtype.itemsize
    return to_grey(values, window), replace(facts, bits=bits, low=low, high=high)


def wide_over_black(values: NDArray[Any]) -> NDArray[Any]:
    """Return 16-bit samples over black by their opacity, one channel where colours agree."""
    n_channels = values.shape[-1]
    if n_channels in (2, 4):
        alpha = values[..., -1:].astype(np.uint32)
        values = ((values[..., :-1] * alpha + 32767) // 65535).astype(np.uint16)
    return values[..., 0] if (values == values[..., :1]).all() else values


def _wide_to_image(values: NDArray[Any], options: DecodeOptions) -> tuple[Image, Facts]:
    """Return 16-bit samples with colour or alpha as an image."""
    height, width = values.shape[:2]
    facts = Facts(height=height, width=width, bits=16)
    return wide_to_grey(wide_over_black(values), facts, options)


def _grey_if_grey(image: Image) -> Image:
    """Return one channel where all three are the same."""
    if image.ndim == 3 and (image == image[..., :1]).all():
        return np.ascontiguousarray(image[..., 0])
    return image


def fit(image: Image, size: int) -> Image:
    """Return an image as a square of ``size`` pixels: scaled to fit, padded with black.

    Scaling averages over what a pixel of the result covers (bilinear with antialiasing);
    an image that has the size already is returned as it is.
    """
    height, width = image.shape[:2]
    if height == width == size:
        return image
    from PIL import Image as pillow

    scale = size / max(height, width)
    form = max(1, round(width * scale)), max(1, round(height * scale))
    small = pillow.fromarray(image).resize(form, pillow.Resampling.BILINEAR, reducing_gap=3.0)
    square = np.zeros((size, size, *image.shape[2:]), np.uint8)
    top, left = (size - form[1]) // 2, (size - form[0]) // 2
    square[top : top + form[1], left : left + form[0]] = np.asarray(small)
    return square
