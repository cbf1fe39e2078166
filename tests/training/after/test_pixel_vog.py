"""Score vog_pixel: kept weights, gradients against plain loops, the command, and resumption."""

import math
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from coreset_lib import cli
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.errors import CoresetError
from coreset_lib.export.rebuild import rebuild
from coreset_lib.export.scores import export_scores
from coreset_lib.runs.create import create_run
from coreset_lib.runs.ensemble import create_ensemble
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import Run, RunStore
from coreset_lib.scores import compute_score
from coreset_lib.training.after import pixel_vog
from coreset_lib.training.after.pixel_vog import compute_pixel_vog, normalise_within_class
from coreset_lib.training.networks.registry import build_network
from coreset_lib.training.running.epoch_writer import EpochWriter
from coreset_lib.training.running.stopping import Stop
from coreset_lib.training.running.worker import train_run

pytestmark = pytest.mark.usefixtures("without_umap", "one_thread")
Train = Callable[..., Run]


@pytest.fixture
def train(
    tmp_path: Path, tiny_config: TrainingConfig, save_npz: Callable[[Path, LabeledImages], Path]
) -> Train:
    """Train a run on a file; three of its six epochs are kept unless told otherwise."""

    def train(images: LabeledImages, **options: Any) -> Run:
        file = save_npz(tmp_path / "tiny.npz", images)
        from coreset_lib.datasets import load_dataset

        options = {"keep_checkpoints": 3, **options}
        config = replace(tiny_config, dataset=str(file), **options)
        paths = create_run(tmp_path, config, load_dataset(str(file)))
        train_run(paths)
        return Run(RunPaths(paths.root))

    return train


def kept(run: Run) -> list[str]:
    return sorted(path.name for path in run.paths.checkpoint.parent.glob("epoch_*.pt"))


def oracle(run: Run, images: LabeledImages) -> list[float]:
    """The formula with plain loops: one image, one pixel and one class at a time."""
    labels = [int(label) for label in images.train.labels]
    histories: list[list[list[float]]] = [[] for _ in labels]
    for epoch in (2, 4, 6):
        network = build_network(
            "small_cnn", n_classes=3, n_channels=images.n_channels, image_size=12, seed=99
        )
        state = torch.load(run.paths.kept_weights(epoch), weights_only=True)
        network.load_state_dict(state["network"])
        network.eval()
        for sample, label in enumerate(labels):
            pixels = torch.tensor(images.train.images[sample].astype(np.float32)) / 127.5 - 1
            pixels = pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)
            pixels = pixels[None].clone().requires_grad_()
            network(pixels)[0, label].backward()
            assert pixels.grad is not None
            histories[sample].append(pixels.grad.flatten().tolist())
    vog = [
        statistics.fmean(statistics.pstdev(values) for values in zip(*history, strict=True))
        for history in histories
    ]
    scores: list[float] = []
    for value, label in zip(vog, labels, strict=True):
        own = [v for v, other in zip(vog, labels, strict=True) if other == label]
        scores.append((value - statistics.fmean(own)) / statistics.pstdev(own))
    return scores


@pytest.mark.parametrize("channels", [1, 3])
def test_it_equals_the_formula_in_plain_loops_in_blocks_and_batches_of_any_size(
    train: Train, make_dataset: Any, monkeypatch: pytest.MonkeyPatch, channels: int
):
    images = make_dataset(n_train=13, channels=channels)
    run = train(images)
    assert kept(run) == ["epoch_00002.pt", "epoch_00004.pt", "epoch_00006.pt"]
    expected = oracle(run, images)
    seen: list[tuple[int, int]] = []
    assert compute_pixel_vog(run, on_batch=lambda *done: seen.append(done)) == (13, 3)
    assert seen == [(13, 39), (26, 39), (39, 39)]
    whole = np.load(run.paths.vog_pixel)
    assert whole.dtype == np.float64
    np.testing.assert_allclose(whole, expected, rtol=1e-3, atol=1e-3)
    monkeypatch.setattr(pixel_vog, "BLOCK_BYTES", 5 * 16 * 144 * channels)
    compute_pixel_vog(run, batch_size=2)
    np.testing.assert_allclose(np.load(run.paths.vog_pixel), whole, rtol=1e-3, atol=1e-3)


