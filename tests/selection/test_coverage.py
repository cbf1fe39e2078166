"""Coverage of a class by k-means cells."""

import numpy as np
from two_class_run import LABELS, blobs, choose, dynamics_with

from coreset_lib.selection.coverage import k_means_cells


def test_every_blob_of_every_class_gives_its_most_central_sample():
    corners, blob = blobs(4)
    features = corners @ np.array([[1, 1], [1, -1], [-1, 1], [-1, -1], [0, 0]], np.float32)
    dynamics = dynamics_with(np.full(60, 0.5))
    kept = choose(dynamics, features, strategy="coverage", rate=12 / 60).indices
    assert sorted(np.bincount(LABELS[kept])) == [4, 8]
    small = kept[LABELS[kept] == 1]
    assert sorted(blob[small]) == [0, 1, 2, 3]
    for sample in small:
        mates = np.flatnonzero((LABELS == 1) & (blob == blob[sample]))
        centre = features[mates].mean(axis=0)
        distances = np.linalg.norm(features[mates] - centre, axis=1)
        assert sample == mates[distances.argmin()]


def test_equal_rows_share_a_cell_and_the_budget_is_filled_all_the_same():
    features = np.zeros((60, 3), np.float32)
    features[::2] = 1
    kept = choose(dynamics_with(np.full(60, 0.5)), features, strategy="coverage", rate=0.5).indices
    assert len(set(kept.tolist())) == 30


def test_as_many_cells_as_different_rows_are_these_rows():
    rows = np.array([[0.0], [1.0], [1.0], [5.0]])
    cells, distances = k_means_cells(rows, 3, seed=0)
    assert cells.tolist() == [0, 1, 1, 2]
    assert distances.tolist() == [0] * 4
