"""Training on a node that has torch, NumPy and pandas and nothing else of ours."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from coreset_lib.datasets import load_dataset
from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run

BLOCKED = (
    *("streamlit", "plotly", "pydantic", "typer", "rich", "sklearn", "umap", "numba"),
    *("medmnist", "psutil", "scipy", "PIL", "torchvision"),
)
# As if they were not installed: they are nowhere on the path, whoever asks.
BLOCKER = f"""
import sys
from importlib.machinery import PathFinder

find_spec = PathFinder.find_spec

def find_others(cls, name, path=None, target=None):
    return None if name.partition(".")[0] in {BLOCKED!r} else find_spec(name, path, target)

PathFinder.find_spec = classmethod(find_others)
"""


def run_python(code, environment, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_run_trains_with_only_torch_numpy_and_pandas(
    tmp_path, tiny_config, make_dataset, save_npz, subprocess_environment
):
    file = save_npz(tmp_path / "tiny.npz", make_dataset())
    config = replace(tiny_config, dataset=str(file), epochs=2)
    paths = create_run(tmp_path, config, load_dataset(str(file)))
    code = BLOCKER + "from coreset_lib.training.__main__ import main; sys.exit(main(sys.argv[1:]))"
    done = run_python(code, subprocess_environment, str(paths.root))
    assert done.returncode == 0, done.stderr
    run = Run(paths)
    assert run.status().state == "finished"
    assert run.dynamics().n_epochs == 2
    assert run.status().notes[0].startswith("No map: ")
    assert "is not installed here" in run.status().notes[0]


def test_a_bare_node_can_create_a_run(tmp_path, subprocess_environment):
    code = BLOCKER + (
        "from pathlib import Path\n"
        "from coreset_lib.configs import TrainingConfig\n"
        "from coreset_lib.datasets.sources.phantom.phantom import PhantomOptions, make_phantom\n"
        "from coreset_lib.runs.create import create_run\n"
        "data = make_phantom(PhantomOptions(n_train=16, n_val=16, n_test=16, image_size=16))\n"
        "create_run(Path(sys.argv[1]), TrainingConfig(dataset='phantom'), data)\n"
    )
    done = run_python(code, subprocess_environment, str(tmp_path))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [[], ["one", "two"]])
def test_wrong_arguments_are_answered_with_the_usage(arguments, caplog):
    from coreset_lib.training.__main__ import main

    assert main(arguments) == 2
    assert "usage: python -m coreset_lib.training" in caplog.text


def test_a_directory_that_is_no_run_gives_one_line_and_no_traceback(
    tmp_path, subprocess_environment
):
    done = subprocess.run(
        [sys.executable, "-m", "coreset_lib.training", str(tmp_path / "nothing")],
        env=subprocess_environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


HEAVY = ("torch", "streamlit", "umap", "numba", "plotly", "sklearn", "medmnist")


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        ("coreset_lib", (*HEAVY, "numpy", "pandas")),
        ("coreset_lib.scores, coreset_lib.selection, coreset_lib.runs.store", HEAVY),
        ("coreset_lib.cli, coreset_lib.export.rebuild", HEAVY),
    ],
)
def test_importing_the_library_is_light(modules, heavy, subprocess_environment):
    code = f"import json, sys, {modules}; print(json.dumps(sorted(sys.modules)))"
    done = run_python(code, subprocess_environment)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) & set(heavy) == set()
