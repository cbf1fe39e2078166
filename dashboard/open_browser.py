"""Opening the browser at the address with the token, once the server listens."""

import os
import socket
import threading
import time
import webbrowser
from urllib.parse import urlsplit

from coreset_lib.cache import BROWSER_VARIABLE

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.2


def open_browser_when_ready() -> None:
    """Open the address of the environment in a thread of its own; nothing if there is none."""
    address = os.environ.pop(BROWSER_VARIABLE, "")
    if address:
        threading.Thread(target=_open, args=(address,), daemon=True).start()


def _open(address: str) -> None:
    """Wait until something listens, then show it."""
    parts = urlsplit(address)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1):
                break
        except OSError:
            time.sleep(POLL_SECONDS)
    else:
        return
    webbrowser.open(address)
