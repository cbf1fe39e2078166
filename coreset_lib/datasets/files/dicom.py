"""DICOM files: frames as 8-bit images by the rules of the standard, never a patient's name."""

import logging
import zlib
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_file_meta_info
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.pixels.utils import iter_pixels, pixel_array
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
)

from coreset_lib.datasets.files.contract import (
    MOST_FRAMES,
    DecodeOptions,
    Facts,
    Image,
    UnreadableFile,
    check_form,
)
from coreset_lib.datasets.files.grey_window import (
    FROM_FILE,
    GreyWindow,
    parse_grey_window,
    range_window,
    to_grey,
)
from coreset_lib.datasets.files.pseudonyms import pseudonym

# What pydicom logs may quote the file, and so a patient.
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)

LARGEST_INFLATED = 2**28
MOST_BITS = 32
PIXEL_ELEMENTS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
Values = NDArray[Any]


class Frame(NamedTuple):
    """One frame in the units of its modality (for example Hounsfield units), not windowed.

    ``values`` has shape (height, width), or (height, width, 3) for colour, which has no
    units. ``window`` is the one stored in the file, if any.
    """

    values: Values
    window: GreyWindow | None
    is_inverted: bool
    low: float
    high: float


def dicom_frames(path: str, options: DecodeOptions) -> Iterator[tuple[Image, Facts]]:
    """Yield the frames of a DICOM file as 8-bit images, windowed as the options say."""
    dataset = _read(path)
    facts = _facts(dataset, options)
    for number, stored in enumerate(_stored_frames(dataset)):
        if stored.ndim == 3:
            image = _colour(stored, dataset)
            low, high = float(image.min()), float(image.max())
        else:
            image, low, high = _grey(stored, dataset, number, options.grey_window)
        yield image, replace(facts, low=low, high=high)


def read_frame(path: str, number: int = 0) -> Frame:
    """Return one frame in the units of its modality, for a view with an adjustable window.

    Parameters
    ----------
    path : str
    number : int
        Frame, from 0.

    Raises
    ------
    UnreadableFile
        If the file cannot be used, or has no such frame.
    """
    dataset = _read(path)
    for position, stored in enumerate(_stored_frames(dataset)):
        if position == number:
            if stored.ndim == 3:
                return Frame(_colour(stored, dataset), None, False, 0.0, 255.0)
            values = _modality_values(stored, dataset, number)
            low, high = _value_range(stored, values, dataset)
            window = _stored_window(dataset, number)
            return Frame(values, window, _is_inverted(dataset), low, high)
    raise UnreadableFile(f"has no frame {number + 1}")


def _read(path: str) -> Any:
    """Return the dataset, checked to be an image of bearable size."""
    _refuse_inflation(path)
    # From memory: an element that claims gigabytes then gets what there is, not gigabytes.
    dataset = pydicom.dcmread(BytesIO(Path(path).read_bytes()), force=True)
    if not any(name in dataset for name in PIXEL_ELEMENTS):
        raise UnreadableFile("holds no image")
    if not dataset.get("Rows") or not dataset.get("Columns"):
        raise UnreadableFile("does not say how large its image is")
    check_form(int(dataset.Rows), int(dataset.Columns))
    n_frames = int(dataset.get("NumberOfFrames") or 1)
    if not 1 <= n_frames <= MOST_FRAMES:
        raise UnreadableFile(f"has {n_frames} frames; at most {MOST_FRAMES} can be read")
    if int(dataset.get("BitsAllocated") or 0) > MOST_BITS and "PixelData" in dataset:
        raise UnreadableFile(f"has more than {MOST_BITS} bits per pixel")
    _complete_meta(dataset)
    return dataset


def _refuse_inflation(path: str) -> None:
    """Refuse a deflated file that would fill the memory once unpacked."""
    meta = read_file_meta_info(path) if _has_mark(path) else {}
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return
    inflater, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    with open(path, "rb") as file:
        # The preamble and mark, the group length element, and the group it tells of.
        file.seek(132 + 12 + int(meta.get("FileMetaInformationGroupLength", 0)))
        while block := file.read(2**16):
            while block:
                size += len(inflater.decompress(block, 2**24))
                if size > LARGEST_INFLATED:
                    raise UnreadableFile(f"unpacks to more than {LARGEST_INFLATED >> 20} MB")
                block = inflater.unconsumed_tail


def _has_mark(path: str) -> bool:
    """Whether the file begins as DICOM files do."""
    with open(path, "rb") as file:
        return file.read(132)[128:] == b"DICM"


