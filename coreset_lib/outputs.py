"""Files that a person asked for: checked before anything is replaced, and all or none written."""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Generator, Mapping
from pathlib import Path

from coreset_lib.atomic import flush, replacing
from coreset_lib.cache import default_cache
from coreset_lib.errors import CoresetError
from coreset_lib.system.privacy import publish, publish_folder

_HEAD_BYTES = 4096
# First bytes of files, and what such a file is called; a table is told by its first columns.
_MAGIC = {b"PK\x03\x04": "a ZIP", b"\x93NUMPY": "an array", b"{": "JSON", b"#!": "a script"}


def write_output(path: Path, content: bytes) -> None:
    """Write one file; see `write_outputs`."""
    write_outputs({path: content})


def write_outputs(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together: all are on disk, beside their places, before any is moved.

    A link is followed. An empty file, or one of the same kind outside a cache, is replaced.

    Raises
    ------
    CoresetError
        If one of them cannot be written, or would replace a folder, a device, a file in a
        cache or one of another kind. Nothing is replaced then.
    """
    targets = {check_output(path, like=content): content for path, content in contents.items()}
    try:
        with contextlib.ExitStack() as moved_at_the_end:
            for target, content in targets.items():
                file = moved_at_the_end.enter_context(replacing(target))
                file.write(content)
                flush(file)
    except OSError as error:
        raise _unwritable(" and ".join(map(str, contents)), error) from None
    for target in targets:
        publish(target)


@contextlib.contextmanager
def new_folder(path: Path) -> Generator[Path]:
    """Yield an empty folder to write into; it becomes ``path``, whole, once the block ends well.

    Raises
    ------
    CoresetError
        If ``path`` cannot be written, or is anything but an empty folder or a new one.
    OSError
        If it cannot be moved into its place.
    """
    target = Path(os.path.realpath(path))
    is_new = _check_empty(path, target)
    # Where there is an empty folder already, somebody may be inside it: it stays the same one.
    place = target.parent if is_new else target
    aside = place / f".{target.name[:200]}.{secrets.token_hex(4)}.part"
    try:
        aside.mkdir()
        yield aside
        publish_folder(aside)
        if is_new:
            os.rename(aside, target)
        else:
            for part in aside.iterdir():
                os.rename(part, target / part.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _check_empty(path: Path, target: Path) -> bool:
    """Return whether a folder is new; raise CoresetError where it holds something."""
    try:
        is_empty = not any(target.iterdir())
    except FileNotFoundError:
        is_empty = True
    except OSError as error:
        raise _no_folder(path, error) from None
    if not is_empty:
        raise CoresetError(f"folder {path} must be empty, got one with files. Name a new one.")
    try:
        make_folder(target.parent)
    except OSError as error:
        raise _no_folder(path, error) from None
    return not target.exists()


def make_folder(folder: Path) -> None:
    """Make a folder that a person asked for, and those above it, as any program would."""
    missing = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
    folder.mkdir(parents=True, exist_ok=True)
    for place in missing:
        publish(place)


def _no_folder(path: Path, error: OSError) -> CoresetError:
    """Build the error for a folder that cannot be written."""
    return CoresetError(
        f"output {path} must be a folder that can be written: {error.strerror or error}. "
        "Name a new one."
    )


def check_output(path: Path, *, like: bytes | None = None) -> Path:
    """Return where a file will be written, before the work whose result it shall hold.

    Parameters
    ----------
    path : Path
    like : bytes, optional
        How the content begins, as far as that is known.

    Raises
    ------
    CoresetError
        As `write_outputs`.
    """
    target = Path(os.path.realpath(path))
    if not path.name or (os.path.lexists(target) and not target.is_file()):
        raise CoresetError(f"output {path} must be a file, got a folder or device. Name a file.")
    _check_folder(path, target.parent)
    if os.path.lexists(target):
        _check_replaceable(path, target, like)
    return target


def _check_folder(path: Path, folder: Path) -> None:
    """Raise CoresetError unless a file can be made in a folder."""
    if not folder.is_dir():
        raise _unwritable(str(path), FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unwritable(str(path), PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def _check_replaceable(path: Path, target: Path, like: bytes | None) -> None:
    """Raise CoresetError for a file that is kept in a cache, or is of another kind."""
    cache = _cache_around(target)
    if cache is not None:
        raise CoresetError(
            f"output {path} must not replace what is kept in the cache {cache}. "
            "Name a file outside it."
        )
    try:
        with target.open("rb") as file:
            before = _kind(file.read(_HEAD_BYTES))
    except OSError as error:
        raise _unwritable(str(path), error) from None
    wanted = None if like is None else _kind(like[:_HEAD_BYTES])
    if wanted is not None and before not in (wanted, ""):
        raise CoresetError(
            f"output {path} must be new or {wanted}, got a file that is there and is {before}. "
            "Choose another name, or move that file away."
        )


def _cache_around(target: Path) -> Path | None:
    """Return the cache that a file lies in, None if it lies in none."""
    own = Path(os.path.realpath(default_cache()))
    return next((folder for folder in target.parents if folder == own or _is_cache(folder)), None)


def _is_cache(folder: Path) -> bool:
    """Whether a folder holds a review database or runs."""
    return (folder / "review.sqlite3").is_file() or any((folder / "runs").glob("*/manifest.json"))


def _kind(head: bytes) -> str:
    """Say what a file is by how it begins; empty for an empty file."""
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    if b"\0" in head:
        return f"a file that begins with {head[:6]!r}"
    heading = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode(errors="replace")
    columns = ", ".join(cell.strip('"\r ') for cell in heading.split(",")[:2])
    return f"a table that begins with {columns[:80]}" if columns else ""


def _unwritable(names: str, error: OSError) -> CoresetError:
    """Build the error for a file that cannot be written."""
    return CoresetError(
        f"output {names} cannot be written: {error.strerror or error}. "
        "Choose a file in an existing folder that you may write to."
    )
