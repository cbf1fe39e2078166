"""Commands that open the dashboard: ``demo`` and ``dashboard``."""

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from coreset_lib import workflows
from coreset_lib.cache import ROOTS_VARIABLE
from coreset_lib.cli.options import Cache, cache_folder
from coreset_lib.configs import DEMO, with_new_names
from coreset_lib.errors import CoresetError, DamagedRunError
from coreset_lib.runs.store import RunStore
from coreset_lib.system.processes import become

ADDRESS = "127.0.0.1"
APP = Path("dashboard", "app.py")
IN_WHEEL = "_app"  # see setup.py
FIXED_OPTIONS = {
    "browser.gatherUsageStats": "false",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "client.toolbarMode": "minimal",
    "global.developmentMode": "false",
    "server.enableStaticServing": "false",
    "server.fileWatcherType": "none",
    "server.runOnSave": "false",
}

Port = Annotated[int, typer.Option(help="Port of the dashboard on this machine")]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open a browser")]


DataRoots = Annotated[
    list[Path] | None,
    typer.Option(
        "--data-root", help="Folder that images may be added from in the dashboard; repeatable"
    ),
]


def demo(port: Port = 8501, no_browser: NoBrowser = False, cache: Cache = None) -> int:
    """Train on the embedded synthetic data in the background and open the dashboard."""
    _check_port(port)
    folder = cache_folder(cache)
    if _has_demo_run(workflows.open_store(folder)):
        typer.echo("a demo run is there already; opening the dashboard on it")
    else:
        typer.echo(f"run: {workflows.start(DEMO, cache=folder).run_id}")
    return _serve(folder, port, no_browser=no_browser)


def dashboard(
    port: Port = 8501,
    no_browser: NoBrowser = False,
    data_root: DataRoots = None,
    cache: Cache = None,
) -> int:
    """Open the dashboard on the runs in the cache."""
    _check_port(port)
    return _serve(cache_folder(cache), port, no_browser=no_browser, roots=data_root or [])


def _serve(cache: Path, port: int, *, no_browser: bool, roots: list[Path] | None = None) -> int:
    """Run Streamlit until it ends; it listens on this machine only."""
    place = _place_of_the_app()
    command = [
        # -P: what lies in the folder that this is started in must not be taken for the program.
        *(sys.executable, "-P", "-m", "streamlit", "run", str(place / APP)),
        *_options(port, no_browser=no_browser),
    ]
    search_path = [str(place), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "CORESET_LENS_CACHE": str(cache.resolve()),
        "PYTHONPATH": os.pathsep.join(search_path),  # ours before any other `dashboard`
    }
    if roots:
        environment[ROOTS_VARIABLE] = os.pathsep.join(map(_existing_root, roots))
    typer.echo(f"dashboard: http://{ADDRESS}:{port} (Ctrl-C ends it; training goes on)")
    sys.stdout.flush()
    return become(command, environment)


def _place_of_the_app() -> Path:
    """Return the folder with our `dashboard` and `pages`, whatever else goes by these names."""
    library = Path(workflows.__file__).resolve().parents[1]
    for place in (library / IN_WHEEL, library.parent):
        if (place / APP).is_file():
            return place
    raise CoresetError("the dashboard is not installed. Install coreset-lens with pip.")


def _options(port: int, *, no_browser: bool) -> list[str]:
    """Return the options of the server; what a configuration file says elsewhere is overruled."""
    options = {
        "server.port": port,
        "server.address": ADDRESS,
        "server.headless": str(no_browser).lower(),
        **FIXED_OPTIONS,
    }
    return [f"--{name}={value}" for name, value in options.items()]


def _existing_root(folder: Path) -> str:
    """Return a folder in full, or refuse one that is not there."""
    if not os.path.isdir(folder.expanduser()):
        raise CoresetError(f"--data-root must be an existing folder, got {folder}.")
    return str(folder.expanduser().resolve())


def _has_demo_run(store: RunStore) -> bool:
    """Whether a demo run is finished or under way."""
    for run in store.runs():
        try:
            config = {"precision": "auto", **with_new_names(run.manifest.config)}
            is_demo = config == DEMO.as_dict()
            if is_demo and run.status().state in ("queued", "running", "finished"):
                return True
        except DamagedRunError:
            continue
    return False


def _check_port(port: int) -> None:
    """Raise CoresetError if the port cannot be listened on."""
    if not 1 <= port <= 65535:
        raise CoresetError(f"--port must be from 1 to 65535, got {port}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise CoresetError(
                f"port {port} cannot be used: {error.strerror}. "
                f"Choose another one, for example --port {port + 1 if port < 65535 else 8502}."
            ) from None


COMMANDS = (demo, dashboard)
