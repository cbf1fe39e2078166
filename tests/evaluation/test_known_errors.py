"""Known wrong labels: counted, looked for, and looked up on a map."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from coreset_lib.evaluation.known_errors import KnownErrors, known_errors, lies_among_others

TEN = KnownErrors(
    np.arange(10) % 2, np.where(np.arange(10) < 3, 1 - np.arange(10) % 2, np.arange(10) % 2)
)


def test_wrong_labels_are_counted_among_any_samples():
    assert TEN.rows.tolist() == [0, 1, 2]
    assert TEN.among([0, 2, 9]) == 2
    assert TEN.among([]) == 0
    assert TEN.expected_among(5) == pytest.approx(1.5)


def test_the_first_of_an_order_are_looked_through_to_the_number_of_wrong_labels():
    assert TEN.looked_through([0, 9, 1, 8, 2, 3, 4, 5, 6, 7]) == [(3, 2), (10, 3)]
    many = KnownErrors(np.zeros(500, int), (np.arange(500) < 160).astype(int))
    assert many.looked_through(np.arange(500)) == [(10, 10), (100, 100), (160, 160)]


def test_a_run_without_truth_or_without_errors_has_none_known(tmp_path, make_run):
    run = make_run(tmp_path)
    assert known_errors(run) is None
    np.save(run.paths.true_labels, run.labels())
    assert known_errors(run) is None
    other = run.labels().copy()
    other[:4] = (other[:4] + 1) % len(run.manifest.dataset.class_names)
    np.save(run.paths.true_labels, other)
    found = known_errors(run)
    assert found is not None
    assert found.rows.tolist() == [0, 1, 2, 3]


def test_lying_among_others_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    places, labels = rng.normal(size=(200, 2)), rng.integers(0, 3, 200)
    near = NearestNeighbors(n_neighbors=10).fit(places).kneighbors(return_distance=False)
    expected = (labels[near] != labels[:, None]).sum(axis=1) > 5
    assert lies_among_others(places, labels).tolist() == expected.tolist()


def test_samples_at_one_place_do_not_count_themselves():
    labels = np.array([0, 1, 1, 1])
    assert lies_among_others(np.zeros((4, 2)), labels, k=3).tolist() == [True, False, False, False]


def test_a_sample_that_is_not_on_the_map_lies_nowhere():
    places = np.array([[0.0, 0], [0.1, 0], [np.nan, 0]])
    assert lies_among_others(places, np.array([0, 1, 0])).tolist() == [True, True, False]
    assert lies_among_others(places[:1], np.array([0])).tolist() == [False]
