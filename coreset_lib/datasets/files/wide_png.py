"""PNG files of 16 bits with colour or alpha, which Pillow cuts to 8 bits."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.files.contract import UnreadableFile, check_form

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 4: 2, 6: 4}


def read_wide_png(path: str) -> NDArray[np.uint16] | None:
    """Return the samples of a PNG of 16 bits with colour or alpha; None for any other file.

    Parameters
    ----------
    path : str

    Returns
    -------
    uint16 array, shape (height, width, channels), or None
        Grey and alpha, RGB, or RGB and alpha. None also for interlaced files.

    Raises
    ------
    UnreadableFile
        If it is cut short.

    References
    ----------
    Portable Network Graphics (PNG) Specification, section 9: filters.
    """
    with open(path, "rb") as file:
        head = file.read(33)
        if not head.startswith(_SIGNATURE) or len(head) < 33:
            return None
        width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", head[16:29])
        if bits != 16 or colour not in _CHANNELS or interlaced:
            return None
        check_form(height, width)
        packed = b"".join(_data_chunks(file))
    channels = _CHANNELS[colour]
    stride = 2 * channels * width
    raw = zlib.decompressobj().decompress(packed, height * (stride + 1))
    if len(raw) < height * (stride + 1):
        raise UnreadableFile("is cut short")
    lines = np.frombuffer(raw, np.uint8).reshape(height, stride + 1)
    values = _unfiltered(lines, 2 * channels).view(">u2")
    return values.reshape(height, width, channels).astype(np.uint16)


def _data_chunks(file: Any) -> Iterator[bytes]:
    """Yield the packed pixels."""
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        content = file.read(length)
        file.seek(4, 1)
        if kind == b"IDAT":
            yield content
        if kind == b"IEND":
            return


def _unfiltered(lines: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """Return the bytes of each line from what its filter made of them."""
    out = np.zeros((len(lines), lines.shape[1] - 1), np.uint8)
    above = np.zeros(out.shape[1], np.uint8)
    for number, line in enumerate(lines):
        kind, row = int(line[0]), line[1:].reshape(-1, step)
        if kind == 0:
            out[number] = line[1:]
        elif kind == 1:
            out[number] = np.cumsum(row, axis=0, dtype=np.uint8).ravel()
        elif kind == 2:
            out[number] = line[1:] + above
        elif kind in (3, 4):
            out[number] = _by_pixel(row, above.reshape(-1, step), is_paeth=kind == 4).ravel()
        else:
            raise UnreadableFile("is damaged (filter)")
        above = out[number]
    return out


def _by_pixel(
    row: NDArray[np.uint8], above: NDArray[np.uint8], *, is_paeth: bool
) -> NDArray[np.uint8]:
    """Undo the filters Average and Paeth, which need the pixel to the left."""
    columns = list(zip(row.T.tolist(), above.T.tolist(), strict=True))
    return np.array([_undone(line, up, is_paeth) for line, up in columns], np.uint8).T


def _undone(line: list[int], up: list[int], is_paeth: bool) -> list[int]:
    """Undo a filter for one byte of every pixel of a line."""
    out: list[int] = []
    left = corner = 0
    for value, over in zip(line, up, strict=True):
        if is_paeth:
            near = left + over - corner
            a, b, c = abs(near - left), abs(near - over), abs(near - corner)
            guess = left if a <= b and a <= c else over if b <= c else corner
        else:
            guess = (left + over) // 2
        left, corner = (value + guess) & 255, over
        out.append(left)
    return out
