"""``python -m coreset_lib.evaluation DIR CACHE``: work through a comparison in this process."""

import sys

from coreset_lib.evaluation.results import EvaluationPaths
from coreset_lib.evaluation.run_plan import compare
from coreset_lib.plans import background_main

if __name__ == "__main__":
    sys.exit(
        background_main(
            "coreset_lib.evaluation",
            sys.argv[1:],
            lambda cache, folder, note: compare(
                cache,
                EvaluationPaths(folder),
                on_cell=lambda done, total: note(done, total, "training"),
            ),
        )
    )
