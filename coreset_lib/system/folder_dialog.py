"""The folder dialog of the computer that this runs on, where it has a screen."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

MOST_SECONDS = 600
# In a process of its own: windows and threads of a server do not go together.
SCRIPT = """
import sys, tkinter
from tkinter import filedialog
root = tkinter.Tk()
root.withdraw()
root.attributes("-topmost", True)
sys.stdout.buffer.write(filedialog.askdirectory(parent=root, title=sys.argv[1]).encode())
"""


def has_folder_dialog() -> bool:
    """Whether there is a screen and what draws a dialog on it."""
    if importlib.util.find_spec("_tkinter") is None:
        return False
    has_screen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return sys.platform in ("win32", "darwin") or has_screen


def ask_for_folder(title: str) -> Path | None:
    """Return the folder that a person chooses in a dialog; None if they choose none.

    Raises
    ------
    OSError
        If no dialog can be opened, or nobody answers it for ten minutes.
    """
    command = [sys.executable, "-c", SCRIPT, title]
    try:
        done = subprocess.run(command, capture_output=True, timeout=MOST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise OSError("nobody answered the dialog for ten minutes") from None
    if done.returncode:
        raise OSError("this computer opens no dialog")
    chosen = done.stdout.decode("utf-8", "surrogateescape")
    return Path(chosen) if chosen else None
