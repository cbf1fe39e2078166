"""Named views of a run, and selections too large for an address, stored beside the run."""

import contextlib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.atomic import write_array, write_bytes
from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.stored_array import BAD_FILE, read_array

SCHEMA_VERSION = 1
LONGEST_NAME = 60
MOST_SELECTIONS = 100
_NAME = re.compile(r"\w(?:[\w .()+-]*[\w)+-])?")
_STORED = re.compile(r"s-[0-9a-f]{16}")

Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class SavedView:
    """A page of the dashboard as somebody left it.

    Attributes
    ----------
    name : str
        See :func:`check_view_name`.
    page : str
        Short name of the page, for example ``map``.
    parameters : mapping of str to str
        Options of the view, as in the address.
    selection : int64 array, shape (selected,)
        Positions in the full training split, in the order of selection.
    created : str
        When it was saved, UTC; set by :func:`save_view`.
    """

    name: str
    page: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    selection: Indices = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    created: str = ""


def check_view_name(name: str) -> str:
    """Return a name that can be a file's, without spaces around it.

    Raises
    ------
    CoresetError
        If it is empty, too long, or holds characters that file names must not.
    """
    tidy = name.strip()
    if len(tidy) > LONGEST_NAME or _NAME.fullmatch(tidy) is None:
        raise CoresetError(
            f"view name must be 1 to {LONGEST_NAME} letters, digits, spaces or any of _.()+- "
            f"and start with a letter or digit, got {name[:80]!r}. For example: hard liver cases."
        )
    return tidy


def save_view(paths: RunPaths, view: SavedView) -> bool:
    """Store a view with its run; one of the same name is replaced.

    Returns
    -------
    bool
        Whether another view of this name was replaced.

    Raises
    ------
    CoresetError
        If the name cannot be a file's or the run cannot be written.
    """
    path = paths.view(check_view_name(view.name))
    is_there = path.exists()
    record = {
        "schema_version": SCHEMA_VERSION,
        "name": check_view_name(view.name),
        "page": view.page,
        "parameters": dict(view.parameters),
        "selection": view.selection.tolist(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with _explained(paths, "views"):
        path.parent.mkdir(exist_ok=True)
        write_bytes(path, (json.dumps(record, ensure_ascii=False) + "\n").encode())
    return is_there


def list_views(paths: RunPaths) -> list[str]:
    """Return the names of all views of a run, in the order of the alphabet."""
    try:
        found = [path.stem for path in paths.views.iterdir() if path.suffix == ".json"]
    except OSError:
        return []
    return sorted((name for name in found if _NAME.fullmatch(name)), key=str.casefold)


def load_view(paths: RunPaths, name: str) -> SavedView:
    """Return a view by its name.

    Raises
    ------
    CoresetError
        If there is none of this name, or its file cannot be used.
    """
    tidy = check_view_name(name)
    try:
        record = json.loads(paths.view(tidy).read_bytes())
        return _read_view(tidy, record)
    except FileNotFoundError:
        known = ", ".join(list_views(paths)) or "none"
        raise CoresetError(
            f"view {tidy!r} was not found in run {paths.root.name}. Its views are: {known}."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise CoresetError(
            f"view {tidy!r} of run {paths.root.name} cannot be read ({error}). "
            "Delete it and save it anew."
        ) from None


def delete_view(paths: RunPaths, name: str) -> None:
    """Remove a view; one that is gone already is no mistake.

    Raises
    ------
    CoresetError
        If the name cannot be a view's or the run cannot be written.
    """
    with _explained(paths, "views"):
        paths.view(check_view_name(name)).unlink(missing_ok=True)


def store_selection(paths: RunPaths, indices: Indices) -> str:
    """Store a selection and return the short name under which it can be found again.

    The name is made of the content: the same selection has the same name. Beyond the latest
    100 the oldest ones go; views keep their own.

    Raises
    ------
    CoresetError
        If the run cannot be written.
    """
    stored = np.ascontiguousarray(indices, dtype="<i8")
    name = f"s-{hashlib.sha256(stored.tobytes()).hexdigest()[:16]}"
    path = paths.selection(name)
    with _explained(paths, "selections"):
        path.parent.mkdir(exist_ok=True)
        if path.exists():
            path.touch()
        else:
            write_array(path, stored)
            _drop_oldest(path.parent.glob("s-*.npy"))
    return name


def load_selection(paths: RunPaths, name: str) -> Indices:
    """Return a stored selection.

    Raises
    ------
    CoresetError
        If there is none of this name, or its file cannot be used.
    """
    if _STORED.fullmatch(name) is None or not paths.selection(name).is_file():
        raise CoresetError(
            f"selection {name[:40]!r} is not stored with run {paths.root.name}: it was replaced "
            "by newer ones or belongs to another run. Save a view to keep a selection."
        )
    try:
        return _checked_indices(read_array(paths.selection(name)))
    except BAD_FILE as error:
        raise CoresetError(
            f"selection {name} of run {paths.root.name} cannot be read ({error}). Select anew."
        ) from None


def _read_view(name: str, record: Any) -> SavedView:
    """Read a stored record; raises ValueError, KeyError or TypeError if it is not a view's."""
    if record["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"schema version {record['schema_version']}")
    parameters = record["parameters"]
    texts = [record["page"], record["created"], *parameters, *parameters.values()]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("page and parameters must be texts")
    selection = _checked_indices(np.array(record["selection"], dtype=object))
    return SavedView(
        name=name,
        page=record["page"],
        parameters=parameters,
        selection=selection,
        created=record["created"],
    )


def _checked_indices(found: NDArray[Any]) -> Indices:
    """Return whole numbers from 0, each once; raises ValueError otherwise."""
    if found.dtype == object and not all(type(value) is int for value in found.tolist()):
        raise ValueError("the selection must hold whole numbers")
    indices = found.astype(np.int64)
    if indices.ndim != 1 or (len(indices) and indices.min() < 0):
        raise ValueError("the selection must be a list of samples")
    if len(np.unique(indices)) != len(indices):
        raise ValueError("the selection names a sample twice")
    return indices


def _drop_oldest(files: Iterable[Any]) -> None:
    """Remove all but the latest stored selections; what another session removed is gone."""
    ages: list[tuple[float, Any]] = []
    for file in files:
        with contextlib.suppress(OSError):
            ages.append((file.stat().st_mtime, file))
    for _, file in sorted(ages, key=lambda age: age[0])[:-MOST_SELECTIONS]:
        with contextlib.suppress(OSError):
            file.unlink()


@contextlib.contextmanager
def _explained(paths: RunPaths, what: str) -> Any:
    """Turn a failure of the disk into one sentence."""
    try:
        yield
    except OSError as error:
        raise CoresetError(
            f"{what} of run {paths.root.name} cannot be written: {error.strerror or error}. "
            "Check who owns its folder and whether the disk is full."
        ) from None
