"""Numbers of 16 bits on a CPU: only where they are asked for, whatever processor and clock say."""

import itertools
import json
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError
from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run
from coreset_lib.system import hardware
from coreset_lib.training import precision
from coreset_lib.training.precision import (
    check_precision,
    has_bfloat16_units,
    mixed_precision,
    tiny_numbers_as_zero,
)
from coreset_lib.training.running.stopping import Stop
from coreset_lib.training.running.worker import train_run
from coreset_lib.training.targets.co_teaching import co_teach
from coreset_lib.training.targets.stacked import train_stacked_targets
from coreset_lib.training.targets.target import ResidentDataset, train_target

pytestmark = pytest.mark.usefixtures("without_umap", "one_thread")
CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("content", "has_units"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 sse", True),
        ("flags\t\t: fpu amx_tile amx_bf16", True),
        ("flags\t\t: fpu avx2 avx512f", False),
        ("Features\t: asimd", False),
        ("Features\t: asimd bf16", True),
    ],
)
def test_units_are_read_from_what_the_processor_says(tmp_path, monkeypatch, content, has_units):
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\n{content}\n")
    monkeypatch.setattr(hardware, "CPU_INFO", info)
    assert has_bfloat16_units() is has_units


def test_a_processor_that_does_not_say_is_not_judged(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "CPU_INFO", tmp_path / "nothing")
    assert has_bfloat16_units() is None


@pytest.mark.parametrize(
    ("precision", "device", "is_on"),
    [
        ("auto", "cpu", False),
        ("auto", "cuda", True),
        ("float32", "cpu", False),
        ("float32", "cuda", False),
        ("bfloat16", "cpu", True),
        ("bfloat16", "cuda", True),
        ("auto", "mps", False),
    ],
)
def test_16_bits_are_taken_on_cuda_or_where_they_are_asked_for(
    monkeypatch, precision, device, is_on
):
    asked = {}
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    monkeypatch.setattr(torch, "autocast", lambda kind, **options: asked.update(options))
    mixed_precision(torch.device(device), precision)
    assert asked == {"dtype": torch.bfloat16, "enabled": is_on}


def test_what_a_device_cannot_compute_in_is_refused():
    check_precision("auto", torch.device("mps"))
    with pytest.raises(CoresetError, match=r"needs the device cpu or cuda, got mps\. Choose"):
        check_precision("bfloat16", torch.device("mps"))
    with pytest.raises(CoresetError, match="precision must be one of auto, float32, bfloat16, got"):
        TrainingConfig(dataset="x", precision="half")


@pytest.fixture
def train(tmp_path, tiny_config, tiny_dataset):
    """Return a function that trains a run with some options; it gives the run back."""

    def run(**options):
        config = replace(tiny_config, epochs=3, **options)
        run = Run(create_run(tmp_path, config, tiny_dataset))
        train_run(run.paths, dataset=tiny_dataset)
        return run

    return run


@pytest.fixture(params=[True, False], ids=["with units", "without units"])
def processor(request, monkeypatch):
    """Imitate a processor with units for bfloat16, and one without."""
    monkeypatch.setattr(precision, "has_bfloat16_units", lambda: request.param)
    return request.param


def bits_of(run):
    """All that a training computed; what it says of the time is left out."""
    paths = [*sorted(run.paths.dynamics.glob("*.npy")), run.paths.embedding]
    return {path.name: path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def plain_bits(one_thread, tmp_path_factory, tiny_config, tiny_dataset):
    """What a run in 32 bits computes, on the processor that is really there."""
    config = replace(tiny_config, epochs=3, precision="float32")
    run = Run(create_run(tmp_path_factory.mktemp("plain"), config, tiny_dataset))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "umap", None)
        train_run(run.paths, dataset=tiny_dataset)
    return bits_of(run)


def test_by_default_every_processor_computes_the_same_bits(train, processor, plain_bits):
    run = train()
    assert bits_of(run) == plain_bits
    assert run.manifest.config["precision"] == "auto"
    assert not run.paths.precision.exists()


