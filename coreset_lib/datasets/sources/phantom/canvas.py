"""Drawing primitives for synthetic slices: a stack of small images painted at once.

Only additions, products, divisions and square roots touch pixels (no exponentials, no
matrix products), so every machine draws the same bits from the same random numbers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


@dataclass
class Canvas:
    """A stack of images and the coordinates of their pixels.

    Attributes
    ----------
    image : float32 array, shape (samples, size, size)
        Brightness, 0 = air to 1 = dense bone.
    x, y : float32 array, shape (samples, size, size)
        Coordinates of each pixel in the frame of the organ, where the patch spans about
        [-1, 1]; rotated, scaled, shifted and warped sample by sample. y points down.
    rng : Generator
        Source of all random numbers of the stack.
    """

    image: Plane
    x: Plane
    y: Plane
    rng: np.random.Generator

    @property
    def n_samples(self) -> int:
        """Number of images in the stack."""
        return len(self.image)

    @property
    def pixel(self) -> float:
        """Width of a pixel in coordinates of the patch."""
        return 2 / self.image.shape[-1]

    def draw(self, low: float, high: float) -> Plane:
        """Return one uniform number per sample, shape (samples, 1, 1)."""
        return uniform(self.rng, self.n_samples, low, high)

    def chance(self, share: float) -> Plane:
        """Return 1 for about ``share`` of the samples and 0 for the others."""
        return (self.draw(0, 1) < share).astype(np.float32)

    def texture(self, cells: int) -> Plane:
        """Return smooth noise in about [-1, 1] with ``cells`` control points a side."""
        return smooth_noise(self.rng, self.n_samples, self.image.shape[-1], cells)

    def ellipse(
        self,
        centre: tuple[Plane | float, Plane | float],
        radii: tuple[Plane | float, Plane | float],
        *,
        softness: float = 0.06,
    ) -> Plane:
        """Return a mask in [0, 1]: 1 inside an upright ellipse, with a soft edge."""
        across = (self.x - centre[0]) / radii[0]
        down = (self.y - centre[1]) / radii[1]
        inside = 1 - np.sqrt(across * across + down * down)
        shorter: Plane = np.minimum(radii[0], radii[1], dtype=np.float32)
        return step(inside * shorter, softness + self.pixel)

    def segment(
        self, start: tuple[Plane, Plane], end: tuple[Plane, Plane], *, width: float
    ) -> Plane:
        """Return a mask of a straight tube that tapers to a third of ``width``."""
        along_x, along_y = end[0] - start[0], end[1] - start[1]
        length = along_x * along_x + along_y * along_y + np.float32(1e-6)
        from_x, from_y = self.x - start[0], self.y - start[1]
        share = np.clip((from_x * along_x + from_y * along_y) / length, 0, 1)
        off_x, off_y = from_x - share * along_x, from_y - share * along_y
        radius = np.float32(width) * (1 - np.float32(0.66) * share)
        return step(radius - np.sqrt(off_x * off_x + off_y * off_y), 0.02 + self.pixel / 2)

    def paint(self, mask: Plane, value: Plane | float) -> None:
        """Blend ``value`` over the image where the mask is."""
        self.image += mask * (value - self.image)


def uniform(rng: np.random.Generator, n_samples: int, low: float, high: float) -> Plane:
    """Return float32 numbers in [low, high), shape (samples, 1, 1)."""
    values = rng.random(n_samples) * (high - low) + low
    return values.astype(np.float32)[:, None, None]


def step(depth: Plane, width: float) -> Plane:
    """Return 0 below -width, 1 above width, and a smooth cubic in between."""
    t = np.clip(depth * np.float32(0.5 / width) + np.float32(0.5), 0, 1)
    return t * t * (3 - 2 * t)


def smooth_noise(rng: np.random.Generator, n_samples: int, size: int, cells: int) -> Plane:
    """Return smoothly interpolated random grids, shape (samples, size, size)."""
    grid = rng.random((n_samples, cells, cells)).astype(np.float32) * 2 - 1
    place = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / size * (cells - 1)
    left = np.minimum(place.astype(np.int64), cells - 2)
    share = place - left.astype(np.float32)
    share = share * share * (3 - 2 * share)
    rows = _between(grid, left, share[:, None], axis=1)
    return _between(rows, left, share, axis=2)


def _between(grid: Plane, left: NDArray[np.int64], share: Plane, *, axis: int) -> Plane:
    """Interpolate along one axis between neighbours ``left`` and ``left + 1``."""
    low, high = np.take(grid, left, axis=axis), np.take(grid, left + 1, axis=axis)
    return low + share * (high - low)


def blur(image: Plane) -> Plane:
    """Return the image smoothed by the 3 x 3 binomial filter, edges repeated."""
    quarter, half = np.float32(0.25), np.float32(0.5)
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = (padded[:, :-2] + padded[:, 2:]) * quarter + padded[:, 1:-1] * half
    return (rows[:, :, :-2] + rows[:, :, 2:]) * quarter + rows[:, :, 1:-1] * half


def posed_canvas(
    rng: np.random.Generator,
    n_samples: int,
    size: int,
    *,
    rotation: float = 0.35,
    shift: float = 0.18,
    warp: float = 0.1,
) -> Canvas:
    """Return an empty stack whose organ frames differ in pose and are bent a little.

    Parameters
    ----------
    rotation : float
        Largest rotation in radians, either way.
    shift : float
        Largest shift of the centre in units of half the patch.
    warp : float
        Largest displacement of the bending field in the same units.
    """
    axis = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / size) - 1
    scale = uniform(rng, n_samples, 0.8, 1.3)
    x = (axis[None, None, :] - uniform(rng, n_samples, -shift, shift)) * scale
    y = (axis[None, :, None] - uniform(rng, n_samples, -shift, shift)) * scale
    angle = rng.uniform(-rotation, rotation, n_samples)[:, None, None]
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    amount = np.float32(warp)
    return Canvas(
        image=np.zeros((n_samples, size, size), np.float32),
        x=cos * x + sin * y + amount * smooth_noise(rng, n_samples, size, 4),
        y=cos * y - sin * x + amount * smooth_noise(rng, n_samples, size, 4),
        rng=rng,
    )
