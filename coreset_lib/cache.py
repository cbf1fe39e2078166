"""Where runs and prepared datasets are kept."""

import os
from pathlib import Path


def default_cache() -> Path:
    """Return the cache directory: ``CORESET_LENS_CACHE``, else ``cache`` below here."""
    return Path(os.environ.get("CORESET_LENS_CACHE") or "cache")
