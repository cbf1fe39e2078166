"""The decoding process: jobs come on standard input, progress goes to standard output.

A process of its own, so that a decoder that crashes or devours memory on a damaged file
takes nothing else with it.
"""

import json
import os
import sys
from typing import Any

from coreset_lib.datasets.files.contract import DecodeOptions
from coreset_lib.datasets.preparing.row_store import ShardJob, write_shard
from coreset_lib.system.limits import limit_memory, limit_time

MEMORY_LIMIT = 4 * 2**30
LEAST_MEMORY = 2**30
SECONDS_PER_FILE = 300


def main() -> None:
    """Decode job after job until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    _silence()
    limit_memory(int(sys.argv[1]))  # a file that asks for more fails, not the computer
    for line in sys.stdin:
        job = json.loads(line)
        try:
            write_shard(_parse(job), lambda number: _say(answers, {"at": number}))
        except OSError as error:
            _say(answers, {"failed": error.strerror or str(error)})
            continue
        _say(answers, {"done": True})


def as_line(job: ShardJob) -> str:
    """Return a job as one line for the process."""
    return json.dumps(
        {
            "stem": job.stem,
            "files": job.files,
            "crashed": job.crashed,
            "options": vars(job.options),
        }
    )


def _parse(job: dict[str, Any]) -> ShardJob:
    """Return the job that a line stands for."""
    return ShardJob(
        stem=job["stem"],
        files=tuple((path, size, mtime) for path, size, mtime in job["files"]),
        options=DecodeOptions(**job["options"]),
        crashed=tuple(job["crashed"]),
    )


def _say(answers: Any, message: dict[str, Any]) -> None:
    """Tell the parent, and give the next file its time."""
    limit_time(SECONDS_PER_FILE)  # the parent blames the file on which this process ended
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def _silence() -> None:
    """Send what decoders print in C into nothing."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)


if __name__ == "__main__":
    main()
