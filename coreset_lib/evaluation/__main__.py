"""``python -m coreset_lib.evaluation DIR CACHE``: work through a comparison in this process."""

import logging
import os
import sys
from pathlib import Path

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.evaluate import Evaluator, read_plan
from coreset_lib.evaluation.results import EvaluationPaths
from coreset_lib.runs.planned_work import Pace
from coreset_lib.runs.records import Status
from coreset_lib.runs.status import StatusWriter, claim
from coreset_lib.runs.store import RunStore

log = logging.getLogger("coreset_lib.evaluation")


def main(arguments: list[str]) -> int:
    """Train the open cells; 0 if all are finished, 1 if it failed, 2 for wrong arguments."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if len(arguments) != 2:
        log.error("usage: python -m coreset_lib.evaluation DIR CACHE")
        return 2
    paths, store = EvaluationPaths(Path(arguments[0])), RunStore(Path(arguments[1]))
    status = claim(Status(state="running", step="loading data"), os.getpid())
    with StatusWriter(paths, status) as writer:
        try:
            plan = read_plan(paths)
            pace = Pace()

            def on_cell(done: int, total: int) -> None:
                left = pace.seconds_left(done, total)
                writer.update(step="training", epoch=done, epochs=total, eta_seconds=left)

            Evaluator.open(store.find(plan.run_id), plan, paths).work(on_cell=on_cell)
        except CoresetError as error:
            log.error("%s", error)
            writer.update(state="failed", eta_seconds=None, error=str(error))
            return 1
        writer.update(state="finished", step="", eta_seconds=0.0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
