"""Which commit a manifest names: only that of a repository which tracks the program."""

import subprocess

import pytest

from coreset_lib.runs.source_version import source_version

NOTHING = {"git_commit": None, "git_is_dirty": None}


@pytest.fixture
def repository(tmp_path):
    """A repository with a package that it tracks and one that it merely surrounds."""
    for name in ("tracked", "installed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "tracked")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "Begin")
    return tmp_path


def git(folder, *arguments):
    done = subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True)
    return done.stdout.decode().strip()


def test_a_tracked_package_has_its_commit(repository):
    found = source_version(repository / "tracked")
    assert found == {"git_commit": git(repository, "rev-parse", "HEAD"), "git_is_dirty": False}


@pytest.mark.parametrize("name", ["__init__.py", "new.py"])
def test_changes_are_told(repository, name):
    (repository / "tracked" / name).write_text("x = 1\n")
    assert source_version(repository / "tracked")["git_is_dirty"] is True


def test_changes_elsewhere_do_not_matter(repository):
    (repository / "notes.txt").write_text("x")
    assert source_version(repository / "tracked")["git_is_dirty"] is False


def test_an_installed_package_inside_a_repository_has_none(repository):
    assert source_version(repository / "installed") == NOTHING


def test_a_package_outside_any_repository_has_none(tmp_path):
    (tmp_path / "__init__.py").write_text("")
    assert source_version(tmp_path) == NOTHING
