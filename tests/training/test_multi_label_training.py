"""Any number of labels per sample: planes, loss, training, and what runs on top of them."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from coreset_lib.datasets.relabelling.label_noise import inject_label_noise
from coreset_lib.errors import CoresetError
from coreset_lib.label_sets import NO_LABEL, set_codes
from coreset_lib.recording.recorder import describe_label_logits, describe_logits
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run
from coreset_lib.training.objectives import (
    class_weights,
    count_correct,
    mean_area_under_roc,
    mean_loss,
    summed_loss,
)
from coreset_lib.training.running.worker import train_run

# Training turns denormal numbers off in its process, and Hypothesis must not ask for them.
LOGITS = st.floats(-30, 30, width=32, allow_subnormal=False)


def planes_by_loops(logits, given_set):
    """The distribution over all sets, label by label independent, with Python's floats."""
    p = [1 / (1 + math.exp(-value)) for value in logits]
    sets = list(itertools.product((0, 1), repeat=len(logits)))
    chance = {s: math.prod(q if bit else 1 - q for q, bit in zip(p, s, strict=True)) for s in sets}
    own = chance[given_set]
    return {
        "error_norm": math.sqrt(sum((q - bit) ** 2 for q, bit in zip(p, given_set, strict=True))),
        "label_probability": own,
        "margin": own - max(value for s, value in chance.items() if s != given_set),
        "entropy": -sum(value * math.log(value) for value in chance.values() if value > 0),
    }


@given(
    st.integers(1, 5).flatmap(
        lambda n: st.tuples(
            st.lists(LOGITS, min_size=n, max_size=n),
            st.lists(st.integers(0, 1), min_size=n, max_size=n),
        )
    )
)
def test_planes_are_those_of_the_distribution_over_all_sets(case):
    logits, given_set = case
    rows = describe_label_logits(torch.tensor([logits]), torch.tensor([given_set]).float())
    for name, expected in planes_by_loops(logits, tuple(given_set)).items():
        assert rows[name].item() == pytest.approx(expected, abs=1e-6), name
    predicted = [int(value > 0) for value in logits]
    assert rows["prediction"].item() == sum(bit << n for n, bit in enumerate(predicted))
    assert (rows["margin"].item() > 0) <= (predicted == given_set)


def test_one_label_is_two_classes():
    logits = torch.linspace(-20, 20, 41)[:, None]
    label = (torch.arange(41) % 2)[:, None]
    one = describe_label_logits(logits, label.float())
    two = describe_logits(torch.cat([torch.zeros_like(logits), logits], dim=1), label[:, 0])
    for name in ("label_probability", "margin", "entropy", "prediction"):
        torch.testing.assert_close(one[name], two[name].to(one[name].dtype), msg=name)
    torch.testing.assert_close(one["error_norm"] * math.sqrt(2), two["error_norm"])


def test_the_loss_and_weights_of_one_label_are_those_of_two_classes():
    logits = torch.randn(30, 1, generator=torch.Generator().manual_seed(0))
    labels = (torch.arange(30) % 3 == 0).long()
    pair, column = torch.cat([torch.zeros(30, 1), logits], dim=1), labels[:, None].float()
    weights, wide = class_weights(labels, 2), class_weights(column, 1)
    torch.testing.assert_close(wide[:, 0], weights)
    for mine, theirs in ((None, None), (wide, weights)):
        torch.testing.assert_close(mean_loss(logits, column, mine), mean_loss(pair, labels, theirs))
    torch.testing.assert_close(summed_loss(logits, column), summed_loss(pair, labels))
    assert count_correct(logits, column) == count_correct(pair, labels)


def test_a_sample_is_right_only_with_all_of_its_labels():
    labels = torch.tensor([[1.0, 0, 1], [0, 0, 0], [1, 1, 0]])
    logits = torch.tensor([[1.0, -1, 2], [-1, -1, 0], [1, -1, -1]])
    assert count_correct(logits, labels).item() == 2


