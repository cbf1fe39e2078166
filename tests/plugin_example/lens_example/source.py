"""A dataset source: images with a bright bar, upright or lying, made on the spot."""

import numpy as np

from coreset_lib.datasets.labeled_images import LabeledImages, Split
from coreset_lib.datasets.sources.source import DatasetInfo, Source

SIZES = {"train": 60, "val": 20, "test": 20}


def make_split(part, size, random):
    """Return noise with a bar across the middle."""
    labels = np.arange(SIZES[part]) % 2
    images = random.integers(0, 150, (len(labels), size, size), dtype=np.uint8)
    images[labels == 0, size // 2] = 255
    images[labels == 1, :, size // 2] = 255
    ids = [f"{part}-{number}" for number in range(len(labels))]
    return Split(images, labels.astype(np.int64), ids, [f"bars:{name}" for name in ids])


class BarsSource(Source):
    """One dataset by the name ``bars``, in any size."""

    def names(self):
        return ("bars",)

    def load(self, place, options):
        random = np.random.default_rng(0)
        splits = {part: make_split(part, options.image_size, random) for part in SIZES}
        return LabeledImages(
            name="bars", class_names=("lying", "upright"), title="Bars", is_synthetic=True,
            **splits,
        )  # fmt: skip

    def list_named(self, data_root):
        return [
            DatasetInfo(
                name="bars", title="Bars", task="binary-class", n_classes=2, n_channels=1,
                class_names=("lying", "upright"), split_sizes=tuple(SIZES.values()),
                available_sizes=(28, 64), present_sizes=(28, 64), where="generated",
                is_synthetic=True,
            )
        ]  # fmt: skip


BARS = BarsSource()
