"""Commands that open the dashboard: ``demo`` and ``dashboard``."""

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from coreset_lib.cache import ROOTS_VARIABLE
from coreset_lib.cli.options import Cache, cache_folder
from coreset_lib.configs import DEMO
from coreset_lib.errors import CoresetError, DamagedRunError
from coreset_lib.jobs.states import open_store
from coreset_lib.runs.store import RunStore

ADDRESS = "127.0.0.1"

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
    from coreset_lib.datasets import load_dataset
    from coreset_lib.jobs.processes import local
    from coreset_lib.runs.create import create_run

    _check_port(port)
    folder = cache_folder(cache)
    if _has_demo_run(open_store(folder)):
        typer.echo("a demo run is there already; opening the dashboard on it")
    else:
        paths = create_run(folder, DEMO, load_dataset(DEMO.dataset))
        local.start(paths)
        typer.echo(f"run: {paths.root.name}")
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
    spec = importlib.util.find_spec("dashboard")
    if spec is None or spec.origin is None:
        raise CoresetError("the dashboard is not installed. Install coreset-lens with pip.")
    app = Path(spec.origin).with_name("server.py")
    command = [
        # -P: what lies in the folder that this is started in must not be taken for the program.
        *(sys.executable, "-P", "-m", "streamlit", "run", str(app)),
        *("--server.port", str(port)),
        *("--server.address", ADDRESS),
        *("--server.headless", str(no_browser).lower()),
    ]
    environment = {**os.environ, "CORESET_LENS_CACHE": str(cache.resolve())}
    if roots:
        environment[ROOTS_VARIABLE] = os.pathsep.join(map(_existing_root, roots))
    typer.echo(f"dashboard: http://{ADDRESS}:{port} (Ctrl-C ends it; training goes on)")
    sys.stdout.flush()
    if os.name == "posix":  # in our place: whoever ends this process ends the server
        os.execve(sys.executable, command, environment)
    try:
        return subprocess.run(command, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0


def _existing_root(folder: Path) -> str:
    """Return a folder in full, or refuse one that is not there."""
    if not os.path.isdir(folder.expanduser()):
        raise CoresetError(f"--data-root must be an existing folder, got {folder}.")
    return str(folder.expanduser().resolve())


def _has_demo_run(store: RunStore) -> bool:
    """Whether a demo run is finished or under way."""
    for run in store.runs():
        try:
            is_demo = {"precision": "auto", **run.manifest.config} == DEMO.as_dict()
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
