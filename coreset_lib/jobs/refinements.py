"""Refinements in the background: a detached process that outlives whoever started it."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from coreset_lib.errors import CoresetError
from coreset_lib.jobs.local import end_process
from coreset_lib.refinement.plan import RefinementPlan
from coreset_lib.refinement.refiner import check_expert
from coreset_lib.refinement.results import (
    RefinementPaths,
    count_finished,
    create_refinement,
    read_plan,
    refinements_folder,
)
from coreset_lib.runs.process import background_environment
from coreset_lib.runs.reading import read_record
from coreset_lib.runs.records import Status
from coreset_lib.runs.status import claim, reconcile, write_status
from coreset_lib.runs.store import RunStore


@dataclass(frozen=True)
class Refinement:
    """One refinement in the cache, and how far it is."""

    paths: RefinementPaths
    plan: RefinementPlan
    status: Status


def start(cache: Path, plan: RefinementPlan) -> RefinementPaths:
    """Start a refinement, or go on with it; finished steps are kept.

    Raises
    ------
    CoresetError
        If it is under way already, its expert would not know the answers, or no process can
        be started.
    """
    check_expert(RunStore(cache).find(plan.run_id), plan)
    paths = create_refinement(cache, plan)
    check_idle(paths)
    command = [sys.executable, "-m", "coreset_lib.refinement"]
    command += [str(paths.root.resolve()), str(cache.resolve())]
    try:
        with paths.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=background_environment(),
                start_new_session=True,
            )
    except OSError as error:
        raise CoresetError(f"the refinement cannot be started: {error.strerror}.") from None
    queued = Status(
        state="queued",
        epoch=count_finished(paths, plan),
        epochs=plan.n_steps,
        step="starting",
    )
    write_status(paths, claim(queued, process.pid))
    process.returncode = 0  # keeps Popen from warning that the child still runs
    return paths


def check_idle(paths: RefinementPaths) -> None:
    """Raise CoresetError if a process works on a refinement."""
    status = refinement_status(paths)
    if status is not None and status.state in ("queued", "running"):
        raise CoresetError("this refinement is under way already. Wait for it or stop it first.")


def stop(paths: RefinementPaths) -> None:
    """End a refinement; its finished steps are kept and it can go on later.

    Raises
    ------
    CoresetError
        If it is not under way.
    """
    status = refinement_status(paths)
    if status is None or status.state not in ("queued", "running"):
        raise CoresetError("this refinement is not under way. Nothing was done.")
    end_process(status)
    write_status(paths, Status(state="stopped", epoch=status.epoch, epochs=status.epochs))


def refinement_status(paths: RefinementPaths) -> Status | None:
    """Return how far a refinement is; None if it was never worked on."""
    if not paths.status.exists():
        return None
    return reconcile(read_record(paths.status, Status))


def refinements_of(cache: Path, run_id: str) -> list[Refinement]:
    """Return the refinements of a run, newest first; damaged ones are left out."""
    folder = refinements_folder(cache)
    found: list[tuple[float, Refinement]] = []
    for path in folder.iterdir() if folder.is_dir() else ():
        paths = RefinementPaths(path)
        try:
            plan = read_plan(paths)
            status = refinement_status(paths) or Status(state="stopped")
        except CoresetError:
            continue
        if plan.run_id == run_id:
            found.append((paths.plan.stat().st_mtime, Refinement(paths, plan, status)))
    return [refinement for _, refinement in sorted(found, key=lambda pair: -pair[0])]
