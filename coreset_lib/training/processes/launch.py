"""Starting the other processes of a training from the one that leads, on one machine."""

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import replace

import torch

from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.resume import plain_status
from coreset_lib.runs.status import write_status
from coreset_lib.system.computing import background_environment
from coreset_lib.system.hardware import loopback_interface
from coreset_lib.system.processes import wait_for_orphanhood
from coreset_lib.training.processes.distributed import open_store
from coreset_lib.training.processes.ranks import ALONE, STORE_PORT, Ranks
from coreset_lib.training.running.failures import partner_reason

POLL_SECONDS = 0.5
GRACE_SECONDS = 8.0
FAILURE_GRACE_SECONDS = 2.0
FAILED = 1
log = logging.getLogger(__name__)


@contextlib.contextmanager
def launched_ranks(paths: RunPaths, n_processes: int) -> Generator[Ranks]:
    """Start the processes that train a run together with this one, which leads.

    They share out the processor's threads, write to the run's log, and end with the block.
    A leader that waits in vain for one that has failed ends too, and says why in the status.
    """
    if n_processes == 1:
        yield ALONE
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(max(threads // n_processes, 1))
    store = open_store(0, n_processes, is_master=True)
    children = _start(paths, n_processes, store.port, max(threads // n_processes, 1))
    done = threading.Event()
    threading.Thread(target=_watch, args=(paths, children, done), daemon=True).start()
    try:
        yield Ranks(world_size=n_processes, store=store)
    except BaseException:
        _end(children, done, FAILURE_GRACE_SECONDS)
        raise
    else:
        _end(children, done, GRACE_SECONDS)
    finally:
        torch.set_num_threads(threads)


def leave_with_parent() -> None:
    """End this process as soon as the one that started it is gone."""
    threading.Thread(target=_end_as_orphan, daemon=True).start()


def _start(
    paths: RunPaths, n_processes: int, port: int, n_threads: int
) -> "list[subprocess.Popen[bytes]]":
    """Start all processes but the leader."""
    if (interface := loopback_interface()) is not None:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", interface)
    command = [sys.executable, "-m", "coreset_lib.training", str(paths.root.resolve())]
    children: list[subprocess.Popen[bytes]] = []
    with paths.log.open("ab") as output:
        for rank in range(1, n_processes):
            environment = {
                **background_environment(),
                "RANK": str(rank),
                "WORLD_SIZE": str(n_processes),
                "LOCAL_RANK": str(rank),
                STORE_PORT: str(port),
                "OMP_NUM_THREADS": str(n_threads),
            }
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
            )
            children.append(child)
    return children


def _watch(
    paths: RunPaths, children: "list[subprocess.Popen[bytes]]", done: threading.Event
) -> None:
    """End this process if another one has failed and the connection does not tell."""
    while not done.wait(POLL_SECONDS):
        failed = [child for child in children if child.poll() not in (None, 0)]
        if failed and not done.wait(GRACE_SECONDS):
            log.error("training process %d ended with status %d", failed[0].pid, failed[0].poll())
            with contextlib.suppress(OSError, CoresetError):
                reason = partner_reason(paths, len(children) + 1)
                ended = replace(plain_status(paths), state="failed", step="", error=reason)
                write_status(paths, replace(ended, eta_seconds=None))
            os._exit(FAILED)


def _end(children: "list[subprocess.Popen[bytes]]", done: threading.Event, patience: float) -> None:
    """Wait for the others, which end by themselves, then kill them: they hold nothing."""
    done.set()
    deadline = time.monotonic() + patience
    for child in children:
        try:
            child.wait(max(deadline - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _end_as_orphan() -> None:
    """End the process once its parent is gone."""
    wait_for_orphanhood(POLL_SECONDS)
    os._exit(FAILED)