def _complete_meta(dataset: Any) -> None:
    """Say how the pixels are stored where a bare dataset does not: as its elements are."""
    meta = dataset.file_meta if hasattr(dataset, "file_meta") else FileMetaDataset()
    if "TransferSyntaxUID" not in meta:
        is_implicit, is_little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
        meta.TransferSyntaxUID = ImplicitVRLittleEndian if is_implicit else explicit
        dataset.file_meta = meta


def _stored_frames(dataset: Any) -> Iterator[Values]:
    """Yield the frames as stored, colours as RGB."""
    try:
        if _has_other_sign(dataset):
            for number in range(int(dataset.get("NumberOfFrames") or 1)):
                yield pixel_array(dataset, index=number)
        else:
            yield from iter_pixels(dataset)
    except (RuntimeError, NotImplementedError) as error:
        raise UnreadableFile(_compression(dataset, str(error))) from None


def _has_other_sign(dataset: Any) -> bool:
    """Whether pixels are signed and JPEG 2000, whose codestream may say that they are not.

    `iter_pixels` corrects the sign in an array that may not be written to; `pixel_array` does not.
    """
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", ""))
    return syntax in JPEG2000TransferSyntaxes and dataset.get("PixelRepresentation") == 1


def _compression(dataset: Any, message: str) -> str:
    """Say why compressed pixels cannot be had."""
    syntax = UID(str(dataset.file_meta.get("TransferSyntaxUID", "")))
    name = syntax.name if syntax.is_transfer_syntax else "an unknown compression"
    cannot = ("missing dependencies", "12-bit", "No decoder", "not implemented", "No pixel data")
    if any(text in message for text in cannot):
        return f"is compressed as {name}, for which no decoder is installed"
    return f"is compressed as {name} and damaged, or of a kind that its decoder does not know"


def _facts(dataset: Any, options: DecodeOptions) -> Facts:
    """Return what a report says of the file."""
    return Facts(
        height=int(dataset.Rows),
        width=int(dataset.Columns),
        bits=int(dataset.get("BitsStored") or dataset.get("BitsAllocated") or 32),
        modality=_code(dataset, "Modality"),
        patient=pseudonym(str(dataset.get("PatientID") or ""), options.pseudonym_key),
        identity_removed=_code(dataset, "PatientIdentityRemoved"),
        burned_in=_code(dataset, "BurnedInAnnotation"),
        study=pseudonym(str(dataset.get("StudyInstanceUID") or ""), options.pseudonym_key),
        series=pseudonym(str(dataset.get("SeriesInstanceUID") or ""), options.pseudonym_key),
    )


def _code(dataset: Any, name: str) -> str:
    """Return a short code of the header; anything longer is no code and stays out."""
    text = str(dataset.get(name) or "").strip().upper()
    return text if len(text) <= 16 and text.replace("_", "").isalnum() else ""


def _colour(stored: Values, dataset: Any) -> Image:
    """Return an RGB frame with 8 bits per colour."""
    bits = int(dataset.get("BitsStored") or 8)
    shift = max(bits - 8, 0)
    return np.ascontiguousarray((stored >> shift).astype(np.uint8)[..., :3])


def _grey(
    stored: Values, dataset: Any, number: int, grey_window: str
) -> tuple[Image, float, float]:
    """Return a frame of one sample per pixel as an image, with its extreme values."""
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        image = _palette_colours(stored, dataset)
        return image, float(image.min()), float(image.max())
    values = _modality_values(stored, dataset, number)
    low, high = _value_range(stored, values, dataset)
    image = _windowed(stored, values, dataset, number, grey_window, (low, high))
    return (np.invert(image) if _is_inverted(dataset) else image), low, high


def _palette_colours(stored: Values, dataset: Any) -> Image:
    """Return the colours that the palette of a file gives to its pixels.

    Palettes of big-endian files are words in their order, which pydicom 3 does not turn.
    """
    swapped = pydicom.Dataset()
    swapped.update({element.tag: element for element in dataset if "Lookup" in element.keyword})
    for name in (f"{c}PaletteColorLookupTableData" for c in ("Red", "Green", "Blue", "Alpha")):
        words = dataset.get(name)
        if isinstance(words, bytes) and not dataset.original_encoding[1]:
            swapped[name].value = np.frombuffer(words, ">u2").astype("<u2").tobytes()
    swapped.file_meta = dataset.file_meta
    table = apply_color_lut(stored, swapped)[..., :3]
    bits = int(dataset.RedPaletteColorLookupTableDescriptor[2])
    return (table >> max(bits - 8, 0) if table.max(initial=0) > 255 else table).astype(np.uint8)


