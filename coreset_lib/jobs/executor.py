"""Where runs are trained: one contract, kept by a process on this machine and by Slurm."""

from dataclasses import dataclass
from typing import Protocol

from coreset_lib.checks import check_choice
from coreset_lib.jobs.processes import local
from coreset_lib.jobs.slurm import executor as slurm
from coreset_lib.jobs.slurm.options import SlurmOptions, slurm_options
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.records import Status
from coreset_lib.runs.store import Run


class Executor(Protocol):
    """Starts runs, stops them, and knows what they do."""

    def start(self, paths: RunPaths) -> None:
        """Start or resume a run and return at once; raises CoresetError where it cannot.

        A resumed run is trained by as many processes as before.
        """
        ...

    def stop(self, run: Run) -> Status:
        """Stop a queued or running run, its complete epochs kept, and return its status."""
        ...

    def state(self, run: Run) -> Status:
        """Return what is really the case with a run."""
        ...


@dataclass(frozen=True)
class LocalExecutor:
    """A detached process on this machine; runs take turns on a device."""

    def start(self, paths: RunPaths) -> None:
        """See :func:`coreset_lib.jobs.processes.local.start`."""
        local.start(paths)

    def stop(self, run: Run) -> Status:
        """See :func:`coreset_lib.jobs.processes.local.stop`."""
        return local.stop(run)

    def state(self, run: Run) -> Status:
        """Return the run's status, its process looked up."""
        return run.status()


@dataclass(frozen=True)
class SlurmExecutor:
    """A job of Slurm with the given resources, or with those of the cache's settings file."""

    options: SlurmOptions | None = None

    def start(self, paths: RunPaths) -> None:
        """See :func:`coreset_lib.jobs.slurm.executor.submit`."""
        slurm.submit([paths], self.options or slurm_options(paths.cache))

    def stop(self, run: Run) -> Status:
        """See :func:`coreset_lib.jobs.slurm.executor.stop`."""
        return slurm.stop(run)

    def state(self, run: Run) -> Status:
        """Return the run's status, Slurm asked where the run is silent."""
        return run.status()


# What may work on a comparison besides those that train runs, one worker each.
SHARED = ("ray", "kubernetes")
EXECUTORS: dict[str, type[LocalExecutor] | type[SlurmExecutor]] = {
    "local": LocalExecutor,
    "slurm": SlurmExecutor,
}


def executor_named(name: str, options: SlurmOptions | None = None) -> Executor:
    """Return the executor of this name; raises CoresetError for an unknown one."""
    check_choice("executor", name, EXECUTORS)
    return SlurmExecutor(options or SlurmOptions()) if name == "slurm" else EXECUTORS[name]()


def executor_of(run: Run) -> Executor:
    """Return the executor that a run was started with."""
    return SlurmExecutor() if run.paths.slurm_job.exists() else LocalExecutor()
