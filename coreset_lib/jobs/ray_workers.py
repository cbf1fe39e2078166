"""Workers of one comparison on a Ray cluster: Ray starts them, and again where a node is lost.

The optional package ``ray`` is imported only here. Every node needs this program, of the same
version, and sees the cache under the same path.
"""

import contextlib
import socket
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coreset_lib.checks import check_real, check_whole
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.evaluate import OnCell
from coreset_lib.evaluation.results import EvaluationPaths
from coreset_lib.evaluation.run_plan import compare_by_others
from coreset_lib.jobs.work import work_on
from coreset_lib.runs.records import Status
from coreset_lib.system.computing import background_environment

MOST_WORKERS = 1000
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 10.0
HANDED_ON = ("PYTHONPATH", "OMP_WAIT_POLICY")


@dataclass(frozen=True, kw_only=True)
class RayOptions:
    """Where Ray is, and what each worker gets there.

    Attributes
    ----------
    address : str
        ``auto`` for the cluster that this machine belongs to, or ``ray://host:10001``.
    n_workers : int
        From 1 to 1000; those for which there is no room wait.
    gpus : float
        GPUs of a worker, a fraction where several small trainings shall share one.
    cpus : float
        Processors of a worker.
    """

    address: str = "auto"
    n_workers: int = 8
    gpus: float = 0.0
    cpus: float = 1.0

    def __post_init__(self) -> None:
        check_whole("--tasks", self.n_workers, least=1, most=MOST_WORKERS)
        check_real("--gpus", self.gpus, above=-1e-9, most=1.0)
        check_real("--cpus", self.cpus, above=0.0, most=1024.0)


def compare_with_ray(
    paths: EvaluationPaths,
    options: RayOptions,
    *,
    on_cell: OnCell = lambda done, total: None,
) -> Status:
    """Let workers on a Ray cluster train the open cells, and keep the status true.

    This process looks on; the workers end with it, and their finished trainings are kept.

    Parameters
    ----------
    paths : EvaluationPaths
    options : RayOptions
    on_cell : callable
        Told of finished and of all cells.

    Returns
    -------
    Status
        ``finished``.

    Raises
    ------
    CoresetError
        If Ray is not installed, no cluster answers, or a worker finds that it cannot go on.
    """
    step = f"training on Ray, {options.n_workers} workers at most"
    return compare_by_others(
        paths, lambda: _workers(paths.root, options), step=step, on_cell=on_cell
    )


@contextlib.contextmanager
def _workers(folder: Path, options: RayOptions) -> Generator[Callable[[], None]]:
    """Hand workers to Ray, and again when all have ended; they end with the block."""
    ray = _connected(options.address)
    try:
        workers = _start(ray, folder, options)

        def wait() -> None:
            nonlocal workers
            workers = _check(ray, workers) or _start(ray, folder, options)

        yield wait
    finally:
        ray.shutdown()


def work_for_ray(folder: str) -> tuple[int, int]:
    """Work on a plan as a task of Ray; finished and all steps. Raises CoresetError."""
    worked = work_on(Path(folder))
    return worked.done, worked.total


def _connected(address: str) -> Any:
    """Return the package, connected to a cluster; raises CoresetError."""
    try:
        import ray
    except ImportError:
        raise CoresetError(
            "--executor ray needs the package ray, which is not installed. "
            "Install it with: pip install 'coreset-lens[ray]'"
        ) from None
    _check_reachable(address)
    handed = {k: v for k, v in background_environment().items() if k in HANDED_ON}
    try:
        ray.init(
            address=address,
            runtime_env={"env_vars": handed},
            log_to_driver=False,
            configure_logging=False,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise _unanswered(address, error) from None
    return ray


def _check_reachable(address: str) -> None:
    """Raise CoresetError at once where nobody listens; Ray itself would try for minutes."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise _unanswered(address, error) from None


def _unanswered(address: str, error: Exception) -> CoresetError:
    """Build the error for a cluster that is not there."""
    reason = " ".join(str(error).split())[:200]
    return CoresetError(
        f"no Ray cluster answers at {address} ({reason}). Start one with: ray start --head, "
        "or name another with --address."
    )


def _start(ray: Any, folder: Path, options: RayOptions) -> list[Any]:
    """Hand as many workers to Ray as are asked for."""
    # A process of its own for each, so that nothing is left of one that ended; as often as needed.
    task = ray.remote(num_cpus=options.cpus, num_gpus=options.gpus, max_retries=-1, max_calls=1)(
        work_for_ray
    )
    return [task.remote(str(folder.resolve())) for _ in range(options.n_workers)]


def _check(ray: Any, workers: list[Any]) -> list[Any]:
    """Return the workers that have not ended, after a moment; raises what one has found wrong."""
    ended, others = ray.wait(workers, num_returns=len(workers), timeout=POLL_SECONDS)
    for worker in ended:
        try:
            ray.get(worker)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, CoresetError):
                raise CoresetError(str(cause)) from None
            reason = " ".join(f"{type(cause).__name__}: {cause}".split())
            raise CoresetError(
                f"a worker on Ray has failed ({reason}). Check that this program and the cache "
                "are the same on every node."
            ) from error
    return others
