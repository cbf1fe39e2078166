"""A user's file of arrays as a source."""

from pathlib import Path

from coreset_lib.datasets.labeled_images import MULTI_LABEL, LabeledImages
from coreset_lib.datasets.sources.npz.file import NpzSummary, load_npz, summarise_npz
from coreset_lib.datasets.sources.source import (
    DEFAULT_SIZE,
    DatasetInfo,
    ReadingOptions,
    Source,
)
from coreset_lib.errors import DatasetError


class NpzSource(Source):
    """Files of arrays as MedMNIST's; images keep the size that they have."""

    suffixes = (".npz",)
    may_leave_out_suffix = True
    scales_images = False

    def load(self, place: str | Path, options: ReadingOptions) -> LabeledImages:
        """Read the file."""
        dataset = load_npz(Path(place), grey_window=options.grey_window)
        check_size(place, dataset, options.image_size)
        return dataset

    def summarise(self, path: Path) -> DatasetInfo:
        """Return the line of a file, its labels and headers read."""
        try:
            summary = summarise_npz(path)
        except DatasetError as error:
            return DatasetInfo(name=path.stem, title=path.name, where=str(path), problem=str(error))
        names = summary.class_names[:-1] if summary.is_multi_label else summary.class_names
        sizes = summary.image_size[:1]
        return DatasetInfo(
            name=path.stem,
            title=path.name,
            task=_task(summary),
            n_classes=len(names),
            class_names=names,
            n_channels=summary.n_channels,
            is_volumetric=summary.depth > 0,
            is_wide=summary.is_wide,
            split_sizes=summary.split_sizes,
            available_sizes=sizes,
            present_sizes=sizes,
            where=str(path),
        )


NPZ = NpzSource()


def check_size(place: str | Path, dataset: LabeledImages, image_size: int) -> None:
    """Refuse a size that a file does not have; the default stands for that of the file."""
    if image_size != DEFAULT_SIZE and dataset.image_size != (image_size, image_size):
        raise DatasetError(
            f"image size must be that of the file for {place}, got {image_size}. "
            f"Its images have {dataset.form_text}; leave the image size out."
        )


def _task(summary: NpzSummary) -> str:
    """Name the task of a file as MedMNIST does."""
    if summary.is_multi_label:
        return MULTI_LABEL
    return "binary-class" if len(summary.class_names) == 2 else "multi-class"
