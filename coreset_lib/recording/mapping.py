"""The map of a recorded run, made after its end: python -m coreset_lib.recording.mapping FOLDER."""

import contextlib
import sys
from dataclasses import replace
from pathlib import Path

from coreset_lib.errors import CoresetError
from coreset_lib.features import make_map
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import Run
from coreset_lib.system.processes import let_go, spawn

MODULE = "coreset_lib.recording.mapping"


def start_map(paths: RunPaths) -> None:
    """Make the map in a process of its own, which outlives this one.

    Raises
    ------
    CoresetError
        If it cannot be started.
    """
    try:
        with paths.log.open("ab") as output:
            let_go(spawn(["-m", MODULE, str(paths.root.resolve())], output))
    except OSError as error:
        raise CoresetError(f"the map cannot be made: {error.strerror or error}.") from None


def map_run(paths: RunPaths) -> str:
    """Write the map of a run's embedding; return one sentence where there is none."""
    run = Run(paths)
    embedding = run.embedding()
    assert embedding is not None
    note = make_map(paths, embedding, seed=run.manifest.seed)
    if note:
        status = run.status()
        write_status(paths, replace(status, notes=(*status.notes, note)))
    return note


if __name__ == "__main__":
    # The run may be deleted meanwhile; nobody waits for its map then.
    with contextlib.suppress(FileNotFoundError):
        map_run(RunPaths(Path(sys.argv[1])))
