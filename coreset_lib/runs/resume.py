"""Which runs may go on from their last checkpoint, and making them ready for it."""

import json
from dataclasses import replace

from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError, DamagedRunError, DatasetError
from coreset_lib.plugins import check_installed
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.records import RECORDED, Status
from coreset_lib.runs.status import reconcile
from coreset_lib.runs.store import Run
from coreset_lib.system.processes import host_name

RESUMABLE = ("stopped", "interrupted", "failed")


def check_resumable(run: Run) -> None:
    """Raise CoresetError, in one sentence, unless the run can go on from where it ended."""
    if run.manifest.is_recorded:
        raise CoresetError(
            f"run {run.run_id} was recorded from a training of your own, which only that "
            "training can go on with. Record a new run."
        )
    status = run.status()
    if status.state == "finished":
        raise CoresetError(
            f"run {run.run_id} must be unfinished to be resumed, got a finished one. "
            "Start a new run for more epochs."
        )
    if status.state not in RESUMABLE:
        where = "Slurm" if status.pid is None else f"process {status.pid} on {status.host}"
        raise CoresetError(
            f"run {run.run_id} must have ended to be resumed, got {status.state} by {where}. "
            "Stop it first."
        )


def check_same_dataset(run: Run, fingerprint: str) -> None:
    """Raise DatasetError unless a dataset is the one that the run was started with."""
    expected = run.manifest.dataset.fingerprint
    if fingerprint != expected:
        raise DatasetError(
            f"dataset {run.manifest.dataset.name} must be the one the run was started with "
            f"(fingerprint {expected[:12]}), got {fingerprint[:12]}. "
            "Restore the file or start a new run."
        )


def prepare_start(run: Run, *, processes: int | None = None) -> Status:
    """Return the status ``queued`` for a run about to start or resume, its epochs kept.

    What a former process left behind is forgotten: a stop request, an error, a Slurm job.
    With ``processes`` None it is trained by as many together as before.

    Raises
    ------
    CoresetError
        If it is finished or under way.
    """
    status = run.status()
    is_new = status.state == "queued" and status.pid is None and not run.paths.slurm_job.exists()
    if not is_new:
        check_resumable(run)
    for leftover in (run.paths.stop_request, run.paths.slurm_job):
        leftover.unlink(missing_ok=True)
    return Status(
        state="queued",
        epoch=status.epoch,
        epochs=status.epochs,
        step="starting",
        host=host_name(),
        processes=status.processes if processes is None else processes,
    )


def plain_status(paths: RunPaths) -> Status:
    """Read what is the case with a run where pydantic may be missing.

    Raises
    ------
    DamagedRunError
        If the status cannot be read.
    """
    try:
        status = Status(**json.loads(paths.status.read_bytes()))
        return reconcile(replace(status, notes=tuple(status.notes)))
    except (OSError, ValueError, TypeError) as error:
        raise DamagedRunError(
            f"run {paths.root.name} is damaged: its status cannot be read "
            f"({type(error).__name__}). Restore the file from a copy or delete the run."
        ) from None


def plain_config(paths: RunPaths) -> TrainingConfig:
    """Read a run's options where pydantic may be missing.

    Raises
    ------
    CoresetError
        If the manifest cannot be read, or an option in it is not allowed.
    """
    try:
        record = json.loads(paths.manifest.read_bytes())
        if record.get("origin") == RECORDED:
            raise CoresetError(
                f"run {paths.root.name} was recorded from a training of your own and has no "
                "recipe that could be trained again. Choose a run that this program trained."
            )
        check_installed(record.get("plugins"))
        return TrainingConfig.from_dict(record["config"])
    except CoresetError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedRunError(
            f"run {paths.root.name} is damaged: its manifest cannot be read "
            f"({type(error).__name__}). Restore the file from a copy or delete the run."
        ) from None
