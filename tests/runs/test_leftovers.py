"""Drafts and half-deleted runs of killed programs, and runs of newer programs."""

import json
import os
import subprocess
import sys
import time

import pytest

from coreset_lib.errors import CoresetError, NewerRunError
from coreset_lib.runs.leftovers import (
    PATIENCE_SECONDS,
    hidden_folder,
    leftovers,
    leftovers_sentence,
)
from coreset_lib.runs.paths import runs_folder
from coreset_lib.runs.store import RunStore
from coreset_lib.system.processes import machine_start


def leave(cache, name, *, age):
    """Leave a folder as a killed program does."""
    folder = runs_folder(cache) / name
    folder.mkdir(parents=True)
    (folder / "labels.npy").write_bytes(b"half")
    for path in (folder / "labels.npy", folder):
        os.utime(path, (time.time() - age, time.time() - age))
    return folder


def test_what_killed_programs_left_is_shown_and_removed_with_the_next_deletion(tmp_path, make_run):
    run = make_run(tmp_path)
    old = [leave(tmp_path, f".x{end}", age=2 * PATIENCE_SECONDS) for end in (".part", ".deleted")]
    young = leave(tmp_path, ".y.part", age=1)
    others = leave(tmp_path, ".git", age=2 * PATIENCE_SECONDS)
    assert sorted(leftovers(tmp_path)) == sorted(old)
    assert len(RunStore(tmp_path).runs()) == 1
    RunStore(tmp_path).delete(run)
    assert leftovers(tmp_path) == []
    assert young.exists()
    assert others.exists()


DRAFT = """
import os, sys, time
from pathlib import Path
from coreset_lib.runs.leftovers import hidden_folder

hidden_folder(Path(sys.argv[1]), "x", sys.argv[2]).mkdir(parents=True)
print("made", flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not machine_start(), reason="only Linux tells which process made a folder")
@pytest.mark.parametrize("ending", [".part", ".deleted"])
def test_what_a_killed_process_left_is_known_at_once(tmp_path, ending):
    started = [sys.executable, "-c", DRAFT, str(tmp_path), ending]
    with subprocess.Popen(started, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"made\n"
        assert leftovers(tmp_path) == []  # its process is at work
        process.kill()
    assert [path.name.startswith(".x.") for path in leftovers(tmp_path)] == [True]
    assert leftovers_sentence(tmp_path).startswith("1 folder of a draft or deleted run was left")


@pytest.mark.skipif(not machine_start(), reason="only Linux tells which process made a folder")
def test_a_draft_of_another_machine_has_time(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("coreset_lib.runs.leftovers.machine_start", lambda: "another")
        young = hidden_folder(tmp_path, "x", ".part")
        old = hidden_folder(tmp_path, "y", ".part")
    leave(tmp_path, young.name, age=1)
    leave(tmp_path, old.name, age=2 * PATIENCE_SECONDS)
    assert leftovers(tmp_path) == [old]


def test_a_link_is_not_followed(tmp_path, make_run):
    make_run(tmp_path)
    kept = leave(tmp_path / "elsewhere", "kept", age=2 * PATIENCE_SECONDS)
    (runs_folder(tmp_path) / ".x.part").symlink_to(kept)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("record", ["manifest", "status"])
def test_a_run_of_a_newer_program_is_called_that_and_not_deleted(tmp_path, make_run, record):
    run = make_run(tmp_path)
    path = getattr(run.paths, record)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 2, "new": 1}))
    run = RunStore(tmp_path).find("latest")
    with pytest.raises(NewerRunError, match=r"written by a newer program.* Update coreset-lens"):
        _ = run.manifest, run.status()
    with pytest.raises(CoresetError, match="newer program"):
        RunStore(tmp_path).delete(run)
    assert path.exists()
