"""Somebody's own loop, recorded: what is kept, and what is refused in one sentence."""

import json
import sys
import time

import numpy as np
import pytest
import torch
from torch.nn import functional

from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError, DamagedRunError
from coreset_lib.export.coresets import export_coreset
from coreset_lib.recording.batches import EpochBatches
from coreset_lib.recording.record import record
from coreset_lib.runs.create import create_run
from coreset_lib.runs.images import load_run_images
from coreset_lib.runs.store import Run, RunStore
from coreset_lib.selection import SelectionConfig
from coreset_lib.training.device import ResidentSplit
from coreset_lib.training.loop import epoch_batches, scheduled_rate
from coreset_lib.training.networks.registry import build_network
from coreset_lib.training.running.worker import train_run

LABELS = np.array([0, 1, 2, 0, 1, 2])
ALL = torch.arange(6)


def make(cache, **changes):
    options = {"labels": LABELS, "epochs": 2, "umap": "none", "cache": cache} | changes
    return record("my CNN", **options)


def logits(n=6, outputs=3):
    return torch.randn(n, outputs, generator=torch.Generator().manual_seed(0))


def record_all(cache, batches=((ALL, 6),), *, figures=None, error=None, **changes):
    """Record the same batches, (indices, logits or how many), in every epoch."""
    with make(cache, **changes) as recorder:
        for _ in recorder:
            for rows, out in batches:
                recorder.batch(rows, logits(out) if isinstance(out, int) else out)
            recorder.log(**(figures or {}))
            if error is not None:
                raise error


def only_run(cache):
    (run,) = RunStore(cache).runs()
    return run


def test_a_recorded_run_says_what_it_is_and_nothing_that_it_is_not(cache):
    with make(cache, recipe="AdamW 1e-3, mixup") as recorder:
        for _ in recorder:
            recorder.batch(ALL, logits())
            recorder.log(val_accuracy=torch.tensor(0.5), dice=0.25)
    run = only_run(cache)
    assert run.run_id == recorder.run_id
    manifest = run.manifest
    assert (manifest.origin, manifest.title) == ("recorded", "my CNN")
    assert (manifest.recipe, manifest.config) == ("AdamW 1e-3, mixup", {})
    assert manifest.device == "cpu"
    assert run.status().state == "finished"
    assert [(m["epoch"], m["val_accuracy"], m["dice"]) for m in run.metrics()] == [
        (1, 0.5, 0.25),
        (2, 0.5, 0.25),
    ]
    provenance = json.dumps(
        export_coreset(run, SelectionConfig(strategy="top", rate=0.5, score="el2n")).provenance
    )
    assert "AdamW 1e-3, mixup" in provenance
    assert "small_cnn" not in provenance
    assert "momentum" not in provenance


def test_a_loop_that_does_what_our_trainer_does_gives_the_same_planes(
    tmp_path, cache, tiny_dataset, tiny_config, monkeypatch, one_thread
):
    monkeypatch.setitem(sys.modules, "umap", None)
    choose = "coreset_lib.training.running.worker.decide_cpu_precision"
    # What is faster here plays no part.
    monkeypatch.setattr(choose, lambda *_, **__: False, raising=False)
    config, dataset = tiny_config, tiny_dataset
    ours = create_run(tmp_path / "ours", config, dataset)
    train_run(ours, dataset=dataset)

    split = ResidentSplit.place(dataset.train, torch.device("cpu"))
    net = build_network(
        config.model,
        n_classes=dataset.n_classes,
        n_channels=dataset.n_channels,
        image_size=min(dataset.image_size),
        seed=config.seed,
    ).to(memory_format=torch.channels_last)
    sgd = torch.optim.SGD(
        net.parameters(),
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=True,
        weight_decay=config.weight_decay,
        fused=True,
    )
    step = 0
    with record(
        "the same", labels=dataset.train.labels, epochs=config.epochs, cache=cache, umap="none"
    ) as recorder:
        for epoch in recorder:
            net.train()
            batches = epoch_batches(
                len(split), config.batch_size, seed=config.seed, epoch=epoch - 1
            )
            for rows in batches:
                sgd.param_groups[0]["lr"] = scheduled_rate(
                    config, step / (config.epochs * len(batches))
                )
                images, labels = split.batch(rows)
                out = net(images)
                loss = functional.cross_entropy(out, labels)
                sgd.zero_grad()
                loss.backward()
                sgd.step()
                recorder.batch(rows, out)
                step += 1
    expected, found = Run(ours).dynamics(), only_run(cache).dynamics()
    assert set(found.planes) == set(expected.planes)
    for name in expected.planes:
        np.testing.assert_array_equal(found.plane(name), expected.plane(name), err_msg=name)


