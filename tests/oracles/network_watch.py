"""Counts what Python processes ask of the network: every name and address, in all children."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOOK = """
import os, sys

def _watch(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        what = arguments[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        what = arguments[0]
    else:
        return
    handle = os.open(os.environ["NETWORK_WATCH"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(handle, (f"{event} {what!r}\\n").encode())
    os.close(handle)

sys.addaudithook(_watch)
"""
LOCAL = ("'127.0.0.1'", "'localhost'", "b'localhost'", "b'127.0.0.1'", "None", "'/", "'::1'", "''")


def watched(folder: Path) -> dict[str, str]:
    """Return an environment in which what is asked of the network is noted in a folder."""
    (folder / "hook").mkdir(parents=True)
    (folder / "hook" / "sitecustomize.py").write_text(HOOK)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder / "hook"), str(ROOT)]),
        "NETWORK_WATCH": str(folder / "asked.txt"),
        "OMP_NUM_THREADS": "1",
    }


def asked_outside(folder: Path) -> list[str]:
    """List what was asked of other machines."""
    file = folder / "asked.txt"
    lines = file.read_text().splitlines() if file.exists() else []
    return [line for line in lines if not _is_local(line.split(" ", 1)[1])]


def _is_local(what: str) -> bool:
    """Whether an address or a name as written by repr is this machine's."""
    return what.lstrip("(").startswith(LOCAL)
