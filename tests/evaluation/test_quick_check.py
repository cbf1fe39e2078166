"""The quick check: what it trains, what it keeps, and when it says that it cannot tell."""

import json
import math
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import ttest_ind

from coreset_lib import workflows
from coreset_lib.datasets import load_dataset
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.quick_check import plan as planning
from coreset_lib.evaluation.quick_check.plan import (
    create_quick_check,
    finished_pairs,
    pairs_to_train,
    paths_of,
    plan_quick_check,
)
from coreset_lib.evaluation.quick_check.verdict import (
    SAME,
    compare_means,
    conclusion_in_words,
    difference_in_words,
    found_differences,
)
from coreset_lib.evaluation.quick_check.work import draw_in_proportion, work_on_quick_check
from coreset_lib.recording.record import record
from coreset_lib.runs.create import create_run
from coreset_lib.runs.records import Status
from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import Run, RunStore

PATIENCE_SECONDS = 150
COUNTED = np.arange(0, 60, 3)


@pytest.fixture
def make_judged(tmp_path, tiny_config, tiny_dataset, save_npz, one_thread):
    """Return ``make(dataset)``: a cache and a finished run whose images can be read."""

    def make(dataset=tiny_dataset):
        file = save_npz(tmp_path / "tiny.npz", dataset)
        config = replace(tiny_config, dataset=str(file))
        run = Run(create_run(tmp_path / "cache", config, load_dataset(str(file))))
        write_status(run.paths, Status(state="finished", epoch=0, epochs=config.epochs))
        return tmp_path / "cache", Run(run.paths)

    return make


def checked(cache, run, indices):
    """Work through a short quick check in this process."""
    plan = replace(plan_quick_check(run, indices), steps=4)
    paths = create_quick_check(cache, plan, indices)
    return plan, paths, work_on_quick_check(cache, paths)


def test_it_trains_pairs_on_the_coreset_and_on_draws_of_its_size(make_judged):
    cache, run = make_judged()
    plan, paths, status = checked(cache, run, COUNTED)
    pairs = finished_pairs(paths)
    assert status.state == "finished"
    assert len(pairs) == pairs_to_train(plan, pairs[0]["seconds"])
    assert status.epoch == status.epochs == 2 * len(pairs)
    assert all(pair["n_samples"] == len(COUNTED) for pair in pairs)
    assert {pair[side]["steps"] for pair in pairs for side in ("coreset", "random")} == {4}
    found = found_differences(pairs)
    assert set(found) == {"accuracy", "balanced_accuracy", "worst_class"}
    assert all(0 <= each.coreset <= 1 and each.n == len(pairs) for each in found.values())
    accuracies = [pair["random"]["accuracy"] for pair in pairs]
    assert found["accuracy"].random == pytest.approx(np.mean(accuracies))


def test_what_is_finished_is_not_trained_again(make_judged):
    cache, run = make_judged()
    plan, paths, _ = checked(cache, run, COUNTED)
    n_pairs = len(finished_pairs(paths))
    marked = {**json.loads(paths.pair(0).read_bytes()), "seconds": 1.0, "mark": "kept"}
    paths.pair(0).write_text(json.dumps(marked))
    last = paths.pair(n_pairs - 1).read_bytes()
    paths.pair(n_pairs - 1).unlink()
    work_on_quick_check(cache, paths)
    pairs = finished_pairs(paths)
    assert pairs[0]["mark"] == "kept"
    again, before = pairs[n_pairs - 1], json.loads(last)
    assert again["coreset"] == before["coreset"]
    assert again["random"] == before["random"]
    assert plan.check_id == paths.root.name


def test_the_check_of_another_coreset_is_another_check(make_judged):
    _, run = make_judged()
    first = plan_quick_check(run, COUNTED)
    assert plan_quick_check(run, COUNTED[::-1]) == first
    assert plan_quick_check(run, COUNTED + 1).check_id != first.check_id


@pytest.mark.parametrize(
    ("seconds", "n_pairs"), [(None, 10), (0.001, 10), (4.0, 5), (7.0, 3), (900.0, 3)]
)
def test_as_many_pairs_are_trained_as_fit_the_time(seconds, n_pairs):
    plan = planning.QuickCheckPlan(run_id="r", coreset="c", model="small_cnn")
    assert pairs_to_train(plan, seconds) == n_pairs


def test_draws_keep_the_shares_of_the_classes_and_differ_by_seed():
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    drawn = draw_in_proportion(labels, 20, seed=0)
    assert np.bincount(labels[drawn]).tolist() == [12, 6, 2]
    assert len(set(drawn.tolist())) == 20
    assert drawn.tolist() == draw_in_proportion(labels, 20, seed=0).tolist()
    assert set(drawn.tolist()) != set(draw_in_proportion(labels, 20, seed=1).tolist())


def test_without_a_validation_split_some_training_samples_are_held_out(
    tmp_path, tiny_dataset, one_thread
):
    train, epochs = tiny_dataset.train, 2
    with record(
        "without validation",
        labels=train.labels,
        class_names=tiny_dataset.class_names,
        images=train.images,
        epochs=epochs,
        cache=tmp_path,
        umap="none",
    ) as recorder:
        for _ in recorder:
            own = np.eye(len(tiny_dataset.class_names), dtype=np.float32)[train.labels]
            recorder.batch(np.arange(len(train.labels)), torch.from_numpy(own))
    run = RunStore(tmp_path).find(recorder.run_id)
    _, paths, _ = checked(tmp_path, run, np.arange(60))
    (pair, *_) = finished_pairs(paths)
    assert 0 < pair["n_val"] < 10
    assert pair["n_samples"] < 60 - pair["n_val"]


