"""Writing the figures of epochs, one line of JSON each."""

import json
import os
from collections.abc import Mapping
from typing import Any

from coreset_lib.runs.paths import RunPaths


def append_metrics(paths: RunPaths, figures: Mapping[str, Any]) -> None:
    """Append one line to the metrics and wait until it is on disk."""
    with paths.metrics.open("a") as file:
        file.write(json.dumps(dict(figures)) + "\n")
        file.flush()
        os.fsync(file.fileno())
