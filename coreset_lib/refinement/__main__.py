"""``python -m coreset_lib.refinement DIR CACHE``: work on a refinement in this process."""

import logging
import sys
from pathlib import Path

from coreset_lib.errors import CoresetError
from coreset_lib.refinement.results import RefinementPaths
from coreset_lib.refinement.work import refine

log = logging.getLogger("coreset_lib.refinement")


def main(arguments: list[str]) -> int:
    """Do the open steps; 0 if finished or waiting, 1 if it failed, 2 for wrong arguments."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if len(arguments) != 2:
        log.error("usage: python -m coreset_lib.refinement DIR CACHE")
        return 2
    try:
        status = refine(
            Path(arguments[1]),
            RefinementPaths(Path(arguments[0])),
            on_step=lambda done, total, step: log.info("%d of %d: %s", done, total, step),
        )
    except CoresetError as error:
        log.error("%s", error)
        return 1
    log.info("%s %s", status.state, status.step)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