def test_the_mean_auc_leaves_out_labels_that_cannot_be_judged():
    random = np.random.default_rng(0)
    scores = random.integers(0, 9, (80, 4)).astype(float)
    positive = random.random((80, 4)) < 0.3
    expected = roc_auc_score(positive, scores, average="macro")
    assert mean_area_under_roc(scores, positive) == pytest.approx(expected)
    positive[:, 1] = True
    expected = roc_auc_score(positive[:, [0, 2, 3]], scores[:, [0, 2, 3]], average="macro")
    assert mean_area_under_roc(scores, positive) == pytest.approx(expected)
    assert math.isnan(mean_area_under_roc(scores, np.zeros((80, 4), bool)))


def test_a_run_records_sets_and_judges_by_exact_match(label_run, label_volumes):
    dynamics, metrics = label_run.dynamics(), label_run.metrics()
    assert label_run.manifest.dataset.label_names == ("top", "middle", "bottom")
    assert label_run.manifest.dataset.depth == 9
    assert dynamics.is_multi_label
    np.testing.assert_array_equal(dynamics.targets, set_codes(label_volumes.train.multi_hot))
    assert dynamics.plane("probabilities").shape == (6, 60, 3)
    assert (dynamics.is_correct() == (dynamics.plane("margin") > 0)).all()
    p = np.asarray(dynamics.plane("probabilities"), np.float64)
    error = np.linalg.norm(p - label_volumes.train.multi_hot, axis=2)
    np.testing.assert_allclose(dynamics.plane("error_norm"), error, atol=2e-3)
    share = dynamics.is_correct().mean(axis=1)
    assert [m["train_accuracy"] for m in metrics] == pytest.approx(share.tolist(), abs=1e-6)
    assert metrics[-1]["val_auc"] > 0.8
    assert metrics[-1]["train_loss"] < metrics[0]["train_loss"]
    table = label_run.samples()
    assert table["labels"].tolist()[:4] == [NO_LABEL, "top", "top + middle", "bottom"]
    assert table["class_name"].tolist()[:5] == [NO_LABEL, "top", "middle", "bottom", "bottom"]


def test_a_single_label_run_has_no_auc(trained_run):
    assert all("val_auc" not in record for record in trained_run.metrics())


def test_volumes_with_labels_resume_to_the_same_bits(
    label_run, label_volumes, tmp_path, without_umap
):
    config = replace(label_run_config(label_run), augmentation="shift")
    whole, halves = (create_run(tmp_path / name, config, label_volumes) for name in ("a", "b"))
    train_run(whole, dataset=label_volumes)
    stop = StopAfter(3)
    train_run(halves, dataset=label_volumes, on_epoch=stop.note, stop=stop)
    assert Run(halves).status().state == "stopped"
    train_run(halves, dataset=label_volumes)
    for plane in Run(whole).manifest.planes:
        assert halves.plane(plane).read_bytes() == whole.plane(plane).read_bytes(), plane


class StopAfter:
    """An event that is set once so many epochs are done."""

    def __init__(self, epochs):
        self.left = epochs

    def note(self, metrics):
        self.left -= 1

    def is_set(self):
        return self.left <= 0


def label_run_config(run):
    from coreset_lib.runs.resume import plain_config

    return plain_config(run.paths)


@pytest.mark.parametrize(
    "option",
    [
        {"record_vog": True},
        {"keep_checkpoints": 2},
    ],
)
def test_what_needs_one_class_per_sample_is_refused(option, label_run, label_volumes, tmp_path):
    config = replace(label_run_config(label_run), **option)
    with pytest.raises(CoresetError, match="exactly one class per sample, got slabs"):
        create_run(tmp_path, config, label_volumes)
    assert not list(tmp_path.glob("runs/*"))


def test_labels_are_not_spoilt_but_reviewed(label_run, label_volumes):
    with pytest.raises(CoresetError, match="label noise needs exactly one class per sample"):
        inject_label_noise(label_volumes, kind="symmetric", rate=0.2)
    assert ReviewedDataset.of_run(label_run).class_names == label_volumes.class_names


def test_a_class_weighted_loss_changes_training_with_labels(
    label_run, label_volumes, tmp_path, without_umap
):
    config = replace(label_run_config(label_run), class_weighted_loss=True, epochs=1)
    paths = create_run(tmp_path, config, label_volumes)
    train_run(paths, dataset=label_volumes)
    before, after = (
        label_run.dynamics().plane("margin")[0],
        Run(paths).dynamics().plane("margin")[0],
    )
    assert np.isfinite(after).all()
    assert not np.array_equal(before, after)
