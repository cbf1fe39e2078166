"""How well rankings find wrong labels: by hand, by loops, and on a really trained phantom."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import PhantomOptions, make_phantom
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.label_errors import detect_label_errors, detection_figures
from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run


def test_a_perfect_ranking_and_its_reverse():
    wrong = [True, False, True, False, False]
    best = detection_figures([5, 1, 4, 2, 3], wrong)
    assert (best.auroc, best.precision, best.n_wrong, best.n_samples) == (1, 1, 2, 5)
    worst = detection_figures([-5, -1, -4, -2, -3], wrong)
    assert (worst.auroc, worst.precision) == (0, 0)


def test_a_constant_score_is_as_good_as_a_coin():
    figures = detection_figures(np.zeros(8), np.arange(8) < 2)
    assert (figures.auroc, figures.precision) == (0.5, 0.25)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=2, max_size=7))
def test_figures_equal_all_pairs_and_all_ways_to_break_ties(rows):
    score, wrong = map(np.array, zip(*rows, strict=True))
    if wrong.all() or not wrong.any():
        return
    pairs = [(a > b) + (a == b) / 2 for a, b in itertools.product(score[wrong], score[~wrong])]
    n = int(wrong.sum())
    orders = [
        order
        for order in itertools.permutations(range(len(score)))
        if all(score[a] >= score[b] for a, b in itertools.pairwise(order))
    ]
    shares = [wrong[list(order[:n])].mean() for order in orders]
    figures = detection_figures(score, wrong)
    assert figures.auroc == pytest.approx(np.mean(pairs))
    assert figures.precision == pytest.approx(np.mean(shares))


@pytest.mark.parametrize("wrong", [[True, True], [False, False]])
def test_there_must_be_something_to_find(wrong):
    with pytest.raises(CoresetError, match="must be some but not all"):
        detection_figures([1, 2], wrong)


@pytest.mark.parametrize("score", [[1.0, np.nan], [1.0], [[1.0, 2.0]]])
def test_a_ranking_with_gaps_is_refused(score):
    with pytest.raises(CoresetError, match="one number per sample"):
        detection_figures(score, [True, False])


@pytest.mark.usefixtures("without_umap", "one_thread")
def test_the_phantoms_own_wrong_labels_are_found(tmp_path):
    from coreset_lib.training.running.worker import train_run

    dataset = make_phantom(PhantomOptions(n_train=800, n_val=16, n_test=16, image_size=16))
    config = TrainingConfig(
        dataset="phantom", model="small_cnn", epochs=12, batch_size=64, device="cpu"
    )
    paths = create_run(tmp_path, config, dataset)
    train_run(paths, dataset=dataset)
    run = Run(paths)
    true_labels = run.true_labels()
    assert true_labels is not None
    found = detect_label_errors(run.dynamics(), true_labels)
    assert "vog" not in found  # it was not recorded
    assert {figures.n_wrong for figures in found.values()} == {32}
    assert found["aum"].auroc >= 0.9
    assert found["aum"].precision >= 0.4