def test_z_scores_by_hand_and_zero_where_a_class_does_not_vary():
    values = np.array([1.0, 0.1, 3.0, 0.1, 7.0, 0.1])
    scores = normalise_within_class(values, np.array([0, 1, 0, 1, 2, 1]))
    assert scores.tolist() == [-1, 0, 1, 0, 0, 0]


def test_weights_that_stand_still_score_zero(train: Train, make_dataset: Any):
    run = train(make_dataset(n_train=13))
    state = torch.load(run.paths.kept_weights(2), weights_only=True)
    for epoch in (4, 6):
        torch.save(state | {"epoch": epoch}, run.paths.kept_weights(epoch))
    compute_pixel_vog(run)
    assert np.load(run.paths.vog_pixel).tolist() == [0.0] * 13


def test_the_command_makes_a_score_that_is_exported_and_rebuilt(
    train: Train,
    make_dataset: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    run = train(make_dataset(n_train=13))
    with pytest.raises(
        CoresetError, match=r"^score vog_pixel needs vog_pixel, .* coreset-lens vog RUN, .*keep-ch"
    ):
        compute_score(run.dynamics(), "vog_pixel")
    command = ["coreset-lens", "vog", "latest", "--device", "cpu", "--cache", str(tmp_path)]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as left:
        cli.main()
    told = capsys.readouterr().out
    assert (left.value.code, told) == (
        0,
        f"run {run.run_id}: vog_pixel of 13 samples over 3 checkpoints\n",
    )
    dynamics = run.dynamics()
    score = compute_score(dynamics, "vog_pixel")
    np.testing.assert_array_equal(score.values, np.load(run.paths.vog_pixel))
    assert score.direction == "harder"
    csv = tmp_path / "scores.csv"
    export_scores(run, score, dynamics).write(csv)
    assert rebuild(csv, RunStore(tmp_path))[1]
    np.save(run.paths.vog_pixel, score.values[::-1])
    assert not rebuild(csv, RunStore(tmp_path))[1]
    np.save(run.paths.vog_pixel, score.values[:5])
    with pytest.raises(CoresetError, match=r"vog_pixel\.npy cannot be used \(shape \(5,\)"):
        run.dynamics()


def test_what_cannot_be_computed_is_said_in_one_sentence(
    train: Train, make_dataset: Any, tmp_path: Path, save_npz: Any
):
    images = make_dataset(n_train=13)
    run, other = train(images), train(images, seed=1, keep_checkpoints=0)
    assert kept(other) == []
    with pytest.raises(CoresetError, match=r"at least 2 epochs, got 0 .* --keep-checkpoints 10\.$"):
        compute_pixel_vog(other)
    average = Run(create_ensemble(tmp_path, [run, other]))
    with pytest.raises(CoresetError, match=f"averages others .* Choose one of {run.run_id}, "):
        compute_pixel_vog(average)
    run.paths.kept_weights(4).write_bytes(b"not weights")
    with pytest.raises(CoresetError, match=r"epoch_00004\.pt cannot be used .* Delete it to go"):
        compute_pixel_vog(run)
    run.paths.kept_weights(4).unlink()
    assert compute_pixel_vog(run) == (13, 2)
    save_npz(tmp_path / "tiny.npz", make_dataset(n_train=16))
    with pytest.raises(CoresetError, match="must be the one the run was started with"):
        compute_pixel_vog(run)
    write_status(run.paths, replace(run.status(), state="queued", pid=None))
    with pytest.raises(CoresetError, match=r"is still training\. Wait for it or stop it first"):
        compute_pixel_vog(run)


def test_gradients_that_are_not_finite_are_refused(train: Train, make_dataset: Any):
    run = train(make_dataset(n_train=13))
    state = torch.load(run.paths.kept_weights(4), weights_only=True)
    state["network"]["head.weight"].fill_(math.nan)
    torch.save(state, run.paths.kept_weights(4))
    with pytest.raises(CoresetError, match="must be finite, got others"):
        compute_pixel_vog(run)
    assert not run.paths.vog_pixel.exists()


def test_a_resumed_run_keeps_what_an_uninterrupted_one_does(
    tmp_path: Path,
    tiny_config: TrainingConfig,
    tiny_dataset: LabeledImages,
    monkeypatch: pytest.MonkeyPatch,
):
    config = replace(tiny_config, keep_checkpoints=3)
    straight, paths = (create_run(tmp_path, config, tiny_dataset) for _ in range(2))
    train_run(straight, dataset=tiny_dataset)
    stop = Stop()
    train_run(
        paths,
        dataset=tiny_dataset,
        stop=stop,
        on_epoch=lambda metrics: stop.set() if metrics.epoch == 3 else None,
    )
    assert kept(Run(paths)) == ["epoch_00002.pt"]
    # As if a former process had kept epoch 4 and been killed before its checkpoint.
    paths.kept_weights(4).write_bytes(b"of a former process")
    np.save(paths.vog_pixel, np.zeros(60))
    visible: list[int] = []
    write = EpochWriter._write

    def look_and_write(writer: EpochWriter, metrics: Any, *others: Any) -> None:
        write(writer, metrics, *others)
        visible.append(len(kept(Run(paths))))

    monkeypatch.setattr(EpochWriter, "_write", look_and_write)
    train_run(paths, dataset=tiny_dataset)
    assert visible == [2, 2, 3]
    assert not paths.vog_pixel.exists()
    for epoch in config.kept_epochs:
        ours, theirs = (
            torch.load(p.kept_weights(epoch), weights_only=True) for p in (paths, straight)
        )
        assert set(ours) == {"schema_version", "epoch", "network"}
        for name, weights in theirs["network"].items():
            torch.testing.assert_close(ours["network"][name], weights)


def test_weights_are_kept_before_the_status_shows_their_epoch(
    tmp_path: Path,
    tiny_config: TrainingConfig,
    tiny_dataset: LabeledImages,
    monkeypatch: pytest.MonkeyPatch,
):
    from coreset_lib.training.running.checkpoints import Checkpoint

    paths = create_run(tmp_path, replace(tiny_config, keep_checkpoints=2), tiny_dataset)
    shown: list[tuple[int, int]] = []
    keep = Checkpoint.keep_weights

    def look_and_keep(checkpoint: Checkpoint, where: RunPaths) -> None:
        shown.append((Run(where).status().epoch, checkpoint.epoch))
        keep(checkpoint, where)

    monkeypatch.setattr(Checkpoint, "keep_weights", look_and_keep)
    train_run(paths, dataset=tiny_dataset)
    assert shown == [(2, 3), (5, 6)]


@pytest.mark.parametrize(
    ("number", "epochs", "expected"),
    [(0, 9, ()), (2, 2, (1, 2)), (3, 10, (3, 6, 10)), (10, 10, tuple(range(1, 11)))],
)
def test_kept_epochs_are_evenly_spaced_and_end_with_the_last(
    number: int, epochs: int, expected: tuple[int, ...]
):
    config = TrainingConfig(dataset="x", epochs=epochs, keep_checkpoints=number)
    assert config.kept_epochs == expected


@pytest.mark.parametrize(
    ("number", "sentence"),
    [(1, "from 2 to 100"), (101, "from 2 to 100"), (-1, "from 2"), (7, "at most the 6 epochs")],
)
def test_numbers_of_checkpoints_that_cannot_be_kept_are_refused(number: int, sentence: str):
    with pytest.raises(CoresetError, match=f"kept checkpoints .*{sentence}.* got {number}"):
        TrainingConfig(dataset="x", epochs=6, keep_checkpoints=number)


def test_the_number_is_an_option_of_train(
    tmp_path: Path,
    make_dataset: Any,
    save_npz: Any,
    monkeypatch: pytest.MonkeyPatch,
):
    file = save_npz(tmp_path / "tiny.npz", make_dataset(n_train=13))
    command = ["coreset-lens", "train", "--dataset", str(file), "--model", "small_cnn"]
    command += ["--epochs", "2", "--device", "cpu", "--keep-checkpoints", "2"]
    monkeypatch.setattr("sys.argv", [*command, "--cache", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 0
    assert kept(RunStore(tmp_path).find("latest")) == ["epoch_00001.pt", "epoch_00002.pt"]
