"""What a status means once its process is looked up."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from coreset_lib.atomic import write_json
from coreset_lib.errors import CoresetError
from coreset_lib.jobs.processes.detached import check_idle, work_status
from coreset_lib.jobs.states import open_run
from coreset_lib.plans import PlanPaths
from coreset_lib.runs.records import Status
from coreset_lib.runs.resume import plain_status
from coreset_lib.runs.status import StatusWriter, claim, reconcile
from coreset_lib.runs.store import RunStore
from coreset_lib.system import processes
from coreset_lib.system.processes import host_name, is_alive, process_start

# A number that no process has: Linux never gives out more than 2 ** 22.
NOBODY = 2**22 + 1


def status_of(state, *, age=0.0, **changes):
    return replace(
        Status(state=state, epoch=3, epochs=9, heartbeat=time.time() - age, host=host_name()),
        **changes,
    )


def test_a_living_process_runs():
    status = claim(status_of("running", age=1000), os.getpid())
    assert reconcile(status) == status


def test_a_dead_process_is_interrupted_at_once():
    status = status_of("running", pid=NOBODY, process_start=1.0, eta_seconds=5.0)
    found = reconcile(status)
    assert (found.state, found.epoch, found.eta_seconds) == ("interrupted", 3, None)


def test_a_reused_number_with_another_start_is_interrupted():
    mine = claim(status_of("running"), os.getpid())
    assert mine.process_start is not None
    other = replace(mine, process_start=mine.process_start - 60, process_identity="")
    assert reconcile(other).state == "interrupted"
    later = replace(mine, process_identity=f"{mine.process_identity}1")
    assert reconcile(later).state == "interrupted"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells")
@pytest.mark.parametrize("step", [-86_400, -5, 5, 86_400])
def test_a_step_of_the_clock_leaves_a_living_process_alive(step):
    mine = claim(status_of("running"), os.getpid())
    stepped = replace(mine, process_start=mine.process_start + step)
    assert reconcile(stepped) == stepped
    from_another_boot = replace(mine, process_identity="other:" + mine.process_identity)
    assert reconcile(from_another_boot).state == "interrupted"


HOLDER = """
import sys, time
from coreset_lib.runs.lock import training_lock
from coreset_lib.runs.paths import RunPaths
from pathlib import Path
with training_lock(RunPaths(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def hold():
    """Return ``hold(run)``, which lets another process hold the run's lock."""
    holders = []

    def start(run):
        command = [sys.executable, "-c", HOLDER, str(run.paths.root)]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holders.append(holder)
        assert holder.stdout.readline() == b"held\n"

    yield start
    for holder in holders:
        holder.communicate()


@pytest.mark.parametrize("host", [None, "node17"])
def test_a_run_whose_lock_is_held_is_neither_dead_nor_deleted(tmp_path, make_run, hold, host):
    run = make_run(tmp_path)
    changes = {} if host is None else {"host": host}
    write_json(
        run.paths.status,
        status_of("running", age=10_000, pid=NOBODY, process_start=1.0, **changes).as_dict(),
    )
    asking_slurm = open_run(run.paths)  # as commands and pages open it
    assert run.status().state == asking_slurm.status().state == "interrupted"
    hold(run)
    assert run.status().state == asking_slurm.status().state == "running"
    assert plain_status(run.paths).state == "running"
    with pytest.raises(CoresetError, match="is still training"):
        RunStore(tmp_path).delete(run)
    run.paths.status.write_bytes(b"damaged")
    with pytest.raises(CoresetError, match="is still training"):
        RunStore(tmp_path).delete(run)
    assert run.paths.manifest.exists()


PLAN_HOLDER = """
import sys
from pathlib import Path
from coreset_lib.system.locks import FileLock
assert FileLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("host", [None, "node17"])
def test_a_comparison_whose_lock_is_held_is_not_dead(tmp_path, host):
    paths = PlanPaths(tmp_path)
    changes = {} if host is None else {"host": host}
    silent = status_of("running", age=10_000, pid=NOBODY, process_start=1.0, **changes)
    write_json(paths.status, silent.as_dict())
    assert work_status(paths).state == "interrupted"
    command = [sys.executable, "-c", PLAN_HOLDER, str(paths.lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert work_status(paths).state == "running"
        with pytest.raises(CoresetError, match="under way already"):
            check_idle(work_status(paths), "comparison")
        holder.communicate()
    assert work_status(paths).state == "interrupted"


@pytest.mark.parametrize("clock_error", [-900, 900])
def test_a_heartbeat_of_another_clock_is_read_by_the_file_server(tmp_path, make_run, clock_error):
    run = make_run(tmp_path)
    run.paths.lock.touch()
    status = status_of("running", age=clock_error, host="node17", pid=1, process_start=1.0)
    write_json(run.paths.status, status.as_dict())
    assert run.status().state == "running"
    if clock_error > 0:
        os.utime(run.paths.status, (time.time() - 300, time.time() - 300))
        assert run.status().state == "interrupted"


def test_a_run_elsewhere_lives_as_long_as_its_heart_beats():
    elsewhere = {"host": "node17", "pid": 1, "process_start": 1.0}
    assert reconcile(status_of("running", age=60, **elsewhere)).state == "running"
    assert reconcile(status_of("running", age=200, **elsewhere)).state == "interrupted"


def test_a_run_that_nobody_has_taken_up_yet_is_queued_for_a_minute():
    assert reconcile(status_of("queued", age=10)).state == "queued"
    assert reconcile(status_of("queued", age=100)).state == "interrupted"


@pytest.mark.parametrize("state", ["finished", "failed", "stopped", "interrupted"])
def test_what_has_ended_stays_as_it_is(state):
    status = status_of(state, age=10_000, pid=NOBODY, process_start=1.0)
    assert reconcile(status) == status


def test_the_start_of_a_process_reads_the_same_without_psutil():
    with_psutil = process_start(os.getpid())
    without = processes._process_start_from_proc(os.getpid())
    assert with_psutil is not None
    assert without == pytest.approx(with_psutil, abs=processes.START_TOLERANCE_SECONDS)
    assert processes._process_start_from_proc(NOBODY) is None
    assert not is_alive(None, None)


def test_a_zombie_is_not_alive():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    started = time.time()
    try:
        deadline = time.monotonic() + 5
        while is_alive(pid, started) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not is_alive(pid, started)
    finally:
        os.waitpid(pid, 0)


def test_the_heartbeat_goes_on_while_an_epoch_takes_long(tmp_path, make_run, monkeypatch):
    monkeypatch.setattr("coreset_lib.runs.status.HEARTBEAT_SECONDS", 0.01)
    run = make_run(tmp_path)
    with StatusWriter(run.paths, claim(Status(state="running", epochs=9), os.getpid())) as writer:
        first = run.status().heartbeat
        writer.note_progress(epoch_progress=0.5)
        deadline = time.monotonic() + 5
        while run.status().epoch_progress == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert run.status().epoch_progress == 0.5
        assert run.status().heartbeat > first
    last = run.status().heartbeat
    time.sleep(0.05)
    assert run.status().heartbeat == last


def test_a_disk_that_is_full_for_a_moment_does_not_end_the_heartbeat(
    tmp_path, make_run, monkeypatch
):
    from coreset_lib.runs import status as status_module

    monkeypatch.setattr(status_module, "HEARTBEAT_SECONDS", 0.01)
    run = make_run(tmp_path)
    write, failed = status_module.write_status, []
    with StatusWriter(run.paths, claim(Status(state="running", epochs=9), os.getpid())) as writer:

        def fail_once(paths, status):
            if not failed:
                failed.append(True)
                raise OSError(28, "No space left on device")
            write(paths, status)

        monkeypatch.setattr(status_module, "write_status", fail_once)
        writer.note_progress(epoch_progress=0.25)
        deadline = time.monotonic() + 5
        while run.status().epoch_progress == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert failed
    assert run.status().epoch_progress == 0.25
