"""The pages of the dashboard, read from its entry point without starting it."""

import ast
from pathlib import Path

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
# These two are about no run; every other page is held to the contract of pages on a run.
WITHOUT_RUN = ("add_data", "glossary")


def _names() -> tuple[str, ...]:
    """Return the keys of ``PAGES_BY_NAME``."""
    for node in ast.parse(APP.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAGES_BY_NAME":
            return tuple(ast.literal_eval(key) for key in node.value.keys)
    raise LookupError("dashboard/app.py assigns no PAGES_BY_NAME")


PAGES = _names()
RUN_PAGES = tuple(page for page in PAGES if page not in WITHOUT_RUN)
