"""Several workers of one comparison on this computer, led by the process that shows how far it is.

A small network leaves a GPU, and processors with many cores, mostly idle: several trainings side
by side fill them.
"""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import IO

from coreset_lib.checks import check_whole
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.evaluate import OnCell
from coreset_lib.evaluation.results import EvaluationPaths
from coreset_lib.evaluation.run_plan import compare_by_others
from coreset_lib.runs.records import Status
from coreset_lib.system.computing import background_environment, usable_cores

MOST_WORKERS = 256
POLL_SECONDS = 0.2
LAST_LINES = 2000  # characters of what a worker said


def compare_with_workers(
    paths: EvaluationPaths,
    n_workers: int,
    *,
    on_cell: OnCell = lambda done, total: None,
) -> Status:
    """Let several processes train the open cells of a comparison, and keep its status true.

    Each has its share of this computer's cores. They end with the block, however it ends.

    Parameters
    ----------
    paths : EvaluationPaths
    n_workers : int
        From 1 to 256.
    on_cell : callable
        Told of finished and of all cells.

    Returns
    -------
    Status
        ``finished``.

    Raises
    ------
    CoresetError
        If the number is not allowed, or every worker has failed: with what the last one said.
    """
    check_whole("--workers", n_workers, least=1, most=MOST_WORKERS)
    return compare_by_others(paths, lambda: _workers(paths.root, n_workers), on_cell=on_cell)


@contextlib.contextmanager
def _workers(folder: Path, n_workers: int) -> Generator[Callable[[], None]]:
    """Start workers; those that still work at the end of the block are ended."""
    workers: list[subprocess.Popen[bytes]] = []
    was_one_left = True
    with tempfile.TemporaryFile() as said:

        def wait() -> None:
            nonlocal was_one_left
            if not was_one_left:
                raise CoresetError(_reason(said))
            was_one_left = any(worker.poll() is None for worker in workers)
            time.sleep(POLL_SECONDS)

        try:
            for _ in range(n_workers):
                workers.append(_start(folder, n_workers, said))
            yield wait
        finally:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.wait()


def _start(folder: Path, n_workers: int, said: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start one of so many workers, on its share of the cores."""
    n_threads = max((usable_cores() or 1) // n_workers, 1)
    environment = {**background_environment(), "OMP_NUM_THREADS": str(n_threads)}
    command = [sys.executable, "-m", "coreset_lib.jobs.work", str(folder)]
    try:
        return subprocess.Popen(command, stdout=said, stderr=said, env=environment)
    except OSError as error:
        raise CoresetError(
            f"a worker cannot be started: {error.strerror or error}. Ask for fewer with --workers."
        ) from None


def _reason(said: IO[bytes]) -> str:
    """Return the last thing that a worker said, as the reason why none is left."""
    size = said.seek(0, 2)
    said.seek(max(size - LAST_LINES, 0))
    lines = said.read().decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "no reason was given")
    return f"every worker has ended before all trainings were done: {last}"
