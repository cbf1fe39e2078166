"""What this program creates is read by nobody else on the machine."""

import functools
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from coreset_lib.system.privacy import GROUP_VARIABLE, make_private

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders there inherit rights")

COMMAND = (sys.executable, "-c", "from coreset_lib.cli import main; main()")
TRAIN = ("train", "--dataset", "tiny.npz", "--model", "small_cnn", "--epochs", "2")
NOBODY = 65534


def modes(folder):
    """The modes of everything in a folder, and of itself."""
    everything = [folder, *folder.rglob("*")]
    return {stat.S_IMODE(p.lstat().st_mode) for p in everything if not p.is_symlink()}


@pytest.fixture
def cache(make_dataset, save_npz, monkeypatch):
    """A cache as a training, a selection and a review leave it, in a folder that all may read."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    # Not tmp_path: pytest lets nobody else into its folders.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        save_npz(folder / "tiny.npz", make_dataset(n_train=60))
        yield functools.partial(work_in, folder)


def work_in(folder, **environment):
    """Train, select and review in a folder; return its cache."""
    for arguments in (
        (*TRAIN, "--device", "cpu"),
        ("select", "latest", "--strategy", "random", "--rate", "0.2", "--out", "core.csv"),
        ("review", "users", "--add", "anna", "--role", "admin", "--as", "anna"),
    ):
        subprocess.run(
            [*COMMAND, *arguments, "--cache", "cache"],
            cwd=folder,
            env={**os.environ, **environment},
            umask=0o022,
            capture_output=True,
            check=True,
        )
    return folder / "cache"


def test_the_cache_is_its_owners_and_the_file_asked_for_is_as_any_other(cache):
    folder = cache()
    assert modes(folder) <= {0o700, 0o600}
    assert stat.S_IMODE((folder.parent / "core.csv").stat().st_mode) == 0o644
    if os.geteuid() == 0:
        found = subprocess.run(
            ["find", ".", "-type", "f", "-readable"],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            cwd=folder.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "./core.csv" in found.stdout.split()
        assert "./cache" not in found.stdout


def test_a_group_may_share_a_cache(cache):
    assert modes(cache(**{GROUP_VARIABLE: "1"})) <= {0o770, 0o660, 0o600}


def test_folders_that_are_there_keep_their_mode(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    make_private(shared / "cache" / "runs")
    assert modes(shared / "cache") == {0o700}
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755
    (shared / "file").touch()
    with pytest.raises(FileExistsError):
        make_private(shared / "file")