def _windowed(
    stored: Values,
    values: Values,
    dataset: Any,
    number: int,
    grey_window: str,
    limits: tuple[float, float],
) -> Image:
    """Return values as grey by the chosen window, the file's, or their range."""
    chosen = parse_grey_window(grey_window)
    if chosen is None and grey_window == FROM_FILE:
        if dataset.get("VOILUTSequence"):
            return _by_table(values, dataset)
        chosen = _stored_window(dataset, number)
        if chosen is None and values is stored and _is_plain(dataset, stored):
            return _by_bits(stored, int(dataset.BitsStored))
    return to_grey(values, chosen or range_window(*limits))


def _by_table(values: Values, dataset: Any) -> Image:
    """Return values as grey by the file's VOI look-up table."""
    item = dataset.VOILUTSequence[0]
    top = 2 ** int(item.LUTDescriptor[2]) - 1
    return to_grey(apply_voi(values.astype(np.int64), dataset), range_window(0, top))


def _is_plain(dataset: Any, stored: Values) -> bool:
    """Whether pixels of at most 8 bits are grey values as they stand."""
    return stored.dtype.kind == "u" and 1 <= int(dataset.get("BitsStored") or 0) <= 8


def _by_bits(stored: Values, bits: int) -> Image:
    """Return pixels of at most 8 bits with the largest possible value as white."""
    top = 2**bits - 1
    return np.rint(np.minimum(stored, top) * (255 / top)).astype(np.uint8)


def _modality_values(stored: Values, dataset: Any, number: int) -> Values:
    """Return the frame in the units of its modality; the same array if it has none."""
    if dataset.get("ModalityLUTSequence"):
        return apply_modality_lut(stored, dataset)
    group = _group(dataset, number, "PixelValueTransformationSequence") or dataset
    slope, intercept = (group.get(n) for n in ("RescaleSlope", "RescaleIntercept"))
    slope = 1.0 if slope is None else float(slope)
    intercept = 0.0 if intercept is None else float(intercept)
    if (slope, intercept) == (1.0, 0.0):
        return stored
    return stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def _value_range(stored: Values, values: Values, dataset: Any) -> tuple[float, float]:
    """Return the smallest and largest value, padding around the image left out."""
    padding = dataset.get("PixelPaddingValue")
    if isinstance(padding, int):
        limit = dataset.get("PixelPaddingRangeLimit")
        limit = limit if isinstance(limit, int) else padding
        ends = sorted(_as_stored(value, stored, dataset) for value in (padding, limit))
        inside = values[(stored < ends[0]) | (stored > ends[1])]
        values = inside if inside.size else values
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise UnreadableFile("has pixels that are no numbers (NaN or infinite)")
    return low, high


def _as_stored(value: int, stored: Values, dataset: Any) -> int:
    """Return a padding value with the sign of the pixels, whatever sign it was written with."""
    bits = int(dataset.get("BitsAllocated") or 8 * stored.dtype.itemsize)
    if stored.dtype.kind == "u":
        return value % (1 << bits) if value < 0 else value
    return value - (1 << bits) if value >= 1 << (bits - 1) else value


def _stored_window(dataset: Any, number: int) -> GreyWindow | None:
    """Return the first window that the file has for a frame."""
    group = _group(dataset, number, "FrameVOILUTSequence") or dataset
    centre, width = (_first(group.get(name)) for name in ("WindowCenter", "WindowWidth"))
    function = str(group.get("VOILUTFunction") or "LINEAR").upper()
    if centre is None or width is None or not np.isfinite([centre, width]).all() or width <= 0:
        return None
    if function == "LINEAR" and width < 1:
        return None
    return GreyWindow(centre, width, function if function in FUNCTIONS else "LINEAR")


def _group(dataset: Any, number: int, name: str) -> Any:
    """Return the functional group of a frame: its own, else the shared one, else None."""
    frames = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    for group in (*frames[number : number + 1], *shared[:1]):
        if group.get(name):
            return group.get(name)[0]
    return None


def _first(value: Any) -> float | None:
    """Return a number, the first of several."""
    if value is None or value == "":
        return None
    if isinstance(value, MultiValue | list | tuple):
        return float(value[0]) if len(value) else None
    return float(value)


def _is_inverted(dataset: Any) -> bool:
    """Whether large values are dark."""
    return dataset.get("PhotometricInterpretation") == "MONOCHROME1"
