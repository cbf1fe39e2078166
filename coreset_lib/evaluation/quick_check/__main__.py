"""``python -m coreset_lib.evaluation.quick_check DIR CACHE``: work through one in this process."""

import sys

from coreset_lib.evaluation.quick_check.plan import QuickCheckPaths
from coreset_lib.evaluation.quick_check.work import work_on_quick_check
from coreset_lib.plans import background_main

if __name__ == "__main__":
    sys.exit(
        background_main(
            "coreset_lib.evaluation.quick_check",
            sys.argv[1:],
            lambda cache, folder, note: work_on_quick_check(
                cache,
                QuickCheckPaths(folder),
                on_training=lambda done, total: note(done, total, "training"),
            ),
        )
    )
