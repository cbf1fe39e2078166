"""The dashboard started from Python: a process of its own that ends with the one that asked."""

import atexit
import html
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from coreset_lib.cache import TOKEN_VARIABLE
from coreset_lib.checks import check_whole
from coreset_lib.errors import CoresetError
from coreset_lib.system.computing import background_environment

COMMAND = "from coreset_lib.cli import main; main()"
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.2
TOKEN_BYTES = 24


class Server:
    """A dashboard under way at ``url``, an address with its token."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, token: str) -> None:
        self._process = process
        self.address = f"http://127.0.0.1:{port}"
        self.url = f"{self.address}/?token={token}"
        atexit.register(self.stop)

    def __repr__(self) -> str:
        return f"<dashboard at {self.url}, {'running' if self.is_running else 'ended'}>"

    def _repr_html_(self) -> str:
        url = html.escape(self.url)
        return f'<a href="{url}" target="_blank">{url}</a>'

    @property
    def is_running(self) -> bool:
        """Whether it still answers to requests."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the dashboard; trainings go on."""
        atexit.unregister(self.stop)
        if self.is_running:
            self._process.terminate()
        self._process.wait()

    def wait(self) -> None:
        """Wait until it ends; Ctrl-C ends it."""
        try:
            self._process.wait()
        except KeyboardInterrupt:
            self.stop()


def start_server(cache: Path, port: int, *, wait: bool | None) -> Server:
    """Start the dashboard and return once it answers, or once it ends if ``wait``.

    Raises
    ------
    CoresetError
        If it ends before it answers; the sentence is its own.
    """
    check_whole("port", port, least=1, most=65535)
    if _is_taken(port):
        raise CoresetError(
            f"port {port} cannot be used: something answers there already. "
            f"Choose another one, for example port={port + 1 if port < 65535 else 8502}."
        )
    environment = background_environment()
    token = environment.get(TOKEN_VARIABLE) or secrets.token_hex(TOKEN_BYTES)
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", COMMAND, "dashboard", "--no-browser"),
                *("--port", str(port), "--cache", str(cache.resolve())),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**environment, TOKEN_VARIABLE: token},
        )
        server = Server(process, port, token)
        if not _answers(server):
            server.stop()
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines()
            reason = lines[-1].removeprefix("coreset-lens: ") if lines else "it ended"
            raise CoresetError(f"the dashboard did not start: {reason}")
    if _is_script() if wait is None else wait:
        server.wait()
    return server


def _is_taken(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(server: Server) -> bool:
    """Wait until the dashboard answers; whether it does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while server.is_running and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{server.address}/_stcore/health", timeout=5):
                return server.is_running
        except (urllib.error.URLError, OSError):
            time.sleep(POLL_SECONDS)
    return False


def _is_script() -> bool:
    """Whether this is neither a notebook nor a prompt."""
    return not hasattr(sys, "ps1") and "ipykernel" not in sys.modules
