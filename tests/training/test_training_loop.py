"""One visit per sample and epoch, both recording conventions, repeatability."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from coreset_lib.recording.recorder import DynamicsRecorder, describe_logits
from coreset_lib.training.device import ResidentSplit, resolve_device
from coreset_lib.training.loop import Trainer, embed, epoch_batches, evaluate, predict
from coreset_lib.training.networks.registry import build_network

CPU = torch.device("cpu")


def build_trainer(config, dataset):
    torch.set_num_threads(1)
    network = build_network(
        config.model,
        n_classes=dataset.n_classes,
        n_channels=dataset.n_channels,
        image_size=min(dataset.image_size),
        seed=config.seed,
    )
    train = ResidentSplit.place(dataset.train, CPU)
    recorder = DynamicsRecorder(train.labels, dataset.n_classes, keep_probabilities=True)
    val = ResidentSplit.place(dataset.val, CPU)
    return Trainer.prepare(network, config, train, val, recorder=recorder)


def train(config, dataset):
    """Return metrics and rows of every epoch, and the trainer."""
    trainer = build_trainer(config, dataset)
    epochs = [(metrics, trainer.recorder.finish_epoch()) for metrics in trainer.epochs()]
    return epochs, trainer


@settings(deadline=None, max_examples=80)
@given(st.integers(2, 70), st.integers(2, 40), st.integers(0, 5))
def test_every_sample_is_in_exactly_one_batch_of_at_least_two(n_samples, batch_size, epoch):
    batches = epoch_batches(n_samples, batch_size, seed=0, epoch=epoch)
    assert sorted(torch.cat(batches).tolist()) == list(range(n_samples))
    assert min(map(len, batches)) >= 2
    assert max(map(len, batches)) <= batch_size + 1
    assert len(batches) in (math.ceil(n_samples / batch_size), n_samples // batch_size)


def test_the_order_differs_between_epochs_and_seeds_and_repeats_for_the_same():
    def order(seed, epoch):
        return torch.cat(epoch_batches(50, 16, seed=seed, epoch=epoch)).tolist()

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(0, 1)
    assert order(0, 0) != order(1, 0)


@pytest.mark.parametrize(("n_train", "batch_size"), [(61, 20), (17, 16), (7, 2), (30, 64)])
@pytest.mark.parametrize("recording", ["minibatch", "eval_pass"])
def test_awkward_sizes_leave_no_gap(make_dataset, tiny_config, n_train, batch_size, recording):
    dataset = make_dataset(n_train=n_train)
    config = replace(tiny_config, epochs=2, batch_size=batch_size, recording=recording)
    epochs, _ = train(config, dataset)
    for _, rows in epochs:
        assert all(len(values) == n_train for values in rows.values())
        assert not any(np.isnan(v).any() for v in rows.values() if v.dtype.kind == "f")
        assert rows["prediction"].max() < 3


def test_minibatch_records_the_logits_from_before_the_batchs_update(tiny_dataset, tiny_config):
    config = replace(tiny_config, epochs=1)
    trainer = build_trainer(config, tiny_dataset)
    first = epoch_batches(60, 16, seed=config.seed, epoch=0)[0]
    fresh = build_trainer(config, tiny_dataset).network.train()
    images, labels = trainer.train.batch(first)
    with torch.no_grad():
        expected = describe_logits(fresh(images), labels)
    next(trainer.epochs())
    rows = trainer.recorder.finish_epoch()
    np.testing.assert_array_equal(rows["error_norm"][first], expected["error_norm"].numpy())
    np.testing.assert_array_equal(rows["prediction"][first], expected["prediction"].numpy())


def test_minibatch_sees_the_updates_of_earlier_batches(tiny_dataset, tiny_config):
    config = replace(tiny_config, epochs=1)
    trainer = build_trainer(config, tiny_dataset)
    second = epoch_batches(60, 16, seed=config.seed, epoch=0)[1]
    fresh = build_trainer(config, tiny_dataset).network.train()
    images, labels = trainer.train.batch(second)
    with torch.no_grad():
        unchanged = describe_logits(fresh(images), labels)
    next(trainer.epochs())
    rows = trainer.recorder.finish_epoch()
    assert np.abs(rows["error_norm"][second] - unchanged["error_norm"].numpy()).min() > 0


def test_eval_pass_records_what_the_network_says_after_the_epoch(tiny_dataset, tiny_config):
    config = replace(tiny_config, epochs=2, recording="eval_pass")
    trainer = build_trainer(config, tiny_dataset)
    for _ in trainer.epochs():
        rows = trainer.recorder.finish_epoch()
        logits = torch.cat([part for _, part, _ in predict(trainer.network, trainer.train)])
        expected = describe_logits(logits, trainer.train.labels)
        np.testing.assert_array_equal(rows["error_norm"], expected["error_norm"].numpy())


def test_the_conventions_differ_in_the_record_but_not_in_the_training(tiny_dataset, tiny_config):
    config = replace(tiny_config, epochs=2)
    minibatch, one = train(config, tiny_dataset)
    clean, other = train(replace(config, recording="eval_pass"), tiny_dataset)
    assert (minibatch[0][1]["error_norm"] != clean[0][1]["error_norm"]).mean() > 0.9
    for a, b in zip(
        one.network.state_dict().values(), other.network.state_dict().values(), strict=True
    ):
        assert torch.equal(a, b)


def test_recording_does_not_change_the_training(tiny_dataset, tiny_config):
    config = replace(tiny_config, epochs=2)
    _, recorded = train(config, tiny_dataset)
    bare = build_trainer(config, tiny_dataset)
    bare.recorder = None
    list(bare.epochs())
    pairs = zip(recorded.network.parameters(), bare.network.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_accuracy_equals_that_of_the_recorded_predictions(tiny_dataset, tiny_config):
    for metrics, rows in train(tiny_config, tiny_dataset)[0]:
        is_correct = rows["prediction"] == tiny_dataset.train.labels
        assert metrics.train_accuracy == pytest.approx(is_correct.mean())
        loss = -np.log(rows["label_probability"].astype(np.float64)).mean()
        assert metrics.train_loss == pytest.approx(loss, rel=1e-4)


def test_the_network_learns_the_stripes(tiny_dataset, tiny_config):
    epochs, trainer = train(replace(tiny_config, epochs=12), tiny_dataset)
    assert epochs[-1][0].val_accuracy == evaluate(trainer.network, trainer.val)[1]
    assert epochs[-1][0].val_accuracy >= 0.9


def test_the_learning_rate_falls_along_a_cosine_of_iterations(tiny_dataset, tiny_config):
    epochs, _ = train(tiny_config, tiny_dataset)
    n_batches, n_epochs = 4, 6
    for metrics, _ in epochs:
        last_step = metrics.epoch * n_batches - 1
        cosine = (1 + math.cos(math.pi * last_step / (n_epochs * n_batches))) / 2
        assert metrics.learning_rate == pytest.approx(1e-4 + (0.05 - 1e-4) * cosine)


def test_colour_and_odd_sizes_train(make_dataset, tiny_config):
    for size, channels in ((13, 3), (29, 1), (57, 3)):
        dataset = make_dataset(n_train=20, size=size, channels=channels)
        epochs, trainer = train(replace(tiny_config, epochs=1), dataset)
        assert math.isfinite(epochs[0][0].train_loss)
        assert embed(trainer.network, trainer.train).shape == (20, 128)


def test_images_kept_as_bytes_train_the_same(tiny_dataset, tiny_config, monkeypatch):
    config = replace(tiny_config, epochs=1)
    expected = train(config, tiny_dataset)[0][0][1]["error_norm"]
    monkeypatch.setattr("coreset_lib.training.device.FLOAT_BUDGET_BYTES", 0)
    epochs, trainer = train(config, tiny_dataset)
    assert trainer.train.images.dtype == torch.uint8
    np.testing.assert_array_equal(epochs[0][1]["error_norm"], expected)


def test_small_cnn_has_about_a_hundred_thousand_parameters():
    network = build_network("small_cnn", n_classes=11, n_channels=1, image_size=28, seed=0)
    assert 90_000 <= sum(p.numel() for p in network.parameters()) <= 110_000


def test_resnet18_has_a_small_stem_up_to_64_pixels():
    small = build_network("resnet18", n_classes=2, n_channels=1, image_size=64, seed=0)
    large = build_network("resnet18", n_classes=2, n_channels=3, image_size=128, seed=0)
    assert small.features.conv1.kernel_size == (3, 3)
    assert large.features.conv1.kernel_size == (7, 7)
    assert isinstance(small.features.maxpool, torch.nn.Identity)
    with torch.no_grad():
        assert small.eval()(torch.zeros(1, 1, 28, 28)).shape == (1, 2)
        assert large.eval()(torch.zeros(1, 3, 128, 128)).shape == (1, 2)


def test_weights_depend_on_the_seed_and_leave_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = (
        build_network("small_cnn", n_classes=2, n_channels=1, image_size=28, seed=seed)
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(one.head.weight, same.head.weight)
    assert not torch.equal(one.head.weight, other.head.weight)


def test_a_device_that_is_not_there_is_refused_in_words():
    from coreset_lib.errors import CoresetError

    with pytest.raises(CoresetError, match=r"device must be present, got cuda:99"):
        resolve_device("cuda:99")
    assert resolve_device("cpu") == CPU
