"""``coreset-lens take-away``: every form, and what a person can get wrong."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from coreset_lib.cli import _run
from coreset_lib.export.forms import NAMES
from coreset_lib.export.forms.registry import FORMS

SAMPLES = Path(__file__).parents[1] / "samples"
COUNT = 16


@pytest.fixture
def lens(tmp_path, monkeypatch, capsys):
    """Run the command on a coreset of the samples; return exit code, output and errors."""
    folder = shutil.copytree(SAMPLES, tmp_path / "today")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("CORESET_LENS_REVIEW_DB", raising=False)

    def run(form, *options, csv="exports/coreset-recommended-10.csv", out="out"):
        arguments = ["take-away", csv, "--form", form, "--out", out, *options, "--cache", "cache"]
        code = _run(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_every_form_has_a_name_on_the_command_line():
    assert {*FORMS, "folder"} == set(NAMES)


@pytest.mark.parametrize("form", ["huggingface", "fiftyone", "indices"])
def test_a_file_is_written(lens, form):
    code, printed, error = lens(form)
    assert (code, error) == (0, "")
    assert printed.startswith(f"out: {COUNT} samples")
    content = Path("out").read_bytes()
    if form == "indices":
        assert np.load("out").shape == (COUNT,)
    elif form == "huggingface":
        assert len(content.splitlines()) == COUNT
    else:
        assert len(json.loads(content)["samples"]) == COUNT


def test_croissant_is_a_folder_whose_table_is_rebuilt(lens):
    assert lens("croissant")[0] == 0
    description = json.loads(Path("out/croissant.json").read_text())
    table = description["distribution"][0]["contentUrl"]
    assert _run(["rebuild", f"out/{table}", "--cache", "cache"]) == 0


def test_a_folder_of_images_is_written(lens):
    code, printed, _ = lens("folder")
    assert code == 0
    assert "samples in train, val and test" in printed
    assert len(list(Path("out/train").rglob("*.png"))) == COUNT


@pytest.mark.parametrize(
    ("form", "options", "changes", "message"),
    [
        ("poem", (), {}, "form must be one of"),
        ("monai", (), {}, "MONAI reads files"),
        ("dicom-kos", (), {}, "--with-uids"),
        ("dicom-kos", ("--with-uids",), {}, "needs DICOM files"),
        ("indices", ("--links",), {}, "--links must come with --form folder"),
        ("folder", ("--with-uids",), {}, "--with-uids must come with --form dicom-kos"),
        ("indices", (), {"csv": "nothing.csv"}, "was not found"),
        ("indices", (), {"csv": "exports"}, "was not found"),
        ("indices", (), {"csv": "exports/scores-aum.csv"}, "must be a coreset or a selection"),
        ("indices", (), {"csv": "exports/labels.csv"}, "must be a coreset or a selection"),
        ("indices", (), {"csv": "phantom_small.npz"}, "must hold one file that ends in .csv"),
        ("indices", (), {"out": "nowhere/out.npy"}, "cannot be written"),
        ("indices", (), {"out": "exports"}, "must be a file"),
        ("folder", (), {"out": "exports"}, "must be empty"),
        ("croissant", (), {"out": "phantom_small.npz"}, "must be a folder"),
    ],
)
def test_mistakes_are_one_clear_sentence(lens, form, options, changes, message):
    code, _, error = lens(form, *options, **changes)
    assert code == 2
    assert message in error
    assert error.count("\n") == 1
    assert "Traceback" not in error


def test_a_table_that_was_edited_is_refused(lens):
    path = Path("exports/coreset-recommended-10.csv")
    path.write_bytes(path.read_bytes().replace(b"train-", b"trane-"))
    code, _, error = lens("indices")
    assert code == 2
    assert "has been changed since it was written" in error


def test_a_dataset_that_is_gone_is_told(lens):
    Path("phantom_small.npz").unlink()
    shutil.rmtree("cache/prepared", ignore_errors=True)
    code, _, error = lens("folder")
    assert (code, error.count("\n")) == (2, 1)
    assert "phantom_small.npz" in error
