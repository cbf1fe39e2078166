"""The wheel holds the whole program, and nothing at a place that others may have."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("coreset_lib", "dashboard", "pages")
PLACES = {"coreset_lib": "", "dashboard": "coreset_lib/_app/", "pages": "coreset_lib/_app/"}


def files_of(package):
    """The files of a package as they lie in the sources."""
    for path in (ROOT / package).rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names of the files in a wheel that is built from a copy of the sources."""
    folder = tmp_path_factory.mktemp("sources")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "out"],
        cwd=folder,
        capture_output=True,
        check=True,
    )
    (built,) = (folder / "out").glob("coreset_lens-*-py3-none-any.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_every_file_of_the_program_is_in_the_wheel(wheel):
    expected = {PLACES[package] + file for package in PACKAGES for file in files_of(package)}
    assert expected - wheel == set()
    assert "coreset_lib/_app/dashboard/.streamlit/config.toml" in wheel


def test_the_wheel_overwrites_no_package_of_somebody_else(wheel):
    tops = {name.partition("/")[0] for name in wheel}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"coreset_lib"}
