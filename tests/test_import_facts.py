"""What an import must not load, each tried in an interpreter of its own."""

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "streamlit", "umap", "numba")


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("coreset_lib", HEAVY),
        ("coreset_lib.scores", (*HEAVY, "coreset_lib.datasets")),
        ("coreset_lib.workflows", (*HEAVY, "plotly", "sqlalchemy")),
    ],
)
def test_an_import_loads_nothing_that_it_does_not_need(module, forbidden, subprocess_environment):
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=subprocess_environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    loaded = json.loads(done.stdout)
    assert module in loaded
    wrong = [name for name in loaded for one in forbidden if f"{name}.".startswith(f"{one}.")]
    assert wrong == []