def test_no_clock_decides_what_is_computed(train, plain_bits, monkeypatch):
    moments = itertools.accumulate(itertools.cycle([1e-6, 5.0, 0.1]))
    monkeypatch.setattr(time, "perf_counter", lambda: next(moments))
    assert bits_of(train()) == plain_bits


def test_16_bits_that_were_asked_for_stand_in_the_manifest(train, processor, plain_bits):
    run = train(precision="bfloat16")
    assert run.manifest.config["precision"] == "bfloat16"
    assert bits_of(run).keys() == plain_bits.keys()
    assert bits_of(run)["error_norm.npy"] != plain_bits["error_norm.npy"]
    warned = any("no units for bfloat16" in note for note in run.status().notes)
    assert warned is not processor


def stop_after_first_epoch(run, dataset):
    stop = Stop()
    status = train_run(
        run.paths,
        dataset=dataset,
        stop=stop,
        on_epoch=lambda metrics: stop.set() if metrics.epoch == 1 else None,
    )
    assert (status.state, status.epoch) == ("stopped", 1)


def forget_option(run):
    """Make a manifest as it was before precision was an option."""
    manifest = json.loads(run.paths.manifest.read_text())
    del manifest["config"]["precision"]
    run.paths.manifest.write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("decision", "precision_of_now"),
    [
        ('{"schema_version": 1, "cpu_bfloat16": true}', "bfloat16"),
        ('{"schema_version": 1, "cpu_bfloat16": false}', "float32"),
        ("damaged", "float32"),
        (None, "float32"),
    ],
)
def test_a_run_of_before_goes_on_in_the_precision_it_began_with(
    tmp_path, tiny_config, tiny_dataset, train, processor, decision, precision_of_now
):
    whole = train(precision=precision_of_now)
    config = replace(tiny_config, epochs=3, precision=precision_of_now)
    run = Run(create_run(tmp_path, config, tiny_dataset))
    stop_after_first_epoch(run, tiny_dataset)
    forget_option(run)
    if decision is not None:
        run.paths.precision.write_text(decision)
    run = Run(run.paths)
    assert run.dynamics().n_epochs == 1
    train_run(run.paths, dataset=tiny_dataset)
    assert bits_of(run) == bits_of(whole)


def test_networks_trained_on_coresets_keep_the_precision_of_their_options(
    tiny_config, tiny_dataset
):
    data = ResidentDataset.place(tiny_dataset, CPU)
    rows = np.arange(30)
    config = replace(tiny_config, epochs=2)
    plain, asked, mixed = (
        train_target(data, rows, replace(config, precision=name)).val
        for name in ("auto", "float32", "bfloat16")
    )
    assert np.array_equal(plain, asked)
    assert not np.array_equal(plain, mixed)
    together = [
        train_stacked_targets(data, [rows], [replace(config, precision=name)])[0].val
        for name in ("auto", "float32", "bfloat16")
    ]
    assert np.array_equal(together[0], together[1])
    assert not np.array_equal(together[0], together[2])
    taught = [
        co_teach(data, replace(config, precision=name), noise_rate=0.1).val
        for name in ("auto", "float32", "bfloat16")
    ]
    assert np.array_equal(taught[0], taught[1])
    assert not np.array_equal(taught[0], taught[2])


def test_tiny_numbers_are_zero_while_training_and_keep_their_values_elsewhere():
    def is_zero():
        return float(torch.tensor(1e-39) * 1) == 0

    assert not is_zero()
    with tiny_numbers_as_zero():
        assert is_zero()
        with tiny_numbers_as_zero():
            assert is_zero()
        assert is_zero()
    assert not is_zero()


def test_a_training_leaves_the_process_as_it_was(tmp_path, tiny_config, make_dataset):
    dataset = make_dataset()
    run = Run(create_run(tmp_path, replace(tiny_config, epochs=1), dataset))
    seen = []
    train_run(
        run.paths,
        dataset=dataset,
        on_epoch=lambda _: seen.append(float(torch.tensor(1e-39) * 1)),
    )
    assert seen == [0.0]
    assert np.float32(1e-39) * np.float32(1) > 0
