"""The plane vog: gradients of the last layer against autograd, and through a whole run."""

import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run
from coreset_lib.scores import compute_score
from coreset_lib.training import vog
from coreset_lib.training.networks.registry import Surrogate
from coreset_lib.training.vog import GradientVarianceRecorder

LABELS = torch.tensor([0, 2, 1, 2, 0, 1])
INPUTS = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))


def network_of(seed: int = 0) -> Surrogate:
    torch.manual_seed(seed)
    return Surrogate(nn.Sequential(nn.Linear(4, 3), nn.Tanh()), 3, 3)


def record_epoch(recorder: GradientVarianceRecorder, network: Surrogate) -> dict[str, Any]:
    """Show the samples in two batches, in another order than they are kept."""
    recorder.start_epoch()
    for indices in (torch.tensor([4, 1, 5]), torch.tensor([0, 3, 2])):
        recorder.record(indices, network(INPUTS[indices]))
    return recorder.finish_epoch()


def gradient_by_autograd(network: Surrogate, sample: int) -> list[float]:
    """Gradient of the loss with respect to the label's row of weights, and its bias."""
    label = int(LABELS[sample])
    loss = functional.cross_entropy(network(INPUTS[[sample]]), LABELS[[sample]])
    weight, bias = torch.autograd.grad(loss, [network.head.weight, network.head.bias])
    return [*weight[label].tolist(), float(bias[label])]


def change_weights(network: Surrogate, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in network.parameters():
            weights += torch.randn(weights.shape, generator=generator)


def test_every_window_equals_the_deviation_of_autograd_gradients(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(vog, "BLOCK_CELLS", 8)
    network = network_of()
    recorder = GradientVarianceRecorder(network, LABELS, 3, keep_probabilities=False)
    histories: list[list[list[float]]] = [[] for _ in LABELS]
    for epoch in range(8):
        change_weights(network, epoch)
        row = record_epoch(recorder, network)["vog"]
        for sample, history in enumerate(histories):
            history.append(gradient_by_autograd(network, sample))
        if epoch < 4:
            assert np.isnan(row).all()
            continue
        for sample, history in enumerate(histories):
            coordinates = zip(*history[-5:], strict=True)
            expected = statistics.fmean(statistics.pstdev(values) for values in coordinates)
            assert row[sample] == pytest.approx(expected, rel=1e-4, abs=1e-7)


def test_a_network_that_stands_still_has_no_variance():
    network = network_of()
    recorder = GradientVarianceRecorder(network, LABELS, 3, keep_probabilities=False)
    rows = [record_epoch(recorder, network)["vog"] for _ in range(6)]
    np.testing.assert_allclose(rows[-1], 0, atol=1e-7)


def test_a_sample_that_was_not_seen_has_no_value_until_its_gap_is_past():
    network = network_of()
    recorder = GradientVarianceRecorder(network, LABELS, 3, keep_probabilities=False)
    recorder.start_epoch()
    recorder.record(torch.tensor([0, 1, 2, 3, 4]), network(INPUTS[:5]))
    recorder.finish_epoch()
    rows = [record_epoch(recorder, network)["vog"] for _ in range(5)]
    assert np.isnan(rows[3]).tolist() == [False] * 5 + [True]
    assert np.isfinite(rows[4]).all()


def test_too_many_gradients_are_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(vog, "MOST_BYTES", 100)
    with pytest.raises(CoresetError, match=r"got 0 MB for 6 samples of 3 features\. Choose"):
        GradientVarianceRecorder(network_of(), LABELS, 3, keep_probabilities=False)


@pytest.mark.usefixtures("without_umap")
@pytest.mark.parametrize("recording", ["minibatch", "eval_pass"])
def test_a_run_records_it_and_trains_as_it_would_without(
    tmp_path: Path, tiny_config: TrainingConfig, tiny_dataset: LabeledImages, recording: str
):
    from coreset_lib.training.running.worker import train_run

    found: list[TrainingDynamics] = []
    for record_vog in (True, False):
        config = replace(tiny_config, recording=recording, record_vog=record_vog)
        paths = create_run(tmp_path, config, tiny_dataset)
        train_run(paths, dataset=tiny_dataset)
        found.append(Run(paths).dynamics())
    recorded, plain = found
    np.testing.assert_array_equal(recorded.plane("error_norm"), plain.plane("error_norm"))
    plane = recorded.plane("vog")
    assert plane.shape == (6, 60)
    assert plane.dtype == np.float32
    assert np.isnan(plane[:4]).all()
    assert (plane[4:] > 0).all()
    last = compute_score(recorded, "vog").values
    np.testing.assert_array_equal(last, plane[5].astype(np.float64))
    fifth = compute_score(recorded, "vog", {"epoch": "5"}).values
    mean = compute_score(recorded, "vog", {"epoch": "mean"}).values
    np.testing.assert_allclose(mean, (fifth + last) / 2, rtol=1e-6)
    with pytest.raises(CoresetError, match=r"this run did not record\. Train again with --record-"):
        compute_score(plain, "vog")


def test_a_score_of_an_incomplete_window_is_refused(make_dynamics: Any):
    plane = np.full((7, 3), 0.5)
    plane[:4] = np.nan
    dynamics = make_dynamics(vog=plane, labels=[0, 1, 2])
    assert compute_score(dynamics, "vog").values.tolist() == [0.5] * 3
    with pytest.raises(CoresetError, match="option epoch must be last or mean or a whole number"):
        compute_score(dynamics, "vog", {"epoch": 4})
    with pytest.raises(CoresetError, match="option epoch must lie within the 7 recorded epochs"):
        compute_score(dynamics, "vog", {"epoch": 8})
    plane[5] = np.nan
    with pytest.raises(CoresetError, match=r"vog must be recorded .* got 3 gaps"):
        compute_score(make_dynamics(vog=plane, labels=[0, 1, 2]), "vog", {"epoch": "mean"})
    with pytest.raises(CoresetError, match="needs at least 5 recorded epochs, got 4"):
        compute_score(make_dynamics(vog=plane[:4], labels=[0, 1, 2]), "vog")
