"""A run with injected label noise that was really trained, and plans on it."""

from dataclasses import replace

import pytest

from coreset_lib.datasets import load_configured
from coreset_lib.refinement.plan import RefinementPlan
from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run


@pytest.fixture(scope="session")
def noisy_run(one_thread, tmp_path_factory, tiny_config, make_dataset, save_npz):
    """120 samples, a fifth of them with a wrong label."""
    from coreset_lib.training.running.worker import train_run

    folder = tmp_path_factory.mktemp("noisy")
    file = save_npz(folder / "tiny.npz", make_dataset(n_train=120))
    config = replace(tiny_config, dataset=str(file), label_noise="symmetric", label_noise_rate=0.2)
    dataset = load_configured(config)
    paths = create_run(folder / "cache", config, dataset)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "umap", None)
        train_run(paths, dataset=dataset)
    return Run(paths)


@pytest.fixture(scope="session")
def make_plan():
    """Return a factory of small plans."""

    def make(**changes):
        fields = {
            "run_id": "r",
            "queries": ("entropy",),
            "budget": 12,
            "n_rounds": 2,
            "seeds": (0, 1),
            "model": "small_cnn",
            "epochs": 7,
            "ramp_epochs": 3,
            "batch_size": 16,
        }
        return RefinementPlan(**fields | changes)

    return make
