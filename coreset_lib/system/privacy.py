"""Files for their owner only: on a machine with several users nobody else reads the cache."""

import contextlib
import os
from collections.abc import Generator
from pathlib import Path

GROUP_VARIABLE = "CORESET_LENS_GROUP"
_asked_umask: int | None = None


def is_for_group() -> bool:
    """Whether the users of the group may read and write the cache, too."""
    return bool(os.environ.get(GROUP_VARIABLE))


def file_mode() -> int:
    """Return the mode of a file of the cache."""
    return 0o660 if is_for_group() else 0o600


@contextlib.contextmanager
def private_files() -> Generator[None]:
    """Create files and folders inside the block for their owner only, in children as well."""
    global _asked_umask
    previous = os.umask(0o007 if is_for_group() else 0o077)
    _asked_umask = previous
    try:
        yield
    finally:
        os.umask(previous)
        _asked_umask = None


def make_private(folder: Path) -> None:
    """Create a folder of the cache, and those above it, for its owner only; raises OSError.

    What is there already keeps its mode: it may be meant for others.
    """
    missing = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
    for place in reversed(missing):
        mode = 0o770 if is_for_group() else 0o700
        place.mkdir(mode=mode, exist_ok=True)
        place.chmod(mode)
    folder.mkdir(exist_ok=True)  # raises where something else has this name


def publish(place: Path) -> None:
    """Give a file or folder that a person asked for the mode that they want for new ones."""
    if _asked_umask is not None and not place.is_symlink():
        with contextlib.suppress(OSError):
            place.chmod((0o777 if place.is_dir() else 0o666) & ~_asked_umask)


def publish_folder(folder: Path) -> None:
    """Do so for a folder and all that is in it; links keep what they lead to as it is."""
    for place in (*folder.rglob("*"), folder):
        publish(place)
