"""Contributions of test images to figures: against leaving each image out, and by simulation."""

import math

import numpy as np
import pytest
from sklearn import metrics as sk

from coreset_lib.evaluation.metrics import classification_metrics, multi_label_metrics
from coreset_lib.evaluation.verdicts.contributions import (
    OVERALL,
    PER_CLASS,
    Predictions,
    contributions,
)
from coreset_lib.evaluation.verdicts.intervals import Draws, difference

N_CLASSES = 3


def make_probabilities(rng, labels, n_classes=N_CLASSES, skill=1.0):
    logits = rng.normal(size=(len(labels), n_classes))
    logits[np.arange(len(labels)), labels] += skill
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def figure_of(probabilities, labels, figure, klass):
    """The figure as scikit-learn computes it."""
    said, classes = probabilities.argmax(axis=1), np.arange(probabilities.shape[1])
    if figure in PER_CLASS:
        of = {"recall": sk.recall_score, "precision": sk.precision_score, "f1": sk.f1_score}[figure]
        return of(labels, said, labels=classes, average=None, zero_division=0)[klass]
    if figure == "accuracy":
        return sk.accuracy_score(labels, said)
    if figure == "balanced_accuracy":
        return sk.balanced_accuracy_score(labels, said)
    if figure == "macro_auc":
        areas = [sk.roc_auc_score(labels == k, probabilities[:, k]) for k in classes]
        return np.mean(areas)
    of = sk.f1_score if figure == "macro_f1" else sk.precision_score
    return of(labels, said, average="macro", zero_division=0)


ALL = [(figure, None) for figure in OVERALL] + [(figure, 1) for figure in PER_CLASS]


@pytest.mark.parametrize(("figure", "klass"), ALL)
def test_contributions_add_up_to_nothing(figure, klass):
    rng = np.random.default_rng(0)
    labels = rng.choice(N_CLASSES, 90, p=[0.5, 0.3, 0.2])
    found = contributions(Predictions.read(make_probabilities(rng, labels), labels), figure, klass)
    assert found.shape == (90,)
    assert found.sum() == pytest.approx(0, abs=1e-9)
    assert found.any()


@pytest.mark.parametrize(("figure", "klass"), ALL)
def test_their_variance_is_that_of_the_jackknife(figure, klass):
    """Leaving out one image at a time is the plain way to the same variance."""
    rng = np.random.default_rng(1)
    labels = rng.choice(N_CLASSES, 300, p=[0.5, 0.3, 0.2])
    probabilities = make_probabilities(rng, labels)
    found = contributions(Predictions.read(probabilities, labels), figure, klass)
    kept = [np.arange(300) != out for out in range(300)]
    without = [figure_of(probabilities[rows], labels[rows], figure, klass) for rows in kept]
    jackknife = 299 / 300 * ((np.array(without) - np.mean(without)) ** 2).sum()
    assert found.var(ddof=1) / 300 == pytest.approx(jackknife, rel=0.05)


@pytest.mark.parametrize(("figure", "klass"), ALL)
def test_the_interval_of_each_figure_covers_the_difference_of_the_population(figure, klass):
    rng, n_images, n_draws, n_experiments = np.random.default_rng(2), 150, 4, 250

    def sides(n):
        labels = rng.choice(N_CLASSES, n, p=[0.5, 0.3, 0.2])
        easy = rng.normal(size=(n, N_CLASSES))
        for skill in (1.6, 1.2):
            draws = []
            for _ in range(n_draws):
                logits = easy + 0.5 * rng.normal(size=(n, N_CLASSES))
                logits[np.arange(n), labels] += skill + 0.2 * rng.normal()
                odds = np.exp(logits)
                draws.append((odds / odds.sum(axis=1, keepdims=True), labels))
            yield draws

    def mean_of(draws):
        found = [getattr(classification_metrics(*draw), figure) for draw in draws]
        return found if klass is None else [values[klass] for values in found]

    true = np.mean([np.subtract(*map(np.mean, map(mean_of, sides(5000)))) for _ in range(10)])
    hits = 0
    for _ in range(n_experiments):
        ours, reference = (
            Draws(
                np.array(mean_of(draws)),
                np.array([contributions(Predictions.read(*d), figure, klass) for d in draws]),
            )
            for draws in sides(n_images)
        )
        found = difference(ours, reference)
        hits += found.low <= true <= found.high
    assert 0.92 <= hits / n_experiments <= 0.985


def test_figures_of_a_class_that_is_not_there_say_nothing():
    labels = np.array([0, 0, 1, 1])
    predictions = Predictions.read(np.tile([0.6, 0.4, 0.0], (4, 1)), labels)
    for figure in PER_CLASS:
        assert not contributions(predictions, figure, 2).any()


def test_sets_of_labels_have_contributions_too():
    rng = np.random.default_rng(4)
    truth = (rng.random((80, 3)) < 0.3).astype(np.uint8)
    scores = np.clip(truth * 0.3 + rng.random((80, 3)) * 0.7, 0, 1)
    predictions = Predictions.read(scores, truth)
    assert predictions.is_multi_label
    assert (predictions.given[:, 3] == (truth.sum(axis=1) == 0)).all()
    for figure, klass in [*ALL, ("recall", 3)]:
        found = contributions(predictions, figure, klass)
        assert found.sum() == pytest.approx(0, abs=1e-9)
        assert found.any()


@pytest.mark.parametrize("seed", range(5))
def test_precision_and_f1_are_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels = rng.choice(N_CLASSES, 60, p=[0.6, 0.3, 0.1])
    probabilities = make_probabilities(rng, labels, skill=0.3)
    found = classification_metrics(probabilities, labels)
    for klass in range(N_CLASSES):
        for figure in PER_CLASS:
            expected = figure_of(probabilities, labels, figure, klass)
            value = getattr(found, figure)[klass]
            assert (0 if math.isnan(value) else value) == pytest.approx(expected)
    for figure in ("macro_f1", "macro_precision"):
        assert getattr(found, figure) == pytest.approx(
            figure_of(probabilities, labels, figure, None)
        )


def test_precision_and_f1_of_sets_of_labels_are_those_of_scikit_learn():
    rng = np.random.default_rng(5)
    truth = (rng.random((80, 3)) < 0.3).astype(np.uint8)
    scores = np.clip(truth * 0.3 + rng.random((80, 3)) * 0.7, 0, 1)
    found, said = multi_label_metrics(scores, truth), scores > 0.5
    precision = sk.precision_score(truth, said, average=None, zero_division=0)
    assert found.precision[:3] == pytest.approx(tuple(precision))
    assert found.f1[:3] == pytest.approx(tuple(sk.f1_score(truth, said, average=None)))


def test_a_class_that_is_absent_and_never_predicted_has_no_f1():
    found = classification_metrics(np.array([[0.9, 0.1, 0], [0.2, 0.8, 0]]), np.array([0, 1]))
    assert math.isnan(found.f1[2])
    assert math.isnan(found.precision[2])
    assert found.macro_f1 == 1
