"""Leaving images out of val and test that train has a copy of, so that results can be trusted."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coreset_lib.atomic import replacing
from coreset_lib.datasets.checking.copies import CopyGroups, copy_groups
from coreset_lib.datasets.labeled_images import LabeledImages, Origin, Split
from coreset_lib.datasets.sources.listing import PARTS
from coreset_lib.errors import DatasetError

VERSION = 2


def without_copies(dataset: LabeledImages, *, cache: Path | None = None) -> LabeledImages:
    """Return a dataset whose val and test hold no image that train, or val, has a copy of.

    Parameters
    ----------
    dataset : LabeledImages
    cache : Path, optional
        Where copies that were found once are kept.

    Returns
    -------
    LabeledImages
        Train as it is; its fingerprint is another one if an image was left out. The origin
        says how many were.

    Raises
    ------
    DatasetError
        If nothing would be left of val or test.
    """
    groups = known_groups(dataset, cache=cache)
    keep_val = ~groups.is_known(0, 1)
    keep_test = ~(groups.is_known(0, 2) | groups.is_known(1, 2))
    if keep_val.all() and keep_test.all():
        return dataset
    for part, keep in (("val", keep_val), ("test", keep_test)):
        if len(keep) and not keep.any():
            raise DatasetError(
                f"{part} of {dataset.name} must keep an image, got none: all {len(keep)} are "
                "copies of images in train or val. Give other images, or do not leave copies out."
            )
    note = (
        f"{(~keep_val).sum()} of {len(keep_val)} val and {(~keep_test).sum()} of "
        f"{len(keep_test)} test images were left out as copies of images in train or val."
    )
    kept = np.concatenate([np.ones(len(dataset.train), bool), keep_val, keep_test])
    return replace(
        dataset,
        val=_subset(dataset.val, np.flatnonzero(keep_val)),
        test=_subset(dataset.test, np.flatnonzero(keep_test)),
        origin=_origin_of(dataset, kept, note),
    )


def known_groups(dataset: LabeledImages, *, cache: Path | None = None) -> CopyGroups:
    """Return which images are copies, read from the cache if they were searched for before.

    Parameters
    ----------
    dataset : LabeledImages
    cache : Path, optional
        Groups are kept below ``cache/copies``, by the dataset's fingerprint.
    """
    if cache is None:
        return copy_groups(dataset)
    path = cache / "copies" / f"{dataset.fingerprint()[:32]}-{VERSION}.npy"
    part = np.repeat(np.arange(len(PARTS)), [len(getattr(dataset, part)) for part in PARTS])
    try:
        stored = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        stored = np.zeros((0, 0), np.int64)
    if stored.shape == (2, len(part)) and stored.dtype == np.int64:
        return CopyGroups(stored[0], stored[1], part)
    groups = copy_groups(dataset)
    _keep(path, np.stack([groups.group, groups.exact]))
    return groups


def _keep(path: Path, groups: NDArray[np.int64]) -> None:
    """Write groups; a cache that takes nothing costs only time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.save(file, groups, allow_pickle=False)
    except OSError:
        return


def _subset(split: Split, rows: NDArray[np.intp]) -> Split:
    """Return some samples of a split."""

    def chosen(values: Sequence[str]) -> Sequence[str]:
        return [values[int(row)] for row in rows] if len(values) else values

    return Split(
        images=np.asarray(split.images)[rows],
        labels=split.labels[rows],
        sample_ids=chosen(split.sample_ids),
        sources=chosen(split.sources),
        patient_ids=chosen(split.patient_ids),
        extra={name: chosen(cells) for name, cells in split.extra.items()},
        multi_hot=None if split.multi_hot is None else split.multi_hot[rows],
    )


def _origin_of(dataset: LabeledImages, kept: NDArray[np.bool_], note: str) -> Origin | None:
    """Return the origin with the rows that its files have now."""
    origin = dataset.origin
    if origin is None:
        return None
    place = np.cumsum(kept) - 1
    files = (
        record._replace(
            rows=tuple((channels, int(place[row])) for channels, row in record.rows if kept[row])
        )
        for record in origin.files
    )
    return replace(
        origin, files=tuple(file for file in files if file.rows), notes=(*origin.notes, note)
    )
