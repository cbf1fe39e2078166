"""The branches for Windows and macOS, as far as they can be walked on another system."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from coreset_lib.system import ending, files, hardware, limits, processes, signals

FAMILY = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture
def windows(monkeypatch):
    """Make the program believe that it runs on Windows."""
    monkeypatch.setattr(sys, "platform", "win32")
    flags = {"CREATE_NEW_PROCESS_GROUP": 0x200, "CREATE_NO_WINDOW": 0x08000000}
    for name, value in flags.items():
        monkeypatch.setattr(subprocess, name, value, raising=False)
    for name in ("killpg", "getpgid", "setpriority", "execve"):
        monkeypatch.delattr(os, name)
    for name in ("SIGPIPE", "alarm"):  # psutil itself needs SIGKILL
        monkeypatch.delattr(signal, name)
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)


@pytest.fixture
def restored_signals():
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_process_is_started_apart_from_the_console(windows, monkeypatch):
    started = {}
    monkeypatch.setattr(
        processes.subprocess, "Popen", lambda command, **options: started.update(options)
    )
    processes.spawn(["-c", "pass"], subprocess.DEVNULL)
    assert started["creationflags"] == 0x08000200


def test_no_flags_of_windows_are_given_to_another_system(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert processes._creation_flags() == 0


def test_a_process_is_not_asked_but_killed_with_its_children(windows):
    with subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        try:
            ending.ask_to_end(parent.pid)
            assert parent.poll() is None
            ending.kill(parent.pid)
            assert parent.wait() != 0
        finally:
            parent.kill()
    gone, _ = psutil.wait_procs([child], timeout=10)
    assert gone or child.status() == psutil.STATUS_ZOMBIE
    ending.kill(parent.pid)  # gone already: nothing to do
    ending.reap(parent.pid)


def test_the_priority_is_lowered_by_one_class(windows, monkeypatch):
    classes = []
    monkeypatch.setattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", 0x4000, raising=False)
    monkeypatch.setattr(psutil.Process, "nice", lambda self, value: classes.append(value))
    ending.lower_priority(os.getpid(), 5)
    assert classes == [0x4000]


def test_a_program_that_cannot_replace_ours_runs_below_it(windows):
    code = "import os, sys; sys.exit(int(os.environ['STATUS']))"
    environment = {**os.environ, "STATUS": "3"}
    assert processes.become([sys.executable, "-c", code], environment) == 3


def test_an_orphan_notices_although_its_parents_number_stays(windows, monkeypatch):
    alive = iter([True, True, False])
    monkeypatch.setattr(processes, "is_alive", lambda pid, start: next(alive))
    processes.wait_for_orphanhood(0.0)
    assert next(alive, None) is None


def test_both_requests_to_end_are_answered(windows, restored_signals):
    heard = []
    signals.on_end_request(lambda number, frame: heard.append(number))
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGUSR1)
    assert heard == [signal.SIGTERM, signal.SIGUSR1]


def test_the_second_interrupt_interrupts(restored_signals):
    heard = []
    signals.on_interrupt(lambda number, frame: heard.append(number))
    signal.raise_signal(signal.SIGINT)
    assert heard == [signal.SIGINT]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_what_windows_does_not_have_is_left_out(windows):
    signals.end_with_reader()
    limits.limit_memory(1)
    limits.limit_time(1)
    time.sleep(0)


def test_memory_beyond_the_limit_is_refused_to_a_process(subprocess_environment):
    code = (
        "from coreset_lib.system.limits import limit_memory\n"
        "limit_memory(2**28)\n"
        "try:\n    bytearray(2**29)\nexcept MemoryError:\n    print('refused')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=subprocess_environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "refused\n"


def test_gpus_are_told_by_driver_device_file_or_processor(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "DEVICES", tmp_path)
    assert not hardware.has_nvidia_gpu()
    (tmp_path / "nvidia-uvm").touch()
    assert not hardware.has_nvidia_gpu()
    (tmp_path / "nvidia0").touch()
    assert hardware.has_nvidia_gpu()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("SYSTEMROOT", str(tmp_path))
    assert not hardware.has_nvidia_gpu()
    (tmp_path / "System32").mkdir()
    (tmp_path / "System32" / "nvcuda.dll").touch()
    assert hardware.has_nvidia_gpu()
    monkeypatch.setattr(hardware.platform, "machine", lambda: "arm64")
    assert not hardware.has_apple_gpu()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert hardware.has_apple_gpu()
    assert hardware.loopback_interface() is None


def test_a_file_that_is_read_at_the_moment_is_replaced_a_little_later(
    windows, tmp_path, monkeypatch
):
    replace, attempts = os.replace, []

    def refuse_twice(source, target):
        attempts.append(target)
        if len(attempts) < 3:
            raise PermissionError(13, "in use")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse_twice)
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")
    files.replace(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_text() == "new"


def test_a_file_that_stays_open_is_an_error_in_the_end(windows, tmp_path, monkeypatch):
    def refuse(source, target):
        raise PermissionError(13, "in use")

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(files, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(PermissionError, match="in use"):
        files.replace(tmp_path / "new", tmp_path / "old")
