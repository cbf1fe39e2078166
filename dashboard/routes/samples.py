"""Names and small pictures of samples, read as the pages read them."""

from collections.abc import Sequence

from coreset_lib.datasets import LabeledImages
from dashboard import reads
from dashboard.routes.served_run import NotThereError, ServedRun
from dashboard.shared.samples.images import picture_of
from dashboard.shared.samples.sample_images import thumbnail

SIDE = 48


def ids_of(run: ServedRun, samples: Sequence[int]) -> list[str]:
    """Return the ids of some samples."""
    table = reads.read_samples(run.version)
    return table["sample_id"].iloc[list(samples)].tolist()


def picture_of_sample(run: ServedRun, sample: int) -> bytes:
    """Return a small picture of a sample as PNG.

    Raises
    ------
    NotThereError
        If the run's images cannot be shown.
    """
    images = reads.load_images(run.version)
    if not isinstance(images, LabeledImages):
        raise NotThereError(images)
    return thumbnail(picture_of(images.train.images, sample), side=SIDE)
