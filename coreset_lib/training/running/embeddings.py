"""The embeddings that a training leaves: a few snapshots, the early one chosen, the last."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.atomic import write_array, write_json
from coreset_lib.datasets.labeled_images import LabeledImages, is_volume
from coreset_lib.datasets.pixels import pixel_components
from coreset_lib.features.snapshots import (
    EarlyChoice,
    Snapshot,
    choose_early,
    compact,
    snapshot_epochs,
)
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.reading import open_array
from coreset_lib.training.loop import Trainer, embed

SCHEMA_VERSION = 1
NO_SNAPSHOT = "no early snapshot was kept: the training was begun by a former version"


def take_snapshot(trainer: Trainer, epoch: int) -> Snapshot | None:
    """Embed both splits if the embedding after this epoch (1-based) is to be kept."""
    if epoch not in snapshot_epochs(trainer.config.epochs):
        return None
    found = embed(trainer.network, trainer.train).numpy()
    return compact(found, embed(trainer.network, trainer.val).numpy())


def save_snapshot(paths: RunPaths, epoch: int, snapshot: Snapshot) -> None:
    """Keep a snapshot with the run."""
    paths.snapshots.mkdir(exist_ok=True)
    write_array(paths.val_snapshot(epoch), snapshot.val)
    write_array(paths.snapshot(epoch), snapshot.train)


def write_embeddings(
    paths: RunPaths, trainer: Trainer, dataset: LabeledImages
) -> NDArray[np.float32]:
    """Write every embedding of a training that is at its end, and return the default one.

    The default is the early one; see :func:`coreset_lib.features.snapshots.choose_early`.

    Returns
    -------
    float32 array, shape (samples, features)
    """
    final = embed(trainer.network, trainer.train).numpy().astype(np.float32)
    write_array(paths.val_embedding, embed(trainer.network, trainer.val).numpy())
    write_array(paths.val_labels, np.asarray(dataset.val.labels, dtype=np.int64))
    if dataset.val.multi_hot is not None:
        write_array(paths.val_multi_hot, dataset.val.multi_hot)
    write_array(paths.embedding_of("final"), final)
    _write_pixels(paths, dataset)
    chosen = _choose(paths, trainer.config.epochs, dataset)
    if chosen is None:
        return _write_default(paths, final, {"kind": "final", "why": NO_SNAPSHOT})
    early = np.array(open_array(paths.snapshot(chosen.epoch)), dtype=np.float32)
    write_array(paths.embedding_of("early"), early)
    return _write_default(paths, early, {"kind": "early", **_as_record(chosen)})


def _write_pixels(paths: RunPaths, dataset: LabeledImages) -> None:
    """Write the principal components of the images."""
    images = dataset.train.images
    has_colours = images.ndim == 4 and not is_volume(images)
    write_array(paths.embedding_of("pixels"), pixel_components(images, has_colours=has_colours))


def _choose(paths: RunPaths, n_epochs: int, dataset: LabeledImages) -> EarlyChoice | None:
    """Choose among the snapshots that are there; None without any of finite numbers."""
    snapshots: dict[int, Snapshot] = {}
    for epoch in snapshot_epochs(n_epochs):
        train, val = paths.snapshot(epoch), paths.val_snapshot(epoch)
        if train.exists() and val.exists():
            found = Snapshot(open_array(train), open_array(val))
            if np.isfinite(found.train).all() and np.isfinite(found.val).all():
                snapshots[epoch] = found
    if not snapshots:
        return None
    return choose_early(
        snapshots,
        np.asarray(dataset.train.labels, dtype=np.int64),
        np.asarray(dataset.val.labels, dtype=np.int64),
        n_classes=len(dataset.class_names),
    )


def _as_record(chosen: EarlyChoice) -> dict[str, Any]:
    """Return a choice in plain values."""
    surprise = {str(epoch): round(nats, 6) for epoch, nats in chosen.surprise.items()}
    return {"epoch": chosen.epoch, "why": chosen.why, "surprise_nats": surprise}


def _write_default(
    paths: RunPaths, embedding: NDArray[np.float32], record: dict[str, Any]
) -> NDArray[np.float32]:
    """Write the embedding that everything goes by, and which one it is."""
    write_array(paths.embedding, embedding)
    write_json(paths.embedding_info, {"schema_version": SCHEMA_VERSION, **record})
    return embedding
