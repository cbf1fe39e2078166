"""The embedded dataset as a source."""

from pathlib import Path

from coreset_lib.configs import IMAGE_SIZES
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.datasets.sources.phantom import phantom
from coreset_lib.datasets.sources.source import DatasetInfo, ReadingOptions, Source

NAME = "phantom"


class PhantomSource(Source):
    """Slices made by a generator, in the size that is asked for."""

    def names(self) -> tuple[str, ...]:
        """Return its one name."""
        return (NAME,)

    def load(self, place: str | Path, options: ReadingOptions) -> LabeledImages:
        """Make the slices."""
        return phantom.make_phantom(phantom.PhantomOptions(image_size=options.image_size))

    def list_named(self, data_root: Path | None) -> list[DatasetInfo]:
        """Return its line."""
        defaults = phantom.PhantomOptions()
        return [
            DatasetInfo(
                name=NAME,
                title=phantom.TITLE,
                task="multi-class",
                n_classes=len(phantom.CLASS_NAMES),
                class_names=phantom.CLASS_NAMES,
                n_channels=1,
                split_sizes=(defaults.n_train, defaults.n_val, defaults.n_test),
                available_sizes=IMAGE_SIZES,
                present_sizes=IMAGE_SIZES,
                licence=phantom.LICENCE,
                where="generated",
                is_synthetic=True,
                has_sides=True,
            )
        ]


PHANTOM = PhantomSource()
