"""How many made copies the search for near copies finds, and how many other images it names.

    python benchmarks/near_copies.py --data-root DIR

For the phantom, which holds no image twice, and for every ``.npz`` file and image folder of the
data root: of each kind of change 100 images get a changed copy (of a small set some at a time), all
are put beside the set, and the search runs. Reported are the share of the copies that ends in one
group with its original, the images of the set itself that the search names (of real sets some
are copies). Counts only, no times.
"""

import argparse
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measuring import parser, publish
from numpy.typing import NDArray
from PIL import Image

from coreset_lib.datasets import LabeledImages, PhantomOptions, load_dataset, make_phantom
from coreset_lib.datasets.checking.near_copies import (
    find_near_copies,
    first_of_equals,
    groups_of,
)
from coreset_lib.seeds import stream

Picture = NDArray[np.uint8]
MOST_COPIES = 100
FEWEST_IMAGES = 200
SEED = 0
CUT = 0.05


def main() -> None:
    made = parser("Measure the search for near copies")
    made.add_argument("--data-root", type=Path)
    made.add_argument("--sets", help="only these, with commas")
    arguments = made.parse_args()
    results = {}
    for name, load in sets_of(arguments).items():
        if arguments.sets is None or name in arguments.sets.split(","):
            dataset = load()
            if sum(map(len, (dataset.train, dataset.val, dataset.test))) >= FEWEST_IMAGES:
                results[name] = measure(dataset)
                print(name, results[name], flush=True)
    publish("near_copies", {"seed": SEED, "sets": results}, folder=arguments.out)


def sets_of(arguments: argparse.Namespace) -> dict[str, Callable[[], LabeledImages]]:
    """Return how each set is loaded."""
    found: dict[str, Callable[[], LabeledImages]] = {
        "phantom": lambda: make_phantom(PhantomOptions(n_train=4000, n_val=16, n_test=16))
    }
    if arguments.data_root is None:
        return found
    places = sorted(arguments.data_root.iterdir())
    for place in places:
        is_folder = place.is_dir() and any(below.is_dir() for below in place.iterdir())
        if place.suffix == ".npz" or is_folder:
            found[place.stem] = lambda place=place: load_dataset(place, skip_bad=True)
    return found


def measure(dataset: LabeledImages) -> dict[str, Any]:
    """Return recalls on made copies, and what else the search names."""
    splits = (dataset.train, dataset.val, dataset.test)
    images = np.concatenate([np.asarray(split.images) for split in splits])
    rng = stream(SEED, "made copies")
    per_change = min(MOST_COPIES, len(images) // (2 * len(CHANGES)))
    n_rounds = math.ceil(MOST_COPIES / per_change)
    found = np.concatenate([find_made(images, per_change, rng) for _ in range(n_rounds)], axis=1)
    alone, exact = groups_of(find_near_copies(images), len(images)), first_of_equals(images)
    firsts = np.arange(len(images))
    return {
        "images": len(images),
        "copies_of_each_change": per_change * n_rounds,
        "recall": {name: float(share) for name, share in zip(CHANGES, found.mean(1), strict=True)},
        "images_with_an_earlier_exact_copy": int((exact != firsts).sum()),
        "images_with_an_earlier_near_copy": int(((alone != firsts) & (exact == firsts)).sum()),
    }


def find_made(images: Picture, per_change: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which copies of images, made and put beside them, are found, (changes, copies)."""
    chosen = rng.permutation(len(images))[: per_change * len(CHANGES)].reshape(len(CHANGES), -1)
    copies = [
        change(images[row], rng)
        for change, rows in zip(CHANGES.values(), chosen, strict=True)
        for row in rows
    ]
    everything = np.concatenate([images, np.array(copies)])
    together = groups_of(find_near_copies(everything), len(everything))
    places = len(images) + np.arange(chosen.size)
    return (together[chosen.ravel()] == together[places]).reshape(chosen.shape)


def _compressed(quality: int) -> Callable[[Picture, np.random.Generator], Picture]:
    def change(image: Picture, rng: np.random.Generator) -> Picture:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=quality)
        return np.asarray(Image.open(buffer))

    return change


def _rescaled(factor: float) -> Callable[[Picture, np.random.Generator], Picture]:
    def change(image: Picture, rng: np.random.Generator) -> Picture:
        height, width = image.shape[:2]
        other = (round(width * factor), round(height * factor))
        picture = Image.fromarray(image).resize(other, Image.Resampling.BICUBIC)
        return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))

    return change


def _cut_anywhere(image: Picture, rng: np.random.Generator) -> Picture:
    return _cut(image, rng.uniform(0, CUT), rng.uniform(0, CUT), 1 - CUT)


def _cut_all_round(image: Picture, rng: np.random.Generator) -> Picture:
    return _cut(image, CUT, CUT, 1 - 2 * CUT)


def _cut(image: Picture, left: float, top: float, kept: float) -> Picture:
    """Return a part of an image at full size."""
    height, width = image.shape[:2]
    box = (left * width, top * height, (left + kept) * width, (top + kept) * height)
    picture = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC, box=box)
    return np.asarray(picture)


def _turned(quarters: int, *, is_mirrored: bool = False) -> Callable[..., Picture]:
    def change(image: Picture, rng: np.random.Generator) -> Picture:
        return np.rot90(image[:, ::-1] if is_mirrored else image, quarters)

    return change


CHANGES: dict[str, Callable[[Picture, np.random.Generator], Picture]] = {
    "JPEG, quality 90": _compressed(90),
    "JPEG, quality 75": _compressed(75),
    "made smaller by 20 % and back": _rescaled(0.8),
    "made larger by 50 % and back": _rescaled(1.5),
    "brightened": lambda image, rng: np.clip(image * 1.2 + 10, 0, 255).astype(np.uint8),
    "darkened": lambda image, rng: (image * 0.7).astype(np.uint8),
    "cut by 5 %, anywhere": _cut_anywhere,
    "cut by 5 % at each edge": _cut_all_round,
    "mirrored": _turned(0, is_mirrored=True),
    "turned by 90": _turned(1),
    "turned by 180": _turned(2),
    "turned by 270": _turned(3),
}


if __name__ == "__main__":
    main()
