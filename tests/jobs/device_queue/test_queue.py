"""Runs take turns on a device: in order, movable, and past those that died waiting."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.jobs.device_queue.queue import DeviceQueue, hold_device, join, move, queue
from coreset_lib.jobs.device_queue.waiting import train_in_turn
from coreset_lib.jobs.processes import local
from coreset_lib.runs.lock import training_lock
from coreset_lib.runs.status import claim, write_status
from coreset_lib.system.processes import is_alive
from coreset_lib.training.running.stopping import Stop


@pytest.fixture
def line_up(tmp_path, make_run):
    """Return a factory of runs that wait for the CPU in the name of this process."""

    def make(count):
        runs = [make_run(tmp_path, epochs=2, recorded=0, state="queued") for _ in range(count)]
        for run in runs:
            write_status(run.paths, claim(run.status(), os.getpid()))
            join(run.paths, "cpu")
        return runs

    return make


@pytest.fixture
def busy_cpu(tmp_path):
    """Another process holds the CPU."""
    line = DeviceQueue(tmp_path, "cpu")
    assert line.holder.acquire()
    yield line
    line.holder.release()


def ids(entries):
    return [entry.run_id for entry in entries]


def test_runs_wait_in_the_order_of_joining(tmp_path, line_up):
    runs = line_up(3)
    assert ids(queue(tmp_path)) == [run.run_id for run in runs]
    assert [entry.position for entry in queue(tmp_path)] == [1, 2, 3]
    assert {entry.device for entry in queue(tmp_path)} == {"cpu"}


def test_lines_of_different_devices_are_apart(tmp_path, line_up, make_run):
    run = make_run(tmp_path, epochs=2, recorded=0, state="queued")
    join(run.paths, "cuda:1")
    line_up(1)
    assert [(e.device, e.position) for e in queue(tmp_path)] == [("cpu", 1), ("cuda:1", 1)]


def test_a_run_is_moved_to_any_place(tmp_path, line_up):
    first, second, third = line_up(3)
    assert ids(move(third, 1)) == [third.run_id, first.run_id, second.run_id]
    assert ids(move(third, 2)) == [first.run_id, third.run_id, second.run_id]
    assert ids(queue(tmp_path)) == [first.run_id, third.run_id, second.run_id]
    with pytest.raises(CoresetError, match="position in the queue must be from 1 to 3, got 4"):
        move(first, 4)


def test_a_run_that_does_not_wait_cannot_be_moved(tmp_path, make_run):
    run = make_run(tmp_path, epochs=2)
    with pytest.raises(
        CoresetError, match="must be waiting for a device to be moved, got finished"
    ):
        move(run, 1)


def test_the_device_is_taken_by_the_first_alone(tmp_path, line_up):
    first, second = line_up(2)
    stop, told = Stop(), []

    def give_up(ahead):
        told.append(ahead)
        stop.set()

    with hold_device(first.paths, "cpu", stop=Stop()) as has_turn:
        assert has_turn
        assert ids(queue(tmp_path)) == [second.run_id]
        with hold_device(second.paths, "cpu", stop=stop, on_wait=give_up) as second_has_turn:
            assert not second_has_turn
    assert told == [[]]
    with hold_device(second.paths, "cpu", stop=Stop()) as has_turn:
        assert has_turn


def test_who_stands_further_back_waits_also_for_a_free_device(line_up):
    first, second = line_up(2)
    stop, told = Stop(), []

    def give_up(ahead):
        told.append(ahead)
        stop.set()

    with hold_device(second.paths, "cpu", stop=stop, on_wait=give_up) as has_turn:
        assert not has_turn
    assert told == [[first.run_id]]


def test_a_run_whose_process_died_waiting_blocks_nobody(tmp_path, line_up):
    dead, alive = line_up(2)
    write_status(dead.paths, replace(dead.status(), pid=2**22 + 1, process_start=1.0))
    with hold_device(alive.paths, "cpu", stop=Stop()) as has_turn:
        assert has_turn
    assert queue(tmp_path) == []


def test_a_run_created_but_not_yet_started_blocks_nobody(tmp_path, line_up, make_run):
    new = make_run(tmp_path, epochs=2, recorded=0, state="queued")
    join(new.paths, "cpu")
    (run,) = line_up(1)
    with hold_device(run.paths, "cpu", stop=Stop()) as has_turn:
        assert has_turn


def test_a_damaged_order_is_an_empty_line_that_fills_again(tmp_path, line_up):
    (run,) = line_up(1)
    (order,) = (tmp_path / "queue").glob("*.json")
    order.write_text('{"runs": ')
    assert queue(tmp_path) == []
    with hold_device(run.paths, "cpu", stop=Stop()) as has_turn:
        assert has_turn


@pytest.mark.usefixtures("busy_cpu")
def test_a_waiting_run_says_so_and_stops_at_once(tmp_path, make_run):
    run = make_run(tmp_path, epochs=2, recorded=0, state="queued")
    stop, seen = threading.Event(), []

    def look(_):
        seen.append((run.status().state, run.status().step, run.status().pid))
        stop.set()

    assert train_in_turn(run.paths, stop=stop, on_wait=look).state == "stopped"
    assert seen == [("queued", "waiting for cpu", os.getpid())]
    assert run.status().state == "stopped"
    assert queue(tmp_path) == []


@pytest.mark.usefixtures("without_umap")
def test_a_run_is_trained_when_its_turn_comes(tmp_path, make_run, tiny_dataset, busy_cpu):
    run = make_run(tmp_path, epochs=2, recorded=0, state="queued")
    status = train_in_turn(
        run.paths, stop=Stop(), dataset=tiny_dataset, on_wait=lambda _: busy_cpu.holder.release()
    )
    assert (status.state, status.epoch) == ("finished", 2)


@pytest.mark.usefixtures("busy_cpu")
def test_waiting_processes_load_no_torch_and_a_killed_one_is_passed_over(make_startable, wait_for):
    runs = [make_startable() for _ in range(2)]
    cache = runs[0].paths.root.parent.parent
    taken = DeviceQueue(cache, "cpu")
    assert taken.holder.acquire()
    pids = [local.start(run.paths) for run in runs]
    try:
        for run in runs:
            wait_for(run, lambda s: s.step.startswith("waiting for cpu"))
        assert ids(queue(cache)) == [run.run_id for run in runs]
        for pid in pids:
            maps = subprocess.run(["cat", f"/proc/{pid}/maps"], capture_output=True, text=True)
            assert "libtorch" not in maps.stdout
        os.kill(pids[0], signal.SIGKILL)
        wait_for(runs[0], lambda s: s.state == "interrupted")
        assert ids(queue(cache)) == [runs[1].run_id]
        taken.holder.release()
        status = wait_for(runs[1], lambda s: s.state not in ("queued", "running"))
        assert status.state == "finished", runs[1].log_tail()
    finally:
        for pid, run in zip(pids, runs, strict=True):
            if is_alive(pid, run.status().process_start):
                os.kill(pid, signal.SIGKILL)


def test_a_run_trained_elsewhere_is_refused_with_the_holder(tmp_path, make_run):
    run = make_run(tmp_path, epochs=2, recorded=1, state="interrupted")
    code = (
        "import sys; from pathlib import Path; from coreset_lib.runs.lock import training_lock;"
        "from coreset_lib.runs.paths import RunPaths\n"
        "with training_lock(RunPaths(Path(sys.argv[1]))):\n print(flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(run.paths.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        message = f"is being trained already by process {holder.pid} on .*Stop it first"
        with pytest.raises(CoresetError, match=message), training_lock(run.paths):
            pass
        holder.kill()
        holder.wait()
        with training_lock(run.paths), training_lock(run.paths):
            assert json.loads(run.paths.status.read_text())["state"] == "interrupted"
