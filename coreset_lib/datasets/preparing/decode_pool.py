"""Decoding in several processes, and what to do when one of them dies."""

import json
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from coreset_lib.datasets.preparing.decode_worker import LEAST_MEMORY, MEMORY_LIMIT, as_line
from coreset_lib.datasets.preparing.row_store import ShardJob, write_shard
from coreset_lib.errors import DatasetError
from coreset_lib.system.computing import allowed_processors
from coreset_lib.system.memory import available_memory

MOST_WORKERS = 16
FEW_FILES = 24
DECODING = [sys.executable, "-m", "coreset_lib.datasets.preparing.decode_worker"]
Progress = Callable[[int, int], None]
log = logging.getLogger(__name__)


def decode(jobs: Sequence[ShardJob], *, progress: Progress, in_process: bool = False) -> None:
    """Write the shards of all jobs.

    Parameters
    ----------
    jobs : sequence of ShardJob
    progress : callable
        Told files done and files in all, in the thread of the caller.
    in_process : bool
        Decode here: right for a few files of harmless kinds, where a process would take
        longer to start than to work.

    Raises
    ------
    DatasetError
        If a shard cannot be written or no process can be started.
    """
    total = sum(len(job.files) for job in jobs)
    progress(0, total)
    if in_process:
        _decode_here(jobs, progress, total)
        return
    events: queue.Queue[int | DatasetError] = queue.Queue()
    waiting: queue.SimpleQueue[ShardJob] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    n_processes, memory = share_memory(min(n_workers(), len(jobs)))
    workers = [_Worker(waiting, events, memory) for _ in range(n_processes)]
    try:
        _follow(events, len(jobs), total, progress)
    finally:
        for worker in workers:
            worker.stop()


def n_workers() -> int:
    """Return how many processes may run at once: the cores that this process may use."""
    return min(allowed_processors(), MOST_WORKERS)


def share_memory(n_processes: int) -> tuple[int, int]:
    """Return how many processes may decode at once, and the memory that each may take.

    Together they never take more than there is; rather fewer of them run.
    """
    available = available_memory()
    if available is None:
        return n_processes, MEMORY_LIMIT
    n_processes = max(1, min(n_processes, available // LEAST_MEMORY))
    return n_processes, max(min(MEMORY_LIMIT, available // n_processes), LEAST_MEMORY // 2)


def _decode_here(jobs: Sequence[ShardJob], progress: Progress, total: int) -> None:
    """Write the shards in this process."""
    done = 0
    for job in jobs:
        try:
            write_shard(job, lambda _: None)
        except OSError as error:
            raise _not_written(error.strerror or str(error)) from None
        done += len(job.files)
        progress(done, total)


def _follow(
    events: "queue.Queue[int | DatasetError]", n_jobs: int, total: int, progress: Progress
) -> None:
    """Report progress until every job is done; a job counts once its shard is written."""
    done, jobs_done = 0, 0
    while jobs_done < n_jobs:
        event = events.get()
        if isinstance(event, DatasetError):
            raise event
        if event == 0:
            jobs_done += 1
        else:
            done += event
            progress(min(done, total), total)


class _Worker:
    """A decoding process and the thread that feeds it."""

    def __init__(
        self,
        waiting: "queue.SimpleQueue[ShardJob]",
        events: "queue.Queue[int | DatasetError]",
        memory: int,
    ) -> None:
        self._waiting, self._events, self._memory = waiting, events, memory
        self._process: subprocess.Popen[str] | None = None
        self._is_stopped = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._is_stopped = True
        while self._thread.is_alive():
            if (process := self._process) is not None:
                process.kill()
            self._thread.join(0.05)

    def _work(self) -> None:
        """Do jobs until none is left."""
        try:
            while not self._is_stopped:
                try:
                    job = self._waiting.get_nowait()
                except queue.Empty:
                    break
                self._do(job)
                self._events.put(0)
        except DatasetError as error:
            self._events.put(error)
        except OSError as error:
            reason = f"the decoding process cannot be started: {error.strerror or error}."
            self._events.put(DatasetError(f"{reason} Close other programs and try again."))
        except BaseException as error:  # whoever follows the events would wait for ever
            log.exception("decoding ended unexpectedly")
            what = " ".join(f"{type(error).__name__}: {error}".split())
            self._events.put(
                DatasetError(f"decoding ended unexpectedly ({what}). Try again, or see the log.")
            )
        finally:
            self._end_process()

    def _do(self, job: ShardJob) -> None:
        """Do one job; if the process dies on it, search by halves for the file to blame.

        The file that was open need not be guilty: what an earlier one did to the memory of a
        decoder may show late. Guilty is who kills a process of its own.
        """
        n_begun, is_done = self._run(job)
        if is_done or self._is_stopped:
            return
        if n_begun == 0:
            raise DatasetError(
                "images cannot be decoded: the decoding process ends at once. "
                "Check that Pillow and pydicom are installed."
            )
        if len(job.files) == 1:
            self._run(replace(job, crashed=(0,)))
            return
        middle = len(job.files) // 2
        for half, files in (("a", job.files[:middle]), ("b", job.files[middle:])):
            self._do(replace(job, stem=job.stem + half, files=files))

    def _run(self, job: ShardJob) -> tuple[int, bool]:
        """Send a job; return how many files were begun and whether the shard is written."""
        process, n_begun = self._started(), 0
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(as_line(job) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                answer = json.loads(line)
                if "failed" in answer:
                    raise _not_written(answer["failed"])
                if "done" in answer:
                    return n_begun, True
                n_begun += 1
                self._events.put(1)
        except (BrokenPipeError, ValueError):
            pass
        self._end_process()
        return n_begun, False

    def _started(self) -> "subprocess.Popen[str]":
        """Return the running process, started anew if need be."""
        if self._process is None:
            self._process = subprocess.Popen(
                [*DECODING, str(self._memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                text=True,
            )
        return self._process

    def _end_process(self) -> None:
        """Let go of the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.communicate()


def _not_written(reason: str) -> DatasetError:
    """Return the error for a cache that takes nothing more."""
    return DatasetError(
        f"prepared images cannot be written: {reason}. Free some space, or choose another "
        "folder with --cache or CORESET_LENS_CACHE. What is prepared already is kept."
    )


def _environment() -> dict[str, str]:
    """Return the environment of a decoder: one thread each, the package importable."""
    root = str(Path(__file__).parents[3])
    search_path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONPATH": search_path, "PYTHONIOENCODING": "utf-8"}