@pytest.mark.parametrize("library", ["numpy", "torch", "list", "bfloat16"])
def test_arrays_and_tensors_are_taken(cache, library):
    with make(cache) as recorder:
        for _ in recorder:
            rows, out = ALL, logits()
            if library == "numpy":
                rows, out = rows.numpy(), out.numpy()
            elif library == "list":
                rows, out = rows.tolist(), out.tolist()
            elif library == "bfloat16":
                out = out.bfloat16().requires_grad_()
            recorder.batch(rows[:4], out[:4])
            recorder.batch(rows[4:], out[4:])
    expected = torch.softmax(logits(), 1).gather(1, torch.from_numpy(LABELS)[:, None])[:, 0]
    kept = only_run(cache).dynamics().plane("label_probability")[1]
    np.testing.assert_allclose(kept, expected, atol=2e-2 if library == "bfloat16" else 1e-6)


def test_any_number_of_labels_is_recorded(cache):
    labels = np.array([[0, 1], [1, 1], [0, 0], [1, 0]])
    with record(
        "two", labels=labels, class_names=("a", "b"), epochs=1, cache=cache, umap="none"
    ) as recorder:
        for _ in recorder:
            recorder.batch([0, 1, 2, 3], 8.0 * (2 * labels - 1))
    run = only_run(cache)
    assert run.manifest.dataset.label_names == ("a", "b")
    assert run.dynamics().is_correct().all()
    assert run.samples()["labels"].tolist() == ["b", "a + b", "no finding", "a"]


