"""How a DICOM file is told by its first bytes, whatever its name."""

import os

MARK = b"DICM"
MARK_START = 128
HEAD_BYTES = MARK_START + len(MARK)
_VALUE_KINDS = {
    *(b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"OB"),
    *(b"OW", b"PN", b"SH", b"SL", b"SQ", b"SS", b"ST", b"TM", b"UI", b"UL", b"UN", b"US", b"UT"),
}
_FIRST_GROUPS = (2, 8)
_LAST_ELEMENT = 0x0100
_LONGEST_FIRST = 1024


def has_mark(head: bytes) -> bool:
    """Whether the first bytes of a file hold the mark of DICOM."""
    return head[MARK_START:HEAD_BYTES] == MARK


def looks_bare(head: bytes) -> bool:
    """Whether bytes begin as a DICOM dataset without preamble and mark does.

    Its first element is of group 2 or 8, and either names a kind of value or has a short,
    even length.
    """
    for order in ("little", "big"):
        if len(head) < 8 or int.from_bytes(head[:2], order) not in _FIRST_GROUPS:
            continue
        if int.from_bytes(head[2:4], order) > _LAST_ELEMENT:
            continue
        length = int.from_bytes(head[4:8], order)
        is_implicit = order == "little" and length <= _LONGEST_FIRST and length % 2 == 0
        if head[4:6] in _VALUE_KINDS or is_implicit:
            return True
    return False


def first_bytes(path: str) -> bytes:
    """Return the first bytes of an ordinary file; nothing where there are none to be had."""
    try:
        if not os.path.isfile(path):
            return b""  # a pipe would be waited for
        with open(path, "rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""


IMAGE_MARKS = (
    *(b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"GIF8"),
    *(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
)


def has_image_mark(head: bytes) -> bool:
    """Whether bytes begin as PNG, JPEG, BMP, TIFF, GIF, JPEG 2000 or WebP files do."""
    return head.startswith(IMAGE_MARKS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
