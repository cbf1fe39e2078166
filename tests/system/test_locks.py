import errno
import subprocess
import sys

import pytest

from coreset_lib.system import locks
from coreset_lib.system.locks import FileLock

HOLD = """
import sys
from pathlib import Path
from coreset_lib.system.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
assert lock.acquire()
lock.sign("process 7 on node17")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path, subprocess_environment):
    """Another process that holds a lock until its standard input is closed; and the file."""
    file = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=subprocess_environment,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process, file
        process.kill()


def test_a_lock_of_another_process_is_not_granted_and_tells_its_holder(holder):
    process, file = holder
    lock = FileLock(file)
    assert not lock.acquire()
    assert not lock.acquire(patience=0.1)
    assert lock.holder() == "process 7 on node17"
    process.kill()
    assert lock.acquire(patience=10)
    lock.release()


def test_a_lock_is_for_one_holder_in_the_same_process_too(tmp_path):
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire()
    assert not second.acquire()
    first.release()
    first.release()
    assert second.acquire()
    second.release()


def test_a_shorter_sign_leaves_nothing_of_the_longer_one(tmp_path):
    lock = FileLock(tmp_path / "lock")
    assert lock.holder() == ""
    assert lock.acquire()
    lock.sign("process 12345 on a host with a long name")
    lock.sign("process 1")
    assert lock.holder() == "process 1"
    lock.release()


@pytest.mark.parametrize("number", locks.UNSUPPORTED)
def test_where_files_cannot_be_locked_every_lock_is_granted(tmp_path, monkeypatch, number):
    def refuse(handle, *, blocking):
        raise OSError(number, "no locks here")

    monkeypatch.setattr(locks, "lock_descriptor", refuse)
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire()
    assert second.acquire()
    first.release()
    second.release()


def test_another_failure_is_told_and_leaves_no_open_file(tmp_path, monkeypatch):
    def fail(handle, *, blocking):
        raise OSError(errno.EIO, "broken disk")

    closed = []
    monkeypatch.setattr(locks, "lock_descriptor", fail)
    monkeypatch.setattr(locks.os, "close", closed.append)
    with pytest.raises(OSError, match="broken disk"):
        FileLock(tmp_path / "lock").acquire()
    monkeypatch.undo()
    (handle,) = closed
    locks.os.close(handle)


def test_a_lock_in_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "nothing" / "lock").acquire()
