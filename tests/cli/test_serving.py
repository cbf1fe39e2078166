"""What the server of the dashboard is started with, and from where."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from coreset_lib.cli import serving
from coreset_lib.errors import CoresetError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def served(monkeypatch, tmp_path):
    """Return a function that serves and gives the command and the environment of the server."""

    def serve(**options):
        seen = []
        monkeypatch.setattr(serving, "become", lambda *started: seen.append(started) or 0)
        assert serving._serve(tmp_path / "cache", 8765, no_browser=True, **options) == 0
        ((command, environment),) = seen
        return command, environment

    return serve


def test_the_server_is_quiet_private_and_told_so_on_the_command_line(served):
    command, environment = served()
    assert command[:5] == [sys.executable, "-P", "-m", "streamlit", "run"]
    assert Path(command[5]) == ROOT / "dashboard" / "app.py"
    assert {
        "--browser.gatherUsageStats=false",
        "--server.address=127.0.0.1",
        "--server.port=8765",
        "--server.headless=true",
        "--server.fileWatcherType=none",
        "--global.developmentMode=false",
    } <= set(command)
    assert Path(environment["CORESET_LENS_CACHE"]).name == "cache"


def test_every_fixed_option_is_one_that_streamlit_knows():
    from streamlit import config

    assert set(serving.FIXED_OPTIONS) <= set(config.get_config_options())


def test_a_dashboard_of_somebody_else_is_not_imported(served, tmp_path, monkeypatch):
    for name in ("dashboard", "pages"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('not ours')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([".", str(tmp_path)]))
    _, environment = served()
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import dashboard, pages; print(dashboard.__file__)"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == ROOT / "dashboard" / "__init__.py"


def test_the_dashboard_inside_an_installed_library_goes_first(tmp_path, monkeypatch):
    library = tmp_path / "coreset_lib"
    beside, inside = tmp_path / serving.APP, library / serving.IN_WHEEL / serving.APP
    for file in (library / "__init__.py", beside, inside):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    monkeypatch.setattr(serving.coreset_lib, "__file__", str(library / "__init__.py"))
    assert serving._place_of_the_app() == library / serving.IN_WHEEL
    inside.unlink()
    assert serving._place_of_the_app() == tmp_path
    beside.unlink()
    with pytest.raises(CoresetError, match="the dashboard is not installed"):
        serving._place_of_the_app()
