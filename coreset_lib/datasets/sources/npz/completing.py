"""Splits that a file of arrays lacks, taken from train as folders and tables do."""

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets.labeled_images import Origin, Split
from coreset_lib.datasets.preparing.splitting import complete_split, join_groups
from coreset_lib.datasets.sources.npz.labels import PARTS
from coreset_lib.errors import DatasetError


def take_from_train(
    path: Path, train: Split, val: Split, test: Split, origin: Origin | None
) -> tuple[tuple[Split, Split, Split], Origin]:
    """Return all splits, those that are empty taken from train, and how that was done.

    Parameters
    ----------
    path : Path
        Of the file, for messages.
    train, val, test : Split
    origin : Origin, optional
        Where values of 16 bits can be looked up; its rows are put in the new order.

    Raises
    ------
    DatasetError
        If train has too few images to share.
    """
    given = {"train": train, "val": val, "test": test}
    names = ["train"] * len(train) + [p for p in PARTS[1:] for _ in range(len(given[p]))]
    labels = np.concatenate([given[part].labels for part in PARTS])
    hashes = [_key(image) for part in PARTS for image in given[part].images]
    parts, notes = complete_split(names, labels, join_groups(hashes))
    order = [row for part in PARTS for row in np.flatnonzero(parts == part).tolist()]
    made: list[Split] = []
    for part in PARTS:
        rows = np.flatnonzero(parts == part)
        if not len(rows):
            raise DatasetError(
                f"{part} of {path} must hold at least one image, got none, and train has too few "
                "to share. Give more images."
            )
        made.append(given[part] if len(given[part]) and part != "train" else _taken(train, rows))
    origin = origin or Origin(kind="arrays", files=())
    place = {row: number for number, row in enumerate(order)}
    files = tuple(
        record._replace(rows=tuple((c, place[row]) for c, row in record.rows))
        for record in origin.files
    )
    return (made[0], made[1], made[2]), replace(origin, files=files, notes=notes)


def _taken(train: Split, rows: NDArray[np.intp]) -> Split:
    """Return some rows of train; they keep their names."""
    return replace(
        train,
        images=train.images[rows],
        labels=train.labels[rows],
        sample_ids=_chosen(train.sample_ids, rows),
        sources=_chosen(train.sources, rows),
        multi_hot=None if train.multi_hot is None else train.multi_hot[rows],
    )


def _chosen(texts: Sequence[str], rows: NDArray[np.intp]) -> list[str]:
    """Return the texts of some rows."""
    return [texts[int(row)] for row in rows]


def _key(image: NDArray[np.uint8]) -> Hashable:
    """Return what copies of an image share; nothing for an image of one grey."""
    if image.min() == image.max():
        return b""
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
