"""What the server of the dashboard is started with, and from where."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from coreset_lib.cli import serving
from coreset_lib.cli.server_options import SAFETY_OPTIONS
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
    assert Path(command[5]) == ROOT / "dashboard" / "server.py"
    assert {
        "--browser.gatherUsageStats=false",
        "--server.address=127.0.0.1",
        "--server.port=8765",
        "--server.headless=true",
        "--server.fileWatcherType=none",
        "--global.developmentMode=false",
    } <= set(command)
    assert Path(environment["CORESET_LENS_CACHE"]).name == "cache"


HOSTILE = """
[browser]
gatherUsageStats = true
serverAddress = "evil.example"
[client]
allowedOrigins = ["https://evil.example"]
disableDataExport = false
showErrorDetails = "full"
showErrorLinks = true
toolbarMode = "developer"
[global]
developmentMode = true
[logger]
level = "debug"
[secrets]
files = ["/tmp/of-somebody-else.toml"]
[runner]
magicEnabled = true
[server]
address = "0.0.0.0"
allowedHosts = ["*"]
baseUrlPath = "elsewhere"
cookieSecret = "known"
corsAllowedOrigins = ["http://evil.example"]
enableAgentApi = true
enableCORS = false
enableStaticServing = true
enableXsrfProtection = false
fileWatcherType = "auto"
headless = false
maxUploadSize = 1000000
port = 9
runOnSave = true
showEmailPrompt = true
trustedUserHeaders = '{"X-User": "email"}'
xsrfCookieSameSite = "none"
"""
WHAT_HOLDS = """
import json, sys
from streamlit.web import bootstrap, cli

def show(*_, **__):
    from streamlit import config
    options = config.get_config_options()
    print(json.dumps({name: config.get_option(name) for name in options}))

bootstrap.run_asgi_app = show
sys.argv = ["streamlit", *sys.argv[1:]]
cli.main()
"""


def test_no_file_in_the_working_folder_switches_safety_off(served, tmp_path):
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text(HOSTILE)
    command, environment = served()
    done = subprocess.run(
        [sys.executable, "-P", "-c", WHAT_HOLDS, *command[4:]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    holds = json.loads(done.stdout.splitlines()[-1])
    asked_for = tomllib.loads(HOSTILE)
    names = [f"{part}.{name}" for part, options in asked_for.items() for name in options]
    ours = {"server.address", "server.port", "server.allowedHosts", "server.cookieSecret"}
    ours |= {"server.corsAllowedOrigins", "client.allowedOrigins", "secrets.files"}
    assert set(names) == {*SAFETY_OPTIONS, *ours}
    for name, asked in ((n, asked_for[n.split(".")[0]][n.split(".")[1]]) for n in names):
        assert holds[name] != asked, name
    assert holds["server.allowedHosts"] == ["127.0.0.1", "localhost"]
    assert holds["server.trustedUserHeaders"] == {}
    assert holds["client.allowedOrigins"] == ["http://127.0.0.1:8765", "http://localhost:8765"]
    files = [Path(name) for name in holds["secrets.files"]]
    assert {Path.home(), Path.cwd()} == {path.parents[1] for path in files}
    assert {path.name for path in files} == {"secrets.toml"}


def test_the_token_is_in_the_address_and_not_on_the_command_line(served, capsys):
    command, environment = served()
    token = environment["CORESET_LENS_TOKEN"]
    assert len(token) >= 32
    assert f"http://127.0.0.1:8765/?token={token} " in capsys.readouterr().out
    assert not any(token in part for part in command)
    assert served()[1]["CORESET_LENS_TOKEN"] != token


def test_the_token_can_be_left_out_and_hosts_be_named(served, capsys):
    command, environment = served(no_token=True, hosts=["Lens.Clinic.example"])
    assert environment["CORESET_LENS_TOKEN"] == ""
    assert "http://127.0.0.1:8765 (" in capsys.readouterr().out
    assert "--server.allowedHosts=lens.clinic.example" in command


@pytest.mark.parametrize("name", ["", "*", "a b", "lens:80", "--x", "http://a", "*.example"])
def test_what_cannot_be_the_name_of_a_host_is_refused(served, name):
    with pytest.raises(CoresetError, match="--host-name must be a name without a port"):
        served(hosts=[name])


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
    found = library / "workflows" / "__init__.py"
    monkeypatch.setattr(serving.workflows, "__file__", str(found))
    assert serving._place_of_the_app() == library / serving.IN_WHEEL
    inside.unlink()
    assert serving._place_of_the_app() == tmp_path
    beside.unlink()
    with pytest.raises(CoresetError, match="the dashboard is not installed"):
        serving._place_of_the_app()
