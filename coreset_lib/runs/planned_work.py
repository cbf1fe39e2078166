"""Work that follows a plan, step by step: its folder in the cache, and how far it is.

What was finished lies in a file of its own and is never done again.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coreset_lib.atomic import write_json
from coreset_lib.errors import CoresetError
from coreset_lib.runs.create import library_versions


@dataclass(frozen=True)
class PlannedPaths:
    """Where the parts of one piece of planned work lie."""

    root: Path

    @property
    def plan(self) -> Path:
        """What is to be done."""
        return self.root / "plan.json"

    @property
    def cells(self) -> Path:
        """Folder of finished steps."""
        return self.root / "cells"

    @property
    def status(self) -> Path:
        """How far it is."""
        return self.root / "status.json"


def make_plan_folder(paths: PlannedPaths, plan: Mapping[str, Any]) -> None:
    """Make the folder of a plan, or leave it with the steps that are finished.

    Raises
    ------
    CoresetError
        If the cache cannot be written.
    """
    try:
        paths.cells.mkdir(parents=True, exist_ok=True)
        write_json(paths.plan, {"plan": dict(plan), "versions": library_versions()})
    except OSError as error:
        raise CoresetError(
            f"cache {paths.root.parents[1]} cannot be written: {error.strerror or error}. "
            "Choose another folder with --cache."
        ) from None


def damaged_plan(kind: str, paths: PlannedPaths) -> CoresetError:
    """Return the error for a plan that cannot be read."""
    return CoresetError(
        f"{kind} {paths.root.name} cannot be read: plan.json is missing or damaged. Start it anew."
    )


def read_step(path: Path, **expected: object) -> dict[str, Any] | None:
    """Return the record of a finished step; None if it is missing, damaged or another one's."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    is_it = isinstance(record, dict) and all(record.get(k) == v for k, v in expected.items())
    return record if is_it else None


class Pace:
    """How long the rest will take, from the steps that were done while looking on."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._first: int | None = None

    def seconds_left(self, done: int, total: int) -> float | None:
        """Return the estimate in seconds; None before a first step is done."""
        if self._first is None:
            self._first = done
        new = done - self._first
        return (time.monotonic() - self._began) / new * (total - done) if new else None
