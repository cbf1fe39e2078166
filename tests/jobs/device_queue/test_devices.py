"""Names of devices and of those who use them, without PyTorch."""

import os
import sys
from types import SimpleNamespace

import pytest

from coreset_lib.jobs.device_queue import devices


class NVMLError(Exception):
    pass


@pytest.fixture
def nvml(monkeypatch):
    """NVML as pynvml gives it, on a machine where one GPU is used by another program."""
    others = [
        SimpleNamespace(pid=41, usedGpuMemory=3 * 2**30),
        SimpleNamespace(pid=42, usedGpuMemory=None),
        SimpleNamespace(pid=os.getpid(), usedGpuMemory=2**30),
    ]

    def name_of(pid):
        if pid == 42:
            raise NVMLError
        return b"/usr/bin/python train.py"

    module = SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda number: number,
        nvmlDeviceGetHandleByUUID=lambda text: 0,
        nvmlDeviceGetComputeRunningProcesses=lambda handle: others if handle == 0 else [],
        nvmlSystemGetProcessName=name_of,
    )
    monkeypatch.setitem(sys.modules, "pynvml", module)
    return module


@pytest.mark.parametrize(
    ("device", "visible", "name"),
    [
        ("cpu", "", "cpu"),
        ("mps", "", "mps"),
        ("cuda", "", "cuda:0"),
        ("cuda:1", "", "cuda:1"),
        ("cuda", "3,5", "cuda:3"),
        ("cuda:1", "3,5", "cuda:5"),
        ("cuda", "GPU-0a1b", "cuda:GPU-0a1b"),
    ],
)
def test_a_device_is_named_as_the_machine_counts(device, visible, name, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert devices.queue_name(device) == name


@pytest.mark.usefixtures("nvml")
def test_a_busy_gpu_names_the_others_and_not_this_process(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert devices.busy_note("cuda:0") == (
        "cuda:0 is also used by python (process 41, 3.0 GiB), another program (process 42); "
        "training may be slow."
    )
    assert devices.busy_note("cuda:1") is None
    assert devices.busy_note("cpu") is None


def test_a_driver_that_fails_is_no_reason_to_crash(nvml):
    def fail(*_):
        raise NVMLError

    nvml.nvmlInit = fail
    assert devices.gpu_processes("cuda:0") == []


def test_without_nvml_nobody_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert devices.busy_note("cuda:0") is None
