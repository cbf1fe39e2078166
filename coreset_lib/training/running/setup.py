"""What every process needs before it can train a run: dataset, trainer, repeatable kernels."""

import json
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import load_configured
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.errors import DatasetError
from coreset_lib.recording.recorder import DynamicsRecorder
from coreset_lib.runs.paths import RunPaths
from coreset_lib.training.device import ResidentSplit
from coreset_lib.training.loop import Trainer
from coreset_lib.training.networks.registry import Surrogate, build_network
from coreset_lib.training.precision import as_begun
from coreset_lib.training.processes.distributed import DistributedTrainer, Group
from coreset_lib.training.running.checkpoints import Checkpoint
from coreset_lib.training.vog import GradientVarianceRecorder


def prepare_trainer(
    paths: RunPaths,
    config: TrainingConfig,
    dataset: LabeledImages,
    device: torch.device,
    group: Group | None,
) -> tuple[Trainer, int]:
    """Build the trainer, restored from the checkpoint if there is one."""
    manifest = read_manifest(paths)
    if group is None and device.type == "cpu":
        config = as_begun(paths, manifest, config)
    network = build_network(
        config.model,
        n_classes=dataset.n_outputs,
        n_channels=dataset.n_channels,
        image_size=min(dataset.image_size),
        seed=config.seed,
    )
    train = ResidentSplit.place(dataset.train, device)
    recorder = make_recorder(network, train.labels, tuple(manifest["planes"]))
    val = ResidentSplit.place(dataset.val, device)
    trainer = Trainer.prepare(network, config, train, val, recorder=recorder)
    checkpoint = Checkpoint.load(paths)
    if checkpoint is not None:
        checkpoint.restore(trainer, paths)
    start = 0 if checkpoint is None else checkpoint.epoch
    if group is not None:
        group.check_same("number of complete epochs", start)
        trainer = DistributedTrainer.of(trainer, group)
    return trainer, start


def make_recorder(network: Surrogate, labels: Tensor, planes: Sequence[str]) -> DynamicsRecorder:
    """Return a recorder of the run's planes."""
    n_classes, keep = network.head.out_features, "probabilities" in planes
    if "vog" in planes:
        return GradientVarianceRecorder(network, labels, n_classes, keep_probabilities=keep)
    return DynamicsRecorder(labels, n_classes, keep_probabilities=keep)


def load_run_dataset(paths: RunPaths, config: TrainingConfig) -> LabeledImages:
    """Load the run's dataset and make sure that it is still the same."""
    dataset = load_configured(config, cache=paths.cache)
    expected = read_manifest(paths)["dataset"]["fingerprint"]
    found = dataset.fingerprint()
    if found != expected:
        raise DatasetError(
            f"dataset {config.dataset} must be the one the run was started with (fingerprint "
            f"{expected[:12]}), got {found[:12]}. Restore the file or start a new run."
        )
    return dataset


def read_manifest(paths: RunPaths) -> dict[str, Any]:
    """Read the manifest as plain JSON: a bare GPU node has no pydantic."""
    return json.loads(paths.manifest.read_text())
