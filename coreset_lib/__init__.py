"""Scores, selection and honest comparison of coresets from recorded training dynamics.

``import coreset_lib as cl``, then ``cl.record``, ``cl.train``, ``cl.open_run``, ``cl.runs``,
``cl.score``, ``cl.select``, ``cl.evaluate`` and ``cl.serve``: see docs/python.md.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

from coreset_lib import runs as _runs

if TYPE_CHECKING:
    from coreset_lib.notebook.front_door import (
        evaluate,
        open_run,
        record,
        runs,
        score,
        select,
        serve,
        train,
    )

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "evaluate",
    "open_run",
    "record",
    "runs",
    "score",
    "select",
    "serve",
    "train",
]
_DOOR = "coreset_lib.notebook.front_door"


class _CallableRuns(ModuleType):
    """The package of runs, which answers ``cl.runs()`` too: both have the same name."""

    def __call__(self, **options: Any) -> Any:
        return importlib.import_module(_DOOR).runs(**options)


_runs.__class__ = _CallableRuns  # pyright: ignore[reportAttributeAccessIssue]


def __getattr__(name: str) -> Any:
    """Fetch what the door offers when it is asked for: importing the package costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_DOOR), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
