"""The pages about Python and about the run format hold what they say."""

import json
import re
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import coreset_lib as cl
from coreset_lib.dynamics import PLANES
from coreset_lib.recording.embedding import EARLY_EPOCHS
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.records import STATES, DatasetRecord, Manifest, Status
from coreset_lib.training.loop import EpochMetrics

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.usefixtures("one_thread")
def test_the_page_about_python_runs_as_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CORESET_LENS_CACHE", raising=False)
    monkeypatch.setitem(sys.modules, "umap", None)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "python.md").read_text(), re.DOTALL)
    assert len(blocks) >= 7
    names = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
    assert names["trained"].state == "finished"
    assert (tmp_path / "coreset.provenance.json").exists()
    assert (tmp_path / "results.csv").exists()


def table_after(heading):
    """Return the first column of the table below a heading of docs/run-format.md."""
    text = (DOCS / "run-format.md").read_text()
    part = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \|", part, re.MULTILINE)
    assert rows, heading
    return rows


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("manifest.json", Manifest),
        ("manifest.json: dataset", DatasetRecord),
        ("status.json", Status),
        ("metrics.jsonl", EpochMetrics),
    ],
)
def test_the_page_about_the_format_has_every_field(heading, kind):
    assert table_after(heading) == [field.name for field in fields(kind)]


def test_the_page_about_the_format_has_every_plane_and_state():
    assert table_after("dynamics/") == list(PLANES)
    assert f"first {EARLY_EPOCHS} epochs" in (DOCS / "run-format.md").read_text()
    for state in STATES:
        assert f"`{state}`" in (DOCS / "run-format.md").read_text()


def test_every_file_of_a_recorded_run_is_on_the_page(tmp_path):
    known = set(table_after("Files"))
    images = np.zeros((4, 8, 8), np.uint8)
    labels = [0, 1, 0, 1]
    with cl.record(
        "x",
        labels=labels,
        images=images,
        val_images=images,
        val_labels=labels,
        test_images=images,
        test_labels=labels,
        epochs=1,
        cache=tmp_path,
        umap="none",
    ) as recorder:
        for _ in recorder:
            recorder.batch([0, 1, 2, 3], np.eye(4, 2))
    root = RunPaths(recorder.folder).root
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    planes = {f"dynamics/{name}.npy" for name in PLANES}
    assert found <= known | planes
    assert set(json.loads((root / "manifest.json").read_text())) == set(
        table_after("manifest.json")
    )


def test_a_run_written_by_hand_as_the_page_says_can_be_opened(tmp_path):
    """The shortest script of the page, executed."""
    text = (DOCS / "run-format.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {"cache": tmp_path}
    exec(compile(block, "docs/run-format.md", "exec"), names)
    run = cl.open_run("latest", cache=tmp_path)
    assert run.state == "finished"
    assert run.score("el2n")["rank"].tolist()
