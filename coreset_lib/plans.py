"""Work that follows a plan, step by step: its folder in the cache, and how far it is.

What was finished lies in a file of its own and is never done again.
"""

import contextlib
import json
import logging
import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coreset_lib.atomic import write_json
from coreset_lib.errors import CoresetError
from coreset_lib.runs.create import library_versions
from coreset_lib.runs.records import Status
from coreset_lib.runs.source_version import source_hash
from coreset_lib.runs.status import StatusWriter, claim
from coreset_lib.system.locks import FileLock
from coreset_lib.system.processes import wait_for_starter


@dataclass(frozen=True)
class PlanPaths:
    """Where the parts of one plan lie."""

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

    @property
    def leases(self) -> Path:
        """Folder of the leases of those who share the work."""
        return self.root / "leases"

    @property
    def lock(self) -> Path:
        """Held by the process that works on it."""
        return self.root / "lock"


def make_plan_folder(paths: PlanPaths, plan: Mapping[str, Any]) -> None:
    """Make the folder of a plan, or leave it with the steps that are finished.

    Raises
    ------
    CoresetError
        If the cache cannot be written.
    """
    try:
        paths.cells.mkdir(parents=True, exist_ok=True)
        record = {"plan": dict(plan), "versions": library_versions(), "code": source_hash()}
        write_json(paths.plan, record)
    except OSError as error:
        raise CoresetError(
            f"cache {paths.root.parents[1]} cannot be written: {error.strerror or error}. "
            "Choose another folder with --cache."
        ) from None


def damaged_plan(kind: str, paths: PlanPaths) -> CoresetError:
    """Return the error for a plan that cannot be read."""
    return CoresetError(
        f"{kind} {paths.root.name} cannot be read: plan.json is missing or damaged. Start it anew."
    )


def check_same_code(kind: str, paths: PlanPaths) -> None:
    """Raise CoresetError if the plan was made by other code than this; older plans do not tell."""
    try:
        record = json.loads(paths.plan.read_bytes())
        made_by, version = record.get("code"), record["versions"].get("coreset-lens")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise damaged_plan(kind, paths) from None
    if made_by is not None and made_by != source_hash():
        raise CoresetError(
            f"{kind} {paths.root.name} was planned by other code (coreset-lens {version}, "
            f"{str(made_by)[:12]}) than this worker's ({source_hash()[:12]}): their results must "
            "not be mixed. Install the same version here, or start it anew with this one."
        )


def read_step(path: Path, **expected: object) -> dict[str, Any] | None:
    """Return the record of a finished step; None if it is missing, damaged or another one's."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    is_it = isinstance(record, dict) and all(record.get(k) == v for k, v in expected.items())
    return record if is_it else None


def under_way(kind: str) -> CoresetError:
    """Return the error for work that somebody does already."""
    return CoresetError(f"this {kind} is under way already. Wait for it or stop it first.")


@contextlib.contextmanager
def working(paths: PlanPaths, kind: str, n_steps: int) -> Generator[StatusWriter]:
    """Hold the sole right to work on a plan; others read how far it is, and what ended it.

    Raises
    ------
    CoresetError
        If another process holds it.
    """
    lock = FileLock(paths.lock)
    if not lock.acquire():
        raise under_way(kind)
    status = Status(state="running", step="loading data", epochs=n_steps)
    try:
        with StatusWriter(paths, claim(status, os.getpid())) as writer:
            try:
                yield writer
            except CoresetError as error:
                writer.update(state="failed", step="", eta_seconds=None, error=str(error))
                raise
            except Exception as error:
                what = " ".join(f"{type(error).__name__}: {error}".split())
                reason = f"this {kind} ended unexpectedly ({what}). See the log."
                with contextlib.suppress(OSError):  # the error itself must not be lost to that
                    writer.update(state="failed", step="", eta_seconds=None, error=reason)
                raise
    finally:
        lock.release()


def background_main(
    module: str,
    arguments: Sequence[str],
    work: Callable[[Path, Path, Callable[[int, int, str], None]], Status],
) -> int:
    """Work on a plan as a process of its own, and log it.

    Parameters
    ----------
    module : str
        For the usage and the log.
    arguments : sequence of str
        The plan's directory, the cache, and ``--wait`` where a starter notes who we are.
    work : callable
        Takes cache, directory, and what is to be told of steps done, all steps, and the step.

    Returns
    -------
    int
        0 if it was done as far as it can be, 1 if it failed, 2 for wrong arguments.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    log = logging.getLogger(module)
    given = wait_for_starter(arguments)
    if len(given) != 2:
        log.error("usage: python -m %s [--wait] DIR CACHE", module)
        return 2
    try:
        status = work(
            Path(given[1]),
            Path(given[0]),
            lambda done, total, step: log.info("%d of %d: %s", done, total, step),
        )
    except CoresetError as error:
        log.error("%s", error, exc_info=error.__cause__)
        return 1
    log.info("%s %s", status.state, status.step)
    return 0


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
