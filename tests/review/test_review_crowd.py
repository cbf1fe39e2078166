"""Many readers at once, killed in the middle: what was acknowledged is there."""

import os
import signal
import subprocess
import sys
import time

import pytest

from coreset_lib.review.store import open_reviews

N_PROCESSES = 3
READERS_EACH = 8
DECISIONS_EACH = 12
PATIENCE_SECONDS = 120
READER = """
import sys, threading, time
from pathlib import Path
import numpy as np
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.records import Decision
from coreset_lib.review.store import open_reviews

url, acknowledged, process, n_readers, n_decisions = sys.argv[1:]
ids = [f"s{n}" for n in range(9)]
dataset = ReviewedDataset("tiny", "ab" * 32, ("kidney", "=liver", "spleen"), ids, np.arange(9) % 3)
store = open_reviews(Path(), url, busy_seconds=60)
with open(acknowledged, "a", buffering=1) as done:
    def read(number):
        for n in range(int(n_decisions)):
            token = f"{process}-{number}-{n}"
            store.decide(dataset, Decision(
                reader="ada", sample_id=ids[(number + n) % 9], action="relabel",
                label=dataset.class_names[n % 3], fingerprint=dataset.fingerprint, token=token))
            done.write(token + "\\n")
            time.sleep(0.01)
    threads = [threading.Thread(target=read, args=(n,)) for n in range(int(n_readers))]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


@pytest.fixture
def start_readers(database, tmp_path, subprocess_environment):
    """Return ``start(number, n_decisions) -> (process, file of acknowledged tokens)``."""
    running = []

    def start(number, n_decisions):
        file = tmp_path / f"acknowledged-{number}.txt"
        file.touch()
        arguments = [database, str(file), str(number), str(READERS_EACH), str(n_decisions)]
        command = [sys.executable, "-c", READER, *arguments]
        running.append(subprocess.Popen(command, env=subprocess_environment))
        return running[-1], file

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_no_acknowledged_decision_is_lost_when_readers_are_killed(
    database, tmp_path, reviewed, start_readers
):
    with open_reviews(tmp_path, database) as store:
        store.grant("ada", "admin", by="ada")
        endless = 1_000_000
        crowd = [start_readers(n, endless if n else DECISIONS_EACH) for n in range(N_PROCESSES)]
        for process, file in crowd[1:]:
            wait_for_lines(file, 2 * READERS_EACH)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        assert crowd[0][0].wait(timeout=PATIENCE_SECONDS) == 0
        events = store.events(reviewed.fingerprint)
        recorded = {event.token for event in events}
        acknowledged = {token for _, file in crowd for token in file.read_text().split()}
        assert acknowledged <= recorded
        assert len(acknowledged) >= (4 + DECISIONS_EACH) * READERS_EACH
        check_chains(events)
        # What had come in but was not acknowledged is at most one decision per reader.
        assert len(recorded - acknowledged) <= (N_PROCESSES - 1) * READERS_EACH


def wait_for_lines(file, n_lines):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(file.read_text().split()) < n_lines:
        assert time.monotonic() < deadline, "the readers do not get on"
        time.sleep(0.05)


def check_chains(events):
    """Every event follows the one before it on its sample, and numbers only grow."""
    last = {}
    for event in events:
        assert event.previous == last.get(event.sample_id, 0)
        last[event.sample_id] = event.id
    assert [event.id for event in events] == sorted(event.id for event in events)
