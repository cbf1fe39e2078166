"""Commands that open the dashboard: ``demo`` and ``dashboard``."""

import os
import re
import secrets
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from coreset_lib import workflows
from coreset_lib.cache import BROWSER_VARIABLE, ROOTS_VARIABLE, TOKEN_VARIABLE
from coreset_lib.cli.options import Cache, cache_folder
from coreset_lib.cli.server_options import ADDRESS, server_options
from coreset_lib.configs import DEMO, with_new_names
from coreset_lib.errors import CoresetError, DamagedRunError
from coreset_lib.runs.store import RunStore
from coreset_lib.system.processes import become

APP = Path("dashboard", "server.py")
IN_WHEEL = "_app"  # see setup.py
TOKEN_BYTES = 24
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)

Port = Annotated[int, typer.Option(help="Port of the dashboard on this machine")]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Do not open a browser")]
NoToken = Annotated[
    bool,
    typer.Option(
        "--no-token",
        help="Let in whoever reaches the port: for a proxy that asks for a login itself",
    ),
]
HostNames = Annotated[
    list[str] | None,
    typer.Option("--host-name", help="Name under which a proxy serves the dashboard; repeatable"),
]


DataRoots = Annotated[
    list[Path] | None,
    typer.Option(
        "--data-root", help="Folder that images may be added from in the dashboard; repeatable"
    ),
]


def demo(
    port: Port = 8501,
    no_browser: NoBrowser = False,
    no_token: NoToken = False,
    cache: Cache = None,
) -> int:
    """Train on the embedded synthetic data in the background and open the dashboard."""
    _check_port(port)
    folder = cache_folder(cache)
    if _has_demo_run(workflows.open_store(folder)):
        typer.echo("a demo run is there already; opening the dashboard on it")
    else:
        typer.echo(f"run: {workflows.start(DEMO, cache=folder).run_id}")
    return _serve(folder, port, no_browser=no_browser, no_token=no_token)


def dashboard(
    port: Port = 8501,
    no_browser: NoBrowser = False,
    no_token: NoToken = False,
    host_name: HostNames = None,
    data_root: DataRoots = None,
    cache: Cache = None,
) -> int:
    """Open the dashboard on the runs in the cache."""
    _check_port(port)
    return _serve(
        cache_folder(cache),
        port,
        no_browser=no_browser,
        no_token=no_token,
        hosts=host_name or [],
        roots=data_root or [],
    )


def _serve(
    cache: Path,
    port: int,
    *,
    no_browser: bool,
    no_token: bool = False,
    hosts: Sequence[str] = (),
    roots: Sequence[Path] = (),
) -> int:
    """Run Streamlit until it ends; it listens on this machine only."""
    place = _place_of_the_app()
    token = "" if no_token else os.environ.get(TOKEN_VARIABLE) or secrets.token_hex(TOKEN_BYTES)
    address = f"http://{ADDRESS}:{port}" + (f"/?token={token}" if token else "")
    command = [
        # -P: what lies in the folder that this is started in must not be taken for the program.
        *(sys.executable, "-P", "-m", "streamlit", "run", str(place / APP)),
        *server_options(port, hosts=[*map(_checked_host, hosts)]),
    ]
    search_path = [str(place), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "CORESET_LENS_CACHE": str(cache.resolve()),
        "PYTHONPATH": os.pathsep.join(search_path),  # ours before any other `dashboard`
        # Not on the command line: every user of the machine can read that.
        TOKEN_VARIABLE: token,
        BROWSER_VARIABLE: "" if no_browser else address,
        "STREAMLIT_SERVER_COOKIE_SECRET": secrets.token_hex(TOKEN_BYTES),
    }
    if roots:
        environment[ROOTS_VARIABLE] = os.pathsep.join(map(_existing_root, roots))
    typer.echo(f"dashboard: {address} (Ctrl-C ends it; training goes on)")
    sys.stdout.flush()
    return become(command, environment)


def _place_of_the_app() -> Path:
    """Return the folder with our `dashboard` and `pages`, whatever else goes by these names."""
    library = Path(workflows.__file__).resolve().parents[1]
    for place in (library / IN_WHEEL, library.parent):
        if (place / APP).is_file():
            return place
    raise CoresetError("the dashboard is not installed. Install coreset-lens with pip.")


def _checked_host(name: str) -> str:
    """Return the name of a host, or refuse what cannot be one."""
    if not HOST_NAME.fullmatch(name):
        raise CoresetError(
            f"--host-name must be a name without a port, got {name!r}. "
            "For example --host-name lens.clinic.example."
        )
    return name.lower()


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
