"""Masks and other annotations that lie beside the images that they belong to."""

import os
import re
from collections.abc import Sequence
from typing import Protocol

from coreset_lib.datasets.sources.listing import split_ending

FOLDER_WORDS = {
    *("mask", "masks", "segmentation", "segmentations", "seg", "segs", "segm", "groundtruth"),
    *("groundtruths", "gt", "gts", "annotation", "annotations", "annot", "annots", "contour"),
    *("contours", "label", "labels", "roi", "rois", "overlay", "overlays", "heatmap", "heatmaps"),
    *("outline", "outlines", "maskimages", "lungmasks", "lesionmasks", "segmentationmasks"),
    *("labelstr", "labelsts"),
}
_KINDS = (
    "masks?|maskimage|segmentation|seg|segm|gt|ground[ _-]?truth|labels?|annotations?|annot|"
    "contours?|rois?|overlay|heatmap|outline|bbox|lesion|anno"
)
_AFTER = re.compile(rf"(?P<base>.+?)[ _.\-]+(?:{_KINDS})(?:[ _.\-]*\d+)?", re.IGNORECASE)
_BEFORE = re.compile(rf"(?:{_KINDS})[ _.\-]+(?P<base>.+)", re.IGNORECASE)
_OF_IMAGES = ("", "_image", "_img", "-image", "_orig", "_original", "image")
# What belongs to the image of one sequence in sets of volumes, whose mask names none.
_OF_VOLUMES = ("_0000", "_t1", "_t1ce", "_t1w", "_t2", "_t2w", "_flair", "_ct")


class ClassFile(Protocol):
    """A file with its class, and the folders between its class folder and itself."""

    @property
    def path(self) -> str:
        """Where it lies."""
        ...

    @property
    def part(self) -> str:
        """Its split."""
        ...

    @property
    def label(self) -> str:
        """Its class."""
        ...

    @property
    def inner(self) -> str:
        """Folders inside the class folder, joined by a slash."""
        ...


def is_annotation_folder(name: str) -> bool:
    """Whether a folder is named as those that hold masks."""
    return "".join(letter for letter in name.lower() if letter.isalpha()) in FOLDER_WORDS


def annotated_stems(stem: str) -> list[str]:
    """Return the names, without ending, that the image of an annotation may have; none otherwise.

    Parameters
    ----------
    stem : str
        Name of a file without its ending, for example ``case 7_mask`` or ``mask_7``.
    """
    found = [match["base"] for p in (_AFTER, _BEFORE) if (match := p.fullmatch(stem))]
    return [f"{base}{end}".lower() for base in found for end in (*_OF_IMAGES, *_OF_VOLUMES)]


def find_annotations(files: Sequence[ClassFile]) -> list[bool]:
    """Return for each file whether it annotates another one of its class and split.

    Parameters
    ----------
    files : sequence of files
        A file counts if its name is that of another image with a word such as ``_mask``, or
        if it lies in a folder named as masks are while its class has other images.
    """
    images: dict[tuple[str, str], set[str]] = {}
    in_folder = [any(map(is_annotation_folder, file.inner.split("/"))) for file in files]
    for file, is_inside in zip(files, in_folder, strict=True):
        if not is_inside:
            images.setdefault((file.part, file.label), set()).add(_stem(file))
    return [
        bool(stems := images.get((file.part, file.label), set()))
        and (is_inside or not stems.isdisjoint(annotated_stems(_stem(file))))
        for file, is_inside in zip(files, in_folder, strict=True)
    ]


def annotation_concerns(files: Sequence[ClassFile]) -> list[str]:
    """Say which files were left out as annotations."""
    if not files:
        return []
    count = len(files)
    subject = "1 file looks" if count == 1 else f"{count} files look"
    verb = "it was" if count == 1 else "they were"
    return [
        f"{subject} like masks or other annotations of images beside them: {verb} left out, "
        f"for example {os.path.basename(files[0].path)}."
    ]


def _stem(file: ClassFile) -> str:
    """Return the name of a file without its ending, small letters."""
    return split_ending(os.path.basename(file.path))[0].lower()
