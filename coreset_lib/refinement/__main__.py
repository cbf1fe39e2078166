"""``python -m coreset_lib.refinement DIR CACHE``: work on a refinement in this process."""

import sys

from coreset_lib.plans import background_main
from coreset_lib.refinement.results import RefinementPaths
from coreset_lib.refinement.run_plan import refine

if __name__ == "__main__":
    sys.exit(
        background_main(
            "coreset_lib.refinement",
            sys.argv[1:],
            lambda cache, folder, note: refine(cache, RefinementPaths(folder), on_step=note),
        )
    )
