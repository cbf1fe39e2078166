"""The door to recording: what a person gives is checked, and a recorder comes back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coreset_lib.cache import default_cache
from coreset_lib.checks import check_choice, check_whole
from coreset_lib.errors import CoresetError
from coreset_lib.recording.figures import plain_name
from coreset_lib.recording.given import GivenSplit, build_dataset
from coreset_lib.recording.recording import Recorder
from coreset_lib.runs.create import create_recorded_run
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.records import Status

MAPS = ("background", "now", "none")


def record(
    title: str,
    *,
    labels: Any,
    epochs: int,
    class_names: Sequence[str] | Mapping[Any, str] | None = None,
    images: Any = None,
    recipe: str = "",
    seed: int = 0,
    cache: str | Path | None = None,
    dataset: str | None = None,
    sample_ids: Sequence[str] | None = None,
    sources: Sequence[str] | None = None,
    patient_ids: Sequence[str] | None = None,
    val_images: Any = None,
    val_labels: Any = None,
    test_images: Any = None,
    test_labels: Any = None,
    umap: str = "background",
) -> Recorder:
    """Return a recorder for a training loop of your own, to be used in a ``with`` block.

    Parameters
    ----------
    title : str
        What you call the training; it names the run on every page.
    labels : integer array or tensor, shape (samples,) or (samples, labels)
        Class numbers of the training samples, or 0 and 1 for any number of labels a sample.
    epochs : int
        Epochs that you will train; ``break`` may end the loop earlier.
    class_names : sequence of str, or mapping from class number to str, optional
    images : array or tensor, optional
        Training images in the order of the labels, shown on the pages and kept with the run;
        see :func:`coreset_lib.recording.given.read_images`.
    recipe : str
        How you train, in your own words; the manifest repeats them.
    seed : int
        Kept in the manifest; decides the map.
    cache : str or Path, optional
        Folder of the runs; ``CORESET_LENS_CACHE`` or ``cache`` if not given.
    dataset : str, optional
        Name of the dataset; the title if not given.
    sample_ids, sources, patient_ids : sequences of str, optional
        Stable names of the samples, where each comes from, pseudonyms of the patients.
    val_images, val_labels, test_images, test_labels : optional
        The other splits, which comparisons on this run need.
    umap : {"background", "now", "none"}
        When the map is made, once the recording has ended.

    Returns
    -------
    Recorder
        The run's directory appears when the ``with`` block begins.

    Raises
    ------
    CoresetError
        If something given does not fit together.
    """
    check_whole("epochs", epochs, least=1, most=100_000)
    check_whole("seed", seed, least=0, most=2**31 - 1)
    check_choice("umap", umap, MAPS)
    if not title.strip():
        raise CoresetError("title must name the training, got nothing. For example: my CNN.")
    given, image_range = build_dataset(
        plain_name(dataset or title),
        dataset or title,
        class_names,
        GivenSplit(
            labels=labels,
            images=images,
            sample_ids=sample_ids,
            sources=sources,
            patient_ids=patient_ids,
        ),
        GivenSplit(labels=val_labels, images=val_images),
        GivenSplit(labels=test_labels, images=test_images),
    )

    def create(status: Status) -> RunPaths:
        return create_recorded_run(
            default_cache() if cache is None else Path(cache),
            given,
            title=title.strip(),
            recipe=recipe,
            epochs=epochs,
            seed=seed,
            status=status,
            image_range=image_range,
        )

    return Recorder(create, given, epochs=epochs, images=images, val_images=val_images, umap=umap)
