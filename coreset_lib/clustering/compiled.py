"""Access to the compiled kernels without importing numba before it is needed."""

from importlib import import_module
from typing import Any


def kernels() -> Any:
    """Return the module of compiled kernels; numba's functions carry no types."""
    return import_module("coreset_lib.clustering._kernels")
