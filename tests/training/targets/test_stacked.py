"""Small networks trained together become what they become one after another."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from coreset_lib.configs import TrainingConfig
from coreset_lib.evaluation.evaluate import Evaluator, create_evaluation
from coreset_lib.evaluation.plan import Arm, EvaluationPlan
from coreset_lib.evaluation.results import read_cells
from coreset_lib.selection import SelectionConfig
from coreset_lib.training.targets import stacked
from coreset_lib.training.targets.stacked import train_stacked_targets
from coreset_lib.training.targets.target import ResidentDataset, train_target

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tiny_dataset):
    return ResidentDataset.place(tiny_dataset, torch.device("cpu"))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"class_weighted_loss": True, "augmentation": "shift"},
        {"momentum": 0.0, "weight_decay": 0.0, "batch_size": 7},
    ],
)
@pytest.mark.parametrize("n_members", [1, 3])
def test_members_are_what_they_would_be_alone(data, tiny_config, options, n_members):
    recipe = replace(tiny_config, epochs=3, learning_rate=0.02, **options)
    configs = [replace(recipe, seed=seed) for seed in range(n_members)]
    random = np.random.default_rng(1)
    coresets = [random.choice(60, 25, replace=False) for _ in configs]
    results = train_stacked_targets(data, coresets, configs, watch_validation=True)
    for found, coreset, config in zip(results, coresets, configs, strict=True):
        alone = train_target(data, coreset, config, watch_validation=True)
        assert found.val == pytest.approx(alone.val, abs=2e-4)
        assert found.test == pytest.approx(alone.test, abs=2e-4)
        assert found.best_val_accuracy == alone.best_val_accuracy
        assert found.steps == alone.steps


def test_members_differ_by_their_seeds(data, tiny_config):
    configs = [replace(tiny_config, epochs=1, seed=seed) for seed in (0, 1)]
    first, second = train_stacked_targets(data, [np.arange(25)] * 2, configs)
    assert np.abs(first.test - second.test).max() > 0.001


def test_networks_of_different_recipes_are_not_stacked(data, tiny_config):
    configs = [tiny_config, replace(tiny_config, epochs=7)]
    with pytest.raises(AssertionError):
        train_stacked_targets(data, [np.arange(25)] * 2, configs)


def test_cells_of_a_comparison_are_trained_together_with_the_same_results(
    tmp_path, trained_run, tiny_dataset, monkeypatch
):
    config = TrainingConfig.from_dict(trained_run.manifest.config)
    arm = Arm(name="top", variants=(SelectionConfig(score="el2n"),))
    plan = EvaluationPlan(
        run_id=trained_run.run_id,
        arms=(arm,),
        rates=(0.3, 0.5),
        n_seeds=3,
        model="small_cnn",
        epochs=2,
        batch_size=16,
    )
    sizes, found = [], []

    def count(data, coresets, configs, **options):
        sizes.append(len(configs))
        return train_stacked_targets(data, coresets, configs, **options)

    monkeypatch.setattr(stacked, "train_stacked_targets", count)
    for cache, is_stacked in ((tmp_path / "alone", False), (tmp_path / "stacked", True)):
        monkeypatch.setattr(stacked, "stacking_pays", lambda *_, paid=is_stacked: paid)
        paths = create_evaluation(cache, plan)
        Evaluator(trained_run, plan, paths, tiny_dataset, config).work()
        found.append(read_cells(paths, plan))
    assert sizes == [6, 6]  # top and random of each rate; the full set by itself
    assert set(found[0]) == set(found[1]) == set(plan.cells())
    for cell, alone in found[0].items():
        result = found[1][cell]
        assert (result["n_samples"], result["steps"]) == (alone["n_samples"], alone["steps"])
        assert result["test"]["accuracy"] == pytest.approx(alone["test"]["accuracy"], abs=0.051)
        assert result["test"]["macro_auc"] == pytest.approx(alone["test"]["macro_auc"], abs=0.02)


def test_only_small_networks_on_a_gpu_are_trained_together():
    assert stacked.stacking_pays("small_cnn", torch.device("cuda"))
    assert not stacked.stacking_pays("small_cnn", torch.device("cpu"))
    assert not stacked.stacking_pays("resnet18", torch.device("cuda"))