REFUSED = {
    "twice in a batch": ([([0, 0], 2)], "got sample 0 twice"),
    "twice in an epoch": ([([0, 1], 2), ([1, 2], 2)], "got sample 1 twice"),
    "a gap": ([([0, 1, 2], 3)], "got nothing of samples 3, 4, 5 in epoch 1"),
    "beyond the end": ([([0, 6], 2)], "indices must be from 0 to 5, got 6"),
    "before the start": ([([-1], 1)], "indices must be from 0 to 5, got -1"),
    "too few logits": ([([0, 1], 1)], r"logits must be real numbers of shape \(2, 3\)"),
    "indices of two dimensions": ([([[0, 1]], 1)], "indices must be whole numbers"),
    "real indices": ([([0.0, 1.0], 2)], "indices must be whole numbers"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_in_one_sentence(cache, case):
    batches, message = REFUSED[case]
    with pytest.raises(CoresetError, match=message):
        record_all(cache, batches)
    status = only_run(cache).status()
    assert (status.state, status.epoch) == ("failed", 0)


def test_logits_that_are_not_finite_are_refused(cache):
    out = logits()
    out[4, 1] = torch.inf
    with pytest.raises(CoresetError, match="got others for sample 4 in epoch 1"):
        record_all(cache, [(ALL, out)])


def test_a_single_output_is_told_how_to_become_two(cache):
    with pytest.raises(CoresetError, match="zeros_like"):
        record_all(cache, [(ALL, logits(6, 1))], labels=LABELS % 2)


WRONG = {
    "labels of real numbers": ({"labels": [0.5, 1.0]}, "labels must be whole class numbers"),
    "negative labels": ({"labels": [0, 1, -1]}, "must be from 0 to 1"),
    "one class": ({"labels": [0, 0]}, "at least two classes"),
    "too few names": ({"class_names": ("a", "b")}, "must be from 0 to 1, got 2"),
    "equal names": ({"class_names": ("a", "a", "b")}, "class_names must differ"),
    "too few images": ({"images": np.zeros((5, 8, 8))}, "images of train must be as many"),
    "images of one dimension": ({"images": np.zeros(6)}, "images must be pictures"),
    "images with NaN": ({"images": np.full((6, 8, 8), np.nan)}, "images must be finite"),
    "equal ids": ({"sample_ids": ["a"] * 6}, "sample_ids must be different"),
    "no epochs": ({"epochs": 0}, "epochs must be from 1"),
    "val images alone": ({"val_images": np.zeros((2, 8, 8))}, "must both be given"),
    "another map": ({"umap": "later"}, "umap must be one of background, now, none"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_recorded_is_refused_before_a_run_is_made(cache, case):
    changes, message = WRONG[case]
    with pytest.raises(CoresetError, match=message):
        make(cache, **changes)
    assert not RunStore(cache).runs()


def fail_in(cache, epoch_to_fail, error, **changes):
    with make(cache, epochs=5, **changes) as recorder:
        for epoch in recorder:
            recorder.batch(ALL[:3], logits(3))
            if epoch == epoch_to_fail:
                raise error
            recorder.batch(ALL[3:], logits(3))


def test_an_exception_leaves_a_failed_run_with_its_complete_epochs(cache):
    with pytest.raises(ZeroDivisionError):
        fail_in(cache, 3, ZeroDivisionError("division by zero"))
    run = only_run(cache)
    assert (run.status().state, run.status().epoch) == ("failed", 2)
    assert "ZeroDivisionError: division by zero" in run.status().error
    assert run.dynamics().n_epochs == len(run.metrics()) == 2


def test_ctrl_c_leaves_a_stopped_run_with_its_complete_epochs(cache):
    with pytest.raises(KeyboardInterrupt):
        fail_in(cache, 4, KeyboardInterrupt())
    status = only_run(cache).status()
    assert (status.state, status.epoch, status.error) == ("stopped", 3, None)


def test_an_epoch_that_was_whole_is_kept_when_its_validation_fails(cache):
    with pytest.raises(OSError, match="lost"):
        record_all(cache, error=OSError("lost"))
    assert only_run(cache).status().epoch == 1


def test_a_loop_that_ends_early_is_finished_with_fewer_epochs(cache):
    with make(cache, epochs=9) as recorder:
        for epoch in recorder:
            recorder.batch(ALL, logits())
            if epoch == 3:
                break
    status = only_run(cache).status()
    assert (status.state, status.epoch, status.epochs) == ("finished", 3, 3)
    assert only_run(cache).dynamics().plane("margin").shape == (3, 6)


def test_nothing_recorded_is_no_run_to_look_at(cache):
    with pytest.raises(CoresetError, match="at least one epoch"), make(cache):
        pass
    assert only_run(cache).status().state == "failed"


def test_what_is_out_of_order_is_refused(cache):
    recorder = make(cache)
    with pytest.raises(CoresetError, match="with block"):
        next(iter(recorder))
    with pytest.raises(CoresetError, match="within an epoch"), recorder:
        recorder.batch(ALL, logits())


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ({"loss": float("nan")}, "figure loss must be one finite number"),
        ({"loss": [1, 2]}, "figure loss must be one finite number"),
        ({"seconds": 1}, "which the recorder fills in"),
    ],
)
def test_figures_that_are_none_are_refused(cache, figures, message):
    with pytest.raises(CoresetError, match=message):
        record_all(cache, figures=figures)


FORMS = {
    "grey": (np.uint8, (6, 8, 9), (6, 8, 9)),
    "one channel first": (np.uint8, (6, 1, 8, 9), (6, 8, 9)),
    "colours last": (np.uint8, (6, 8, 9, 3), (6, 8, 9, 3)),
    "colours first": (np.uint8, (6, 3, 8, 9), (6, 8, 9, 3)),
    "volumes": (np.uint8, (6, 7, 8, 9), (6, 7, 8, 9)),
    "volumes, one channel": (np.uint8, (6, 1, 7, 8, 9), (6, 7, 8, 9)),
    "real numbers": (np.float32, (6, 1, 8, 9), (6, 8, 9)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("as_tensor", [True, False])
def test_images_of_every_form_come_back(cache, form, as_tensor):
    dtype, shape, expected = FORMS[form]
    images = np.random.default_rng(0).integers(0, 256, shape).astype(dtype)
    images.flat[:2] = 0, 255
    given = torch.from_numpy(images) if as_tensor else images
    if dtype == np.float32:
        given = given / 255 - 0.5
    options = {"val_images": given[:2], "val_labels": [0, 1]}
    with make(cache, epochs=1, images=given, **options) as recorder:
        for _ in recorder:
            recorder.batch(ALL, logits())
    run = only_run(cache)
    dataset = load_run_images(run)
    assert dataset.train.images.shape == expected
    assert dataset.fingerprint() == run.manifest.dataset.fingerprint
    plain = images if form != "colours first" else np.moveaxis(images, 1, -1)
    np.testing.assert_array_equal(dataset.train.images, plain.reshape(expected))
    np.testing.assert_array_equal(dataset.val.images, plain.reshape(expected)[:2])
    scale = run.manifest.image_range
    assert scale == (None if dtype == np.uint8 else pytest.approx((-0.5, 0.5)))


def test_images_that_shrink_while_they_are_open_are_a_damaged_run(cache):
    images = np.random.default_rng(0).integers(0, 256, (6, 70, 70)).astype(np.uint8)
    with make(cache, epochs=1, images=images) as recorder:
        for _ in recorder:
            recorder.batch(ALL, logits())
    run = only_run(cache)
    found = load_run_images(run).train.images
    np.testing.assert_array_equal(found[4], images[4])
    with run.paths.images("train").open("r+b") as file:  # as cp and scp begin
        file.truncate(0)
    with pytest.raises(DamagedRunError, match="is damaged"):
        found[4]


def test_without_images_one_sentence_says_so(cache):
    with make(cache, epochs=1) as recorder:
        for _ in recorder:
            recorder.batch(ALL, logits())
    with pytest.raises(CoresetError, match="recorded without images"):
        load_run_images(only_run(cache))


class TestEmbedding:
    def test_by_default_it_is_the_mean_of_early_probabilities(self, cache):
        with make(cache, epochs=9) as recorder:
            for epoch in recorder:
                recorder.batch(ALL, logits() * epoch)
        found = only_run(cache).embedding()
        expected = np.mean([torch.softmax(logits() * e, 1).numpy() for e in range(1, 7)], axis=0)
        np.testing.assert_allclose(found, expected, atol=1e-3)
        about = json.loads(only_run(cache).paths.embedding_info.read_text())
        assert (about["kind"], about["epoch"]) == ("early", 6)

    def embed(self, cache, *arguments, images=None):
        with make(cache, epochs=1, images=images) as recorder:
            for _ in recorder:
                recorder.batch(ALL, logits())
            recorder.embed(*arguments)
        return only_run(cache).embedding()

    def test_a_backbone_sees_the_images_and_is_left_as_it_was(self, cache):
        images = np.arange(6 * 16, dtype=np.uint8).reshape(6, 4, 4)
        backbone = torch.nn.Sequential(torch.nn.Dropout(0.9), torch.nn.Flatten())
        found = self.embed(cache, backbone, images=images)
        np.testing.assert_allclose(found, images.reshape(6, 16) / 255, atol=1e-6)
        assert backbone.training

    def test_a_backbone_sees_the_batches_of_the_loop(self, cache):
        batches = [(torch.tensor([5, 0]), torch.tensor([[5.0], [0.0]]), "label")]
        batches += [(np.array([1, 2, 3, 4]), torch.tensor([[1.0], [2], [3], [4]]), "label")]
        found = self.embed(cache, lambda batch: batch * 2, batches)
        np.testing.assert_array_equal(found[:, 0], 2.0 * np.arange(6))

    def test_an_array_is_kept(self, cache):
        given = np.random.default_rng(0).normal(size=(6, 5))
        np.testing.assert_allclose(self.embed(cache, given), given, atol=1e-6)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (np.zeros((5, 2)), "a row for each of the 6 samples"),
            (np.full((6, 2), np.nan), "must be finite"),
            (lambda batch: batch, "embed needs images"),
        ],
    )
    def test_others_are_refused(self, cache, given, message):
        with pytest.raises(CoresetError, match=message):
            self.embed(cache, given)


@pytest.mark.filterwarnings("ignore")  # UMAP's own
def test_the_map_is_made_at_once_where_that_is_asked_for(cache):
    labels = np.arange(30) % 3
    maps = []
    for _ in range(2):
        with make(cache, labels=labels, epochs=1, umap="now", seed=3) as recorder:
            for _ in recorder:
                recorder.batch(np.arange(30), logits(30))
            recorder.embed(np.linspace(0, 1, 30)[:, None] + np.zeros((30, 4)))
        maps.append(Run(RunStore(cache).find(recorder.run_id).paths).umap())
    assert maps[0].shape == (30, 2)
    np.testing.assert_array_equal(*maps)


def test_what_needs_a_recipe_asks_for_one(cache):
    from coreset_lib.runs.recipe import run_recipe
    from coreset_lib.runs.resume import check_resumable, plain_config

    with make(cache, recipe="AdamW") as recorder:
        for _ in recorder:
            recorder.batch(ALL, logits())
    run = only_run(cache)
    with pytest.raises(CoresetError, match="needs a recipe: give --model small_cnn --epochs 20"):
        run_recipe(run, {"model": "small_cnn"})
    with pytest.raises(CoresetError, match="only that training can go on with"):
        check_resumable(run)
    with pytest.raises(CoresetError, match="has no recipe"):
        plain_config(run.paths)
    config = run_recipe(run, {"model": "small_cnn", "epochs": 3, "learning_rate": 1e-5})
    assert (config.model, config.epochs, config.final_learning_rate) == ("small_cnn", 3, 1e-5)
    assert isinstance(config, TrainingConfig)


def test_the_map_is_made_by_a_process_of_its_own_after_the_end(cache):
    record_all(cache, [(ALL[:3], 3)], labels=LABELS[:3], umap="background")
    run = only_run(cache)
    assert run.status().state == "finished"
    deadline = time.monotonic() + 120
    while not run.status().notes and time.monotonic() < deadline:
        time.sleep(0.2)
    assert run.status().notes == ("No map: UMAP needs at least 4 samples, got 3.",)


def test_several_processes_are_refused(cache, monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    with pytest.raises(CoresetError, match="must be by one process to be recorded, got 2"):
        record_all(cache)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
class TestOnGpu:
    def test_positions_on_the_device_are_counted_there(self, cache):
        record_all(cache, [(ALL.cuda(), logits().cuda())])
        assert "cuda" in only_run(cache).manifest.device

    @pytest.mark.parametrize(
        ("rows", "message"),
        [([0, 0, 1, 2, 3, 4], "got nothing of sample 5"), ([0, 1, 2, 3, 4, 9], "got 1 others")],
    )
    def test_mistakes_are_told_at_the_end_of_the_epoch(self, cache, rows, message):
        with pytest.raises(CoresetError, match=message):
            record_all(cache, [(torch.tensor(rows).cuda(), logits().cuda())])


def test_positions_are_counted_without_waiting_for_a_device():
    batches = EpochBatches(LABELS, 3)
    batches.add(ALL[:2], logits(2))
    seen = batches._count_there(torch.tensor([2, 3, 9, -1, 3]))
    assert seen.tolist() == [2, 3, 5, 0, 3]
    with pytest.raises(CoresetError, match="got 2 others in epoch 1"):
        batches.finish(1)
