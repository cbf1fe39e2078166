"""Pixels that decoders get wrong: wide with alpha, padding of another sign, turned palettes."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian

from coreset_lib.datasets import dataset_report, load_dataset
from coreset_lib.datasets.files.contract import DecodeOptions
from coreset_lib.datasets.files.decoding import decode_file

Write = Callable[..., Path]
OPTIONS = DecodeOptions(image_size=28)


def png_16(values: Any, colour: int, kind: int) -> bytes:
    """Return a PNG of 16 bits whose lines all have one filter, written by the specification."""
    height, width, channels = values.shape
    raw = values.astype(">u2").tobytes()
    stride, step = width * channels * 2, channels * 2
    lines = [raw[n * stride : (n + 1) * stride] for n in range(height)]
    packed, above = b"", bytes(stride)
    for line in lines:
        guesses = []
        for place in range(stride):
            left = line[place - step] if place >= step else 0
            corner = above[place - step] if place >= step else 0
            over = above[place]
            near = left + over - corner
            paeth = min(
                (abs(near - value), rank, value) for rank, value in enumerate((left, over, corner))
            )[2]
            guesses.append((0, left, over, (left + over) // 2, paeth)[kind])
        packed += bytes([kind]) + bytes((v - g) & 255 for v, g in zip(line, guesses, strict=True))
        above = line

    def chunk(name: bytes, content: bytes) -> bytes:
        mark = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + mark

    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(packed))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize(("colour", "channels"), [(4, 2), (2, 3), (6, 4)])
def test_wide_pixels_keep_their_values(
    tmp_path: Path, kind: int, colour: int, channels: int
) -> None:
    grey = np.random.default_rng(kind).integers(1000, 4744, (28, 28, 1))
    values = np.repeat(grey, channels, axis=2)
    if channels in (2, 4):
        values[..., -1] = 65535
    (tmp_path / "wide.png").write_bytes(png_16(values, colour, kind))
    ((image, facts),) = decode_file(str(tmp_path / "wide.png"), OPTIONS)
    low, high = grey.min(), grey.max()
    assert (facts.bits, facts.low, facts.high) == (16, low, high)
    expected = np.rint((grey[..., 0] - low) / (high - low) * 255)
    assert np.abs(image - expected).max() <= 1


def test_padding_of_the_other_sign_is_padding(tmp_path: Path, write_dicom: Write) -> None:
    pixels = np.random.default_rng(0).integers(-100, 400, (28, 28)).astype("i2")
    pixels[:4] = -2000
    images = []
    for padding in (-2000, 65536 - 2000):
        path = write_dicom(tmp_path / f"{padding}.dcm", pixels)
        _add_padding(path, padding)
        ((image, facts),) = decode_file(str(path), OPTIONS)
        assert facts.low == pixels[4:].min()
        images.append(image)
    np.testing.assert_array_equal(*images)


def _add_padding(path: Path, value: int) -> None:
    dataset = pydicom.dcmread(path)
    dataset.add_new("PixelPaddingValue", "SS" if value < 0 else "US", value)
    dataset.save_as(path)


def test_a_palette_of_a_big_endian_file_is_turned(tmp_path: Path, write_dicom: Write) -> None:
    pixels = np.arange(28 * 28, dtype=np.uint8).reshape(28, 28)
    table = (np.arange(256) * 256).astype(">u2")
    path = write_dicom(tmp_path / "big.dcm", pixels, PhotometricInterpretation="PALETTE COLOR")
    dataset = pydicom.dcmread(path)
    for colour in ("Red", "Green", "Blue"):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        dataset.add_new(f"{colour}PaletteColorLookupTableData", "OW", table.tobytes())
    turned = pydicom.Dataset()
    turned.update({element.tag: element for element in dataset})
    turned.file_meta = dataset.file_meta
    turned.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    turned["PixelData"].VR = "OB"
    turned.save_as(path, enforce_file_format=True)
    ((image, _),) = decode_file(str(path), OPTIONS)
    np.testing.assert_array_equal(image, pixels)


def test_a_window_that_hides_everything_is_the_cause(data_root: Path, write_dicom: Write) -> None:
    random = np.random.default_rng(0)
    for number in range(40):
        write_dicom(
            data_root / "ab"[number % 2] / f"{number}.dcm",
            random.integers(12500, 22700, (28, 28)).astype("u2"),
            WindowCenter=3174,
            WindowWidth=2426,
            PatientID=f"P{number}",
        )
    warnings = "\n".join(dataset_report(load_dataset(data_root)).warnings)
    assert "The grey window makes 40 of 40 images white" in warnings
    assert "--grey-window range" in warnings
