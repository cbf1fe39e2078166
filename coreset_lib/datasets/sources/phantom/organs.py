"""Eight synthetic organ-like scenes, three subtypes each, painted on a stack of images.

Brightness follows a soft-tissue window: air 0, lung 0.1, fat 0.3, fluid 0.43, muscle and
native organs 0.5 to 0.6, with contrast medium up to 0.8, cortical bone 0.95.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.sources.phantom.canvas import Canvas, Plane, step

Subtype = NDArray[np.float32]
Scene = Callable[[Canvas, Subtype], None]

FAT, FLUID, MUSCLE, BONE = 0.3, 0.43, 0.52, 0.95


def _is(subtype: Subtype, number: int) -> Plane:
    """Return 1 where a sample is of this subtype, else 0; shape (samples, 1, 1)."""
    return (subtype == number).astype(np.float32)


def _paint_abdomen(c: Canvas) -> None:
    """Paint fat with islands of muscle or bowel, now and then gas and a rib."""
    c.image += FAT + 0.03 * c.texture(6)
    islands = step(c.texture(4) - c.draw(-0.2, 0.3), 0.15)
    c.paint(islands, c.draw(0.44, 0.58))
    gas = c.ellipse((c.draw(-1, 1), c.draw(-1.1, -0.7)), (c.draw(0.15, 0.4), 0.25))
    c.paint(gas * c.chance(0.35), 0.02)
    rib = c.ellipse((c.draw(-1.05, 1.05), c.draw(0.75, 1.1)), (0.22, 0.13))
    c.paint(rib * c.chance(0.5), c.draw(0.8, 1))


def _paint_thorax(c: Canvas) -> None:
    """Paint aerated lung with vessels, and chest wall at one side."""
    c.image += 0.1 + 0.03 * c.texture(9)
    c.paint(_vessels(c, 5, width=0.07), c.draw(0.25, 0.5))
    wall = step(c.y * c.draw(0.6, 1) + c.x * c.draw(-0.5, 0.5) - c.draw(0.75, 1), 0.08)
    c.paint(wall, MUSCLE)


def _vessels(c: Canvas, count: int, *, width: float) -> Plane:
    """Return a mask of tubes from one stem, each with a side branch."""
    stem = c.draw(-0.7, 0.7), c.draw(-0.5, 0.7)
    tree = np.zeros_like(c.image)
    for _ in range(count):
        end = c.draw(-1.2, 1.2), c.draw(-1.2, 1.2)
        share = c.draw(0.3, 0.7)
        fork = stem[0] + share * (end[0] - stem[0]), stem[1] + share * (end[1] - stem[1])
        tip = fork[0] + c.draw(-0.5, 0.5), fork[1] + c.draw(-0.5, 0.5)
        tree = np.maximum(tree, c.segment(stem, end, width=width))
        tree = np.maximum(tree, c.segment(fork, tip, width=0.6 * width))
    return tree


def _liver(c: Canvas, subtype: Subtype) -> None:
    """Paint a large wedge with vessels; subtypes: native, portal venous, with lesions."""
    _paint_abdomen(c)
    body = c.ellipse((-0.05, 0), (c.draw(0.55, 0.95), c.draw(0.6, 0.85)))
    body *= 1 - c.ellipse((c.draw(0.5, 0.9), c.draw(0.5, 0.9)), (0.6, c.draw(0.4, 0.65)))
    tissue = c.draw(0.53, 0.62) + 0.08 * _is(subtype, 1) + 0.02 * c.texture(8)
    c.paint(body, tissue)
    vessels = _vessels(c, 3, width=0.08) * body
    c.paint(vessels, tissue - 0.07 + 0.16 * _is(subtype, 1))
    for _ in range(2):
        lesion = c.ellipse((c.draw(-0.5, 0.3), c.draw(-0.4, 0.3)), (c.draw(0.1, 0.22), 0.15))
        c.paint(lesion * body * _is(subtype, 2), tissue - 0.15)


def _spleen(c: Canvas, subtype: Subtype) -> None:
    """Paint a crescent like the liver in grey; subtypes: even, mottled, with a nodule."""
    _paint_abdomen(c)
    body = c.ellipse((0.1, 0), (c.draw(0.45, 0.75), c.draw(0.6, 0.85)))
    body *= 1 - c.ellipse((c.draw(-0.75, -0.45), c.draw(-0.3, 0.3)), (0.5, c.draw(0.4, 0.7)))
    tissue = c.draw(0.53, 0.66) + 0.02 * c.texture(8)
    tissue += 0.13 * c.texture(6) * _is(subtype, 1)
    c.paint(body, tissue)
    nodule = c.ellipse((c.draw(-0.6, -0.3), c.draw(-0.5, 0.6)), (0.16, 0.16))
    c.paint(nodule * _is(subtype, 2), tissue)


def _kidney(c: Canvas, subtype: Subtype, side: float) -> None:
    """Paint a bean whose notch faces ``side``; subtypes: even, bright cortex, with a cyst."""
    _paint_abdomen(c)
    width, height = c.draw(0.42, 0.6), c.draw(0.6, 0.8)
    body = c.ellipse((0, 0), (width, height))
    notch = c.ellipse((side * c.draw(0.5, 0.75), c.draw(-0.15, 0.15)), (0.22, 0.2))
    body *= 1 - notch
    cortex = c.draw(0.58, 0.72) + 0.1 * _is(subtype, 1)
    c.paint(body, cortex)
    core = c.ellipse((side * 0.08, 0), (width * 0.6, height * 0.65))
    c.paint(core * _is(subtype, 1), cortex - 0.2)
    sinus = c.ellipse((side * c.draw(0.05, 0.3), c.draw(-0.1, 0.1)), (0.2, c.draw(0.15, 0.3)))
    c.paint(sinus, FAT + 0.05)
    cyst = c.ellipse((c.draw(-0.4, 0.4), c.draw(-0.7, 0.7)), (c.draw(0.18, 0.3), 0.24))
    c.paint(cyst * _is(subtype, 2), FLUID - 0.03)


def _left_kidney(c: Canvas, subtype: Subtype) -> None:
    """Paint a kidney whose notch faces left in the image, as radiologists see it."""
    _kidney(c, subtype, -1)


def _right_kidney(c: Canvas, subtype: Subtype) -> None:
    """Paint a kidney whose notch faces right in the image."""
    _kidney(c, subtype, 1)


def _lung(c: Canvas, subtype: Subtype) -> None:
    """Paint lung with vessels; subtypes: normal, overinflated, with a consolidation."""
    _paint_thorax(c)
    c.paint(np.broadcast_to(0.8 * _is(subtype, 1), c.image.shape), 0.05)
    edge = step(c.x * c.draw(-1, 1) - c.draw(0.5, 0.9), 0.1)
    c.paint(edge, MUSCLE)
    dense = c.ellipse(
        (c.draw(-0.6, 0.6), c.draw(-0.6, 0.6)), (c.draw(0.3, 0.6), c.draw(0.3, 0.5)), softness=0.15
    )
    c.paint(dense * _is(subtype, 2), c.draw(0.4, 0.6) + 0.06 * c.texture(8))


def _heart(c: Canvas, subtype: Subtype) -> None:
    """Paint a heart in lung; subtypes: native, both chambers bright, one chamber bright."""
    _paint_thorax(c)
    c.paint(c.ellipse((0, 0), (c.draw(0.6, 0.9), c.draw(0.55, 0.8))), FAT + 0.05)
    c.paint(c.ellipse((0, 0), (c.draw(0.5, 0.7), c.draw(0.45, 0.65))), c.draw(0.5, 0.58))
    bright = c.draw(0.08, 0.25)
    right = c.ellipse((-0.25, c.draw(-0.15, 0.1)), (c.draw(0.15, 0.25), c.draw(0.2, 0.35)))
    left = c.ellipse((0.25, c.draw(-0.1, 0.15)), (c.draw(0.15, 0.25), c.draw(0.2, 0.35)))
    c.image += right * bright * _is(subtype, 1)
    c.image += left * bright * (1 - _is(subtype, 0))


def _bladder(c: Canvas, subtype: Subtype) -> None:
    """Paint a fluid sac with a wall; subtypes: full, layered contrast, thick-walled."""
    _paint_abdomen(c)
    for side in (-1, 1):
        bone = c.ellipse((side * c.draw(0.95, 1.3), c.draw(-0.2, 0.5)), (0.25, 0.35))
        c.paint(bone * c.chance(0.6), c.draw(0.75, 0.95))
    width, height = c.draw(0.45, 0.75), c.draw(0.4, 0.65)
    c.paint(c.ellipse((0, 0), (width, height)), c.draw(0.52, 0.62))
    wall = c.draw(0.05, 0.1) + 0.14 * _is(subtype, 2)
    inside = c.ellipse((0, 0), (width - wall, height - wall))
    c.paint(inside, c.draw(0.4, 0.5))
    level = step(c.y - c.draw(-0.1, 0.25), 0.06)
    c.paint(inside * level * _is(subtype, 1), c.draw(0.65, 0.85))


def _vertebra(c: Canvas, subtype: Subtype) -> None:
    """Paint a bony ring with canal and processes; subtypes: normal, thinned, dense."""
    _paint_abdomen(c)
    c.paint(c.ellipse((0, c.draw(0.3, 0.5)), (0.95, 0.5)), MUSCLE)
    for place, radii in (((-0.45, 0.4), (0.35, 0.1)), ((0.45, 0.4), (0.35, 0.1))):
        c.paint(c.ellipse(place, radii), c.draw(0.75, 0.95))
    c.paint(c.ellipse((0, 0.72), (0.1, 0.3)), c.draw(0.75, 0.95))
    width, height = c.draw(0.4, 0.6), c.draw(0.32, 0.45)
    c.paint(c.ellipse((0, -0.15), (width, height)), c.draw(0.7, 0.95))
    spongy = 0.62 - 0.14 * _is(subtype, 1) + 0.2 * _is(subtype, 2) + 0.08 * c.texture(10)
    c.paint(c.ellipse((0, -0.15), (width - 0.12, height - 0.12)), spongy)
    c.paint(c.ellipse((0, c.draw(0.34, 0.44)), (0.2, 0.15)), FLUID)


SCENES: dict[str, Scene] = {
    "liver-like": _liver,
    "spleen-like": _spleen,
    "left-kidney-like": _left_kidney,
    "right-kidney-like": _right_kidney,
    "lung-like": _lung,
    "heart-like": _heart,
    "bladder-like": _bladder,
    "vertebra-like": _vertebra,
}