def test_too_few_samples_are_refused_in_one_sentence(make_judged):
    _, run = make_judged()
    with pytest.raises(CoresetError, match="at least 2 samples, got 1"):
        plan_quick_check(run, np.array([3]))


def test_images_that_are_gone_end_it_with_a_sentence(make_judged, tmp_path):
    cache, run = make_judged()
    (tmp_path / "tiny.npz").unlink()
    plan = plan_quick_check(run, COUNTED)
    paths = create_quick_check(cache, plan, COUNTED)
    with pytest.raises(CoresetError):
        work_on_quick_check(cache, paths)
    check = workflows.quick_check(run, COUNTED, cache=cache)
    assert check is not None
    assert check.status.state == "failed"
    assert check.status.error
    assert "\n" not in check.status.error
    assert check.found == {}


def test_a_damaged_plan_is_told_as_one(make_judged):
    cache, run = make_judged()
    paths = create_quick_check(cache, plan_quick_check(run, COUNTED), COUNTED)
    paths.plan.write_text("{")
    with pytest.raises(CoresetError, match=r"plan\.json is missing or damaged"):
        work_on_quick_check(cache, paths)


def test_it_runs_in_the_background_can_be_cancelled_and_goes_on(
    make_judged, subprocess_environment, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", subprocess_environment["PYTHONPATH"])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    cache, run = make_judged()
    assert workflows.quick_check(run, COUNTED, cache=cache) is None
    started = workflows.start_quick_check(run, COUNTED, cache=cache)
    with pytest.raises(CoresetError, match="under way already"):
        workflows.start_quick_check(run, COUNTED, cache=cache)
    workflows.stop_quick_check(started)
    stopped = workflows.quick_check(run, COUNTED, cache=cache)
    assert stopped.status.state == "stopped"
    assert stopped.found == {}
    with pytest.raises(CoresetError, match="not under way"):
        workflows.stop_quick_check(stopped)
    workflows.start_quick_check(run, COUNTED, cache=cache)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (check := workflows.quick_check(run, COUNTED, cache=cache)).is_active:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert check.status.state == "finished", check.status.error
    assert check.n_samples == len(COUNTED)
    assert len(finished_pairs(paths_of(cache, check.plan))) >= 3
    assert "accuracy" in check.found


def test_the_interval_is_that_of_welch():
    rng = np.random.default_rng(0)
    coreset, random = rng.normal(0.8, 0.02, 6), rng.normal(0.75, 0.05, 5)
    found = compare_means(coreset, random)
    oracle = ttest_ind(coreset, random, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high))
    assert found.difference == pytest.approx(coreset.mean() - random.mean())


@pytest.mark.parametrize(
    ("coreset", "random", "verdict"),
    [
        ([0.90, 0.91, 0.92], [0.70, 0.71, 0.72], "better"),
        ([0.70, 0.71, 0.72], [0.90, 0.91, 0.92], "worse"),
        ([0.70, 0.80, 0.90], [0.71, 0.79, 0.85], SAME),
        ([0.9], [0.1], SAME),
        ([0.9, 0.9, 0.9], [0.70, 0.71, 0.72], SAME),  # a spread of 0 is not known, not small
        ([0.9, 0.9, 0.9], [0.9, 0.9, 0.9], SAME),
    ],
)
def test_a_verdict_needs_an_interval_without_zero(coreset, random, verdict):
    found = compare_means(coreset, random)
    assert found.verdict == verdict
    assert (SAME in difference_in_words(found)) == (verdict == SAME)
    assert (SAME in conclusion_in_words({"accuracy": found})) == (verdict == SAME)
    assert math.isnan(found.low) == (np.ptp(coreset) * np.ptp(random) == 0)


def test_the_conclusion_names_who_pays():
    up = compare_means([0.90, 0.91, 0.92], [0.70, 0.71, 0.72])
    down = compare_means([0.70, 0.71, 0.72], [0.90, 0.91, 0.92])
    words = conclusion_in_words({"accuracy": up, "balanced_accuracy": up, "worst_class": down})
    assert "better in accuracy and balanced accuracy" in words
    assert "but worse in recall of the worst class" in words


def test_noise_is_rarely_called_a_difference():
    """Of comparisons of equals, about one in twenty may exclude 0; a tenth is the bound here."""
    rng = np.random.default_rng(1)
    found = [compare_means(rng.normal(size=4), rng.normal(size=4)) for _ in range(400)]
    assert np.mean([each.verdict != SAME for each in found]) < 0.1


def test_a_figure_that_one_network_lacks_is_left_out():
    figures = {"accuracy": 0.5, "balanced_accuracy": 0.5, "recall": [None, None]}
    pairs = [{"coreset": figures, "random": figures}] * 3
    assert set(found_differences(pairs)) == {"accuracy", "balanced_accuracy"}
    assert found_differences([]) == {}


def test_numbers_that_are_none_are_refused():
    with pytest.raises(CoresetError, match="finite"):
        compare_means([0.5, math.nan], [0.5, 0.4])
    with pytest.raises(CoresetError, match="finite"):
        compare_means([], [0.5])
