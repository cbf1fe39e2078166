"""Taking a coreset away from its page: one ZIP, and the forms of other programs."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from coreset_lib.export.archive import read_export
from coreset_lib.export.rebuild import rebuild
from coreset_lib.runs.store import Run, RunStore

APP = Path(__file__).parents[2] / "dashboard" / "app.py"

pytestmark = pytest.mark.browser


@pytest.fixture
def run(tmp_path, make_run, make_dataset, save_npz):
    from coreset_lib.datasets import load_dataset

    path = save_npz(tmp_path / "stripes.npz", make_dataset(size=28))
    made = make_run(tmp_path / "cache", dataset=load_dataset(path, cache=tmp_path / "cache"))
    manifest = json.loads(made.paths.manifest.read_text())
    manifest["config"] |= {"dataset": str(path)}
    made.paths.manifest.write_text(json.dumps(manifest))
    return Run(made.paths)


@pytest.fixture
def page(run, browser_page, streamlit_server):
    url = streamlit_server(APP, {"CORESET_LENS_CACHE": str(run.paths.cache)})
    browser_page.goto(f"{url}/coreset?run={run.run_id}&strategy=Top%3A%20the%20hardest%20samples")
    browser_page.locator(".st-key-export-coreset button").wait_for(timeout=90_000)
    return browser_page


def save(page, button, folder):
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def choose_form(page, title):
    page.get_by_label("Form", exact=True).first.click()
    page.get_by_role("option", name=title, exact=True).click()


def test_the_zip_says_what_it_is_and_is_rebuilt(page, run, tmp_path):
    page.locator(".st-key-export-coreset button").first.click()
    path = save(page, "Download (ZIP)", tmp_path)
    assert re.fullmatch(r"coreset-top-10pct-[0-9a-f]{6}\.zip", path.name)
    assert path.stem.endswith(read_export(path).provenance["sha256"][:6])
    page.get_by_text(f"coreset-lens rebuild {path.name}").wait_for()
    assert rebuild(path, RunStore(run.paths.cache))[1]


def test_other_programs_get_their_forms(page, run, tmp_path):
    page.locator(".st-key-other-forms button").first.click()
    rows = save(page, "Download", tmp_path)
    assert rows.name.endswith("-huggingface.jsonl")
    indices = [json.loads(line)["index"] for line in rows.read_text().splitlines()]
    choose_form(page, "Indices for PyTorch (NPY)")
    page.get_by_text("torch.utils.data.Subset").wait_for()
    assert np.load(save(page, "Download", tmp_path)).tolist() == indices
    choose_form(page, "MONAI datalist (JSON)")
    page.get_by_text(re.compile("MONAI reads files.*--form folder")).wait_for()
    choose_form(page, "Folder of images: train, val, test")
    page.get_by_text(re.compile("coreset-lens take-away coreset-top.*--form folder")).wait_for()
    choose_form(page, "DICOM Key Object Selection")
    page.get_by_text("The UIDs may be given away").click()
    page.get_by_text(re.compile("needs DICOM files")).wait_for()
