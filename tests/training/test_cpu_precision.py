"""Numbers of 16 bits on a CPU: only with units for them, only where faster, once for each run."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run
from coreset_lib.system import hardware
from coreset_lib.training import precision
from coreset_lib.training.precision import (
    cpu_precision,
    decide_cpu_precision,
    has_bfloat16_units,
    mixed_precision,
    tiny_numbers_as_zero,
)
from coreset_lib.training.running.stopping import Stop
from coreset_lib.training.running.worker import train_run

pytestmark = pytest.mark.usefixtures("without_umap", "one_thread")
CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("content", "has_units"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 sse", True),
        ("flags\t\t: fpu amx_tile amx_bf16", True),
        ("flags\t\t: fpu avx2 avx512f", False),
        ("Features\t: asimd", False),
    ],
)
def test_units_are_read_from_what_the_processor_says(tmp_path, monkeypatch, content, has_units):
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\n{content}\n")
    monkeypatch.setattr(hardware, "CPU_INFO", info)
    assert has_bfloat16_units() is has_units
    monkeypatch.setattr(hardware, "CPU_INFO", tmp_path / "nothing")
    assert not has_bfloat16_units()


def test_a_cpu_computes_with_32_bits_unless_told_otherwise():
    assert not mixed_precision(CPU)._enabled
    with cpu_precision(True):
        assert mixed_precision(CPU)._enabled
    assert not mixed_precision(CPU)._enabled


@pytest.mark.parametrize(("factor", "decision"), [(2.0, True), (1.05, False), (0.5, False)])
def test_the_faster_way_is_taken_and_remembered(tmp_path, make_run, monkeypatch, factor, decision):
    now = [0.0]

    def step():
        now[0] += 1.0 if mixed_precision(CPU)._enabled else factor

    monkeypatch.setattr(precision, "has_bfloat16_units", lambda: True)
    monkeypatch.setattr(precision.time, "perf_counter", lambda: now[0])
    paths = make_run(tmp_path).paths
    assert decide_cpu_precision(paths, lambda: step, is_new=True) is decision
    assert json.loads(paths.precision.read_text())["cpu_bfloat16"] is decision
    assert decide_cpu_precision(paths, lambda: 1 / 0, is_new=False) is decision


def test_without_units_nothing_is_measured(tmp_path, make_run, monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16_units", lambda: False)
    paths = make_run(tmp_path).paths
    assert decide_cpu_precision(paths, lambda: 1 / 0, is_new=True) is False
    assert not paths.precision.exists()


def test_a_run_that_began_with_32_bits_goes_on_with_them(tmp_path, make_run, monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16_units", lambda: True)
    assert decide_cpu_precision(make_run(tmp_path).paths, lambda: 1 / 0, is_new=False) is False


def test_a_run_in_16_bits_resumes_in_16_bits_to_the_same_planes(
    tmp_path, tiny_config, tiny_dataset, monkeypatch
):
    monkeypatch.setattr(precision, "has_bfloat16_units", lambda: True)
    monkeypatch.setattr(precision, "_is_faster", lambda step: step() is None)
    config = replace(tiny_config, epochs=3)
    whole, broken = (Run(create_run(tmp_path, config, tiny_dataset)) for _ in range(2))
    train_run(whole.paths, dataset=tiny_dataset)
    stop = Stop()
    train_run(
        broken.paths,
        dataset=tiny_dataset,
        stop=stop,
        on_epoch=lambda metrics: stop.set() if metrics.epoch == 1 else None,
    )
    assert broken.status().state == "stopped"
    monkeypatch.setattr(precision, "has_bfloat16_units", lambda: False)
    train_run(broken.paths, dataset=tiny_dataset)
    plain = Run(create_run(tmp_path, config, tiny_dataset))
    train_run(plain.paths, dataset=tiny_dataset)
    planes = [run.paths.plane("error_norm").read_bytes() for run in (whole, broken, plain)]
    assert planes[0] == planes[1] != planes[2]


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
