"""Runs on odd data: each step gives a sensible result, or says in one sentence why not."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from coreset_lib import workflows
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.quick_check.plan import (
    create_quick_check,
    finished_pairs,
    plan_quick_check,
)
from coreset_lib.evaluation.quick_check.verdict import found_differences
from coreset_lib.evaluation.quick_check.work import work_on_quick_check
from coreset_lib.recording.record import record
from coreset_lib.runs.store import RunStore
from coreset_lib.scores.movement import moving_windows
from coreset_lib.selection import SelectionConfig, select_coreset

N_TRAIN, N_VAL, SIZE = 120, 30, 12


def striped(n_samples, labels, rng):
    """Noise on a stripe whose place tells the class."""
    images = rng.integers(0, 100, (n_samples, SIZE, SIZE), dtype=np.uint8)
    for row, label in enumerate(labels):
        images[row, label % SIZE, :] += 100
        images[row, :, label // SIZE] += 50
    return images


def labels_of(kind, n_samples):
    """Labels of a training or validation split."""
    places = np.arange(n_samples)
    if kind == "one of a class":
        return np.where(places == 7, 2, places % 2)
    if kind == "99 %":
        return (places % 100 == 5).astype(int)
    if kind == "30 classes":
        return places % 30
    return places % 3


@pytest.fixture(scope="module")
def trained(tmp_path_factory, one_thread, tiny_config):
    """Return ``train(kind)``: a run that was really trained on odd data, each once."""
    made = {}

    def train(kind):
        if kind not in made:
            folder = tmp_path_factory.mktemp("odd")
            rng = np.random.default_rng(0)
            arrays = {}
            for part, n_samples in (("train", N_TRAIN), ("val", N_VAL), ("test", N_VAL)):
                labels = labels_of(kind, n_samples)
                arrays |= {f"{part}_images": striped(n_samples, labels, rng)}
                arrays |= {f"{part}_labels": labels}
            np.savez(folder / "odd.npz", **arrays)
            config = replace(tiny_config, dataset=str(folder / "odd.npz"), epochs=4)
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(__import__("sys").modules, "umap", None)
                made[kind] = workflows.train(config, cache=folder / "cache")
        return made[kind]

    return train


@pytest.fixture(scope="module")
def without_validation(tmp_path_factory, one_thread):
    """A recorded run with training samples alone."""
    cache = tmp_path_factory.mktemp("no-val")
    labels = labels_of("plain", N_TRAIN)
    images = striped(N_TRAIN, labels, np.random.default_rng(0))
    with record(
        "plain", labels=labels, class_names=("a", "b", "c"), images=images, epochs=4,
        recipe="none", cache=cache, umap="none",
    ) as recorder:  # fmt: skip
        for epoch in recorder:
            noise = torch.randn(N_TRAIN, 3, generator=torch.Generator().manual_seed(epoch))
            own = torch.nn.functional.one_hot(torch.from_numpy(labels), 3)
            recorder.batch(np.arange(N_TRAIN), epoch * own + noise)
    return RunStore(cache).find(recorder.run_id)


def check_suspicion(run):
    """Assert that the queue judges every sample, inside the classes that there are."""
    queue = workflows.suspicion(run)
    present = set(run.labels().tolist())
    assert sorted(queue.order.tolist()) == list(range(N_TRAIN))
    assert sorted(queue.order_by_class().tolist()) == list(range(N_TRAIN))
    for values in (queue.values, queue.chance_wrong):
        assert np.isfinite(values).all()
        assert ((values >= 0) & (values <= 1)).all()
    assert set(queue.suggested.tolist()) <= present
    counts = queue.class_suspects()
    assert sum(found.n_samples for found in counts) == N_TRAIN
    assert len(counts) == len(present)
    assert 0 <= queue.expected_wrong(queue.order[:10]) <= 10
    table = workflows.suspicion_table(run, queue=queue)
    assert len(table) == N_TRAIN
    assert not table["suspicion"].isna().any()
    return queue


def check_selection(run):
    """Assert that coresets keep what they promise."""
    present = len(set(run.labels().tolist()))
    for strategy, score in (("recommended", None), ("top", "eva"), ("random", None)):
        config = SelectionConfig(strategy=strategy, score=score, rate=0.3, balance="proportional")
        coreset = select_coreset(
            run.dynamics(),
            config,
            features=run.features("surrogate"),
            early_features=run.early_features,
        )
        assert len(coreset.indices) == 36
        assert len(set(run.labels()[coreset.indices].tolist())) == present
    return coreset.indices


def check_quick_check(run, indices):
    """Assert that the quick check ends, with figures that are shares."""
    plan = replace(plan_quick_check(run, indices), steps=4)
    paths = create_quick_check(run.paths.cache, plan, indices)
    status = work_on_quick_check(run.paths.cache, paths)
    assert status.state == "finished"
    found = found_differences(finished_pairs(paths))
    assert found
    assert all(0 <= each.coreset <= 1 and 0 <= each.random <= 1 for each in found.values())


@pytest.mark.parametrize("kind", ["one of a class", "99 %", "30 classes"])
def test_odd_classes_are_judged_selected_and_checked(trained, kind):
    run = trained(kind)
    check_suspicion(run)
    early, late = moving_windows(run.dynamics())
    assert early.last < late.first <= late.last <= 4
    check_quick_check(run, check_selection(run))


def test_a_class_of_one_image_is_named_as_too_small_to_judge(trained):
    (said,) = workflows.classes_too_small_to_judge(trained("one of a class"))
    assert "fewer than 3 training images cannot be judged" in said
    assert "(1)" in said
    assert len(workflows.classes_too_small_to_judge(trained("30 classes"))) == 0


def test_a_rare_class_is_not_called_suspect_as_a_whole(trained):
    queue = check_suspicion(trained("99 %"))
    common, rare = queue.class_suspects()
    assert common.n_suspects <= 0.25 * common.n_samples
    if rare.n_suspects > 0.25 * rare.n_samples:
        assert any(rare.class_name in warning for warning in queue.warnings())


def test_a_run_without_validation_is_judged_and_checked(without_validation):
    run = without_validation
    check_suspicion(run)
    config = SelectionConfig(strategy="random", score=None, rate=0.3, balance="proportional")
    check_quick_check(run, select_coreset(run.dynamics(), config).indices)


def test_one_run_alone_has_no_stability(trained):
    run = trained("99 %")
    with pytest.raises(CoresetError, match="at least two runs"):
        workflows.stability(workflows.repetitions(run, cache=run.paths.cache), "eva")
