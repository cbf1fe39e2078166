"""Leases: one holder at a time, taken over from the dead, given back, never from the living."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict, replace

import pytest

from coreset_lib.leases import Leases, Owner, live_workers, read_owner, worker_key
from coreset_lib.system import files

LONG_AGO = 1_000_000_000


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "leases"


def make_lease(folder, owner, key="step"):
    folder.mkdir(exist_ok=True)
    path = folder / f"{key}.lease"
    path.write_text(json.dumps(asdict(owner)))
    return path


def elsewhere():
    return Owner(token="0123456789abcdef", host="node7", machine="other:1", pid=1, start=1.0)


def dead_process():
    done = subprocess.Popen([sys.executable, "-c", "pass"])
    owner = replace(Owner.this_process(), token="dead", pid=done.pid, start=1.0)
    done.wait()
    return replace(owner, identity="boot:1")


class TestTaking:
    def test_one_of_two_has_it_until_it_is_given_back(self, folder):
        first, second = Leases(folder), Leases(folder)
        with first.taken("step") as is_mine:
            assert is_mine
            with second.taken("step") as is_seconds:
                assert not is_seconds
            with second.taken("other") as is_seconds:
                assert is_seconds
        with second.taken("step") as is_mine:
            assert is_mine
        assert not list(folder.iterdir())

    def test_of_many_at_once_one_takes_it(self, folder):
        many = [Leases(folder) for _ in range(16)]
        together, taken = threading.Barrier(len(many)), []

        def take(leases):
            together.wait()
            taken.append(leases.take(folder / "step.lease"))

        threads = [threading.Thread(target=take, args=(each,)) for each in many]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert taken.count(True) == 1

    def test_one_is_taken_where_files_cannot_be_linked(self, folder, monkeypatch):
        def refuse(*_):
            raise OSError("no links on this file system")

        monkeypatch.setattr(files.os, "link", refuse)
        first, second = Leases(folder), Leases(folder)
        assert first.take(folder / "step.lease")
        assert not second.take(folder / "step.lease")


class TestTakingOver:
    def test_a_process_of_this_machine_that_is_gone_holds_nothing(self, folder):
        path = make_lease(folder, dead_process())
        leases = Leases(folder)
        assert leases.take(path)
        assert read_owner(path) == leases.owner

    def test_a_living_process_of_this_machine_keeps_it(self, folder):
        path = make_lease(folder, Owner.this_process())
        assert not Leases(folder).take(path)

    def test_a_sign_of_life_from_elsewhere_keeps_it(self, folder):
        assert not Leases(folder).take(make_lease(folder, elsewhere()))

    def test_without_a_sign_of_life_it_is_anybodys(self, folder):
        path = make_lease(folder, elsewhere())
        os.utime(path, (LONG_AGO, LONG_AGO))
        assert Leases(folder).take(path)

    def test_of_many_at_once_one_takes_over(self, folder):
        path = make_lease(folder, elsewhere())
        os.utime(path, (LONG_AGO, LONG_AGO))
        many = [Leases(folder) for _ in range(16)]
        together, taken = threading.Barrier(len(many)), []

        def take(leases):
            together.wait()
            taken.append(leases.take(path))

        threads = [threading.Thread(target=take, args=(each,)) for each in many]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert taken.count(True) == 1
        assert [file.name for file in folder.iterdir()] == ["step.lease"]

    def test_one_taken_over_meanwhile_is_put_back(self, folder, monkeypatch):
        path = make_lease(folder, elsewhere())
        os.utime(path, (LONG_AGO, LONG_AGO))
        faster, slower = Leases(folder), Leases(folder)
        is_late = slower._is_late

        def look_and_be_overtaken(at):
            answer = is_late(at)
            assert faster.take(at)
            return answer

        monkeypatch.setattr(slower, "_is_late", look_and_be_overtaken)
        assert not slower.take(path)
        assert read_owner(path) == faster.owner

    def test_a_damaged_one_is_kept_until_it_is_old(self, folder):
        path = make_lease(folder, elsewhere())
        path.write_bytes(b"")
        assert not Leases(folder).take(path)
        os.utime(path, (LONG_AGO, LONG_AGO))
        assert Leases(folder).take(path)

    def test_who_was_overtaken_gives_nothing_back(self, folder):
        leases = Leases(folder)
        path = folder / "step.lease"
        with leases.taken("step"):
            make_lease(folder, elsewhere())
        assert read_owner(path) == elsewhere()


def test_signs_of_life_renew_what_is_ours_only(folder):
    leases = Leases(folder, lifetime=0.02)
    renewed = threading.Event()
    with leases.alive(), leases.taken("ours"), leases.taken("lost"):
        make_lease(folder, elsewhere(), "lost")
        for name in ("ours", "lost"):
            os.utime(folder / f"{name}.lease", (LONG_AGO, LONG_AGO))
        while (folder / "ours.lease").stat().st_mtime == LONG_AGO:
            renewed.wait(0.01)
        assert (folder / "lost.lease").stat().st_mtime == LONG_AGO


def test_the_end_gives_back_what_is_held(folder):
    leases = Leases(folder)
    with leases.alive():
        assert leases.take(folder / "step.lease")
    assert not list(folder.iterdir())


def test_workers_are_those_with_a_sign_of_life(folder):
    assert live_workers(folder) == []
    here, gone, late = Leases(folder), dead_process(), elsewhere()
    with here.taken(worker_key(here.owner)), here.taken("step"):
        make_lease(folder, gone, worker_key(gone))
        path = make_lease(folder, late, worker_key(late))
        os.utime(path, (LONG_AGO, LONG_AGO))
        assert live_workers(folder) == [here.owner]
