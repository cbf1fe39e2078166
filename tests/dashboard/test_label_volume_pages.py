"""Every page on volumes that carry any number of labels, and adding them."""

import shutil

import numpy as np
import pytest

from coreset_lib.cache import ROOTS_VARIABLE
from coreset_lib.label_sets import EXACT_MATCH, NO_LABEL, labels_in
from dashboard.add_data import preparation
from dashboard.shared.samples.images import picture_of, slice_sheet

PAGES = ("runs", "trajectories", "map", "reliability", "coreset", "benchmark")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


@pytest.fixture
def shown_run(label_run, cache):
    """The trained run, in the cache that the dashboard looks at."""
    shutil.copytree(label_run.paths.cache / "runs", cache / "runs")
    return label_run


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_drawn_and_says_what_right_means(open_dashboard, shown_run, page):
    dashboard = open_dashboard(page)
    assert not dashboard.errors
    assert page == "runs" or EXACT_MATCH in dashboard.words


def test_what_needs_one_class_each_says_why_it_cannot_be_done(open_dashboard, shown_run):
    dashboard = open_dashboard("refinement")
    told = [*dashboard.errors, *dashboard.hints]
    assert any("any number of labels" in text for text in told), told


@pytest.mark.usefixtures("readers")
@pytest.mark.parametrize("is_blind", [False, True])
def test_labels_are_reviewed_as_sets(open_dashboard, shown_run, label_volumes, is_blind):
    query = {"blind": "true"} if is_blind else {}
    dashboard = open_dashboard("review", reader="rita", queue="All", **query)
    assert not dashboard.errors
    desk = dashboard.desk
    assert desk["has_sets"]
    assert [each["name"] for each in desk["classes"]] == [*label_volumes.class_names]
    for item in desk["items"]:
        code = int(label_volumes.train.targets()[item["index"]])
        names = labels_in(code, label_volumes.label_names)
        assert item["labels"] == ([] if is_blind else names)
        assert item["label"] == ("" if is_blind else " + ".join(names) or NO_LABEL)
        assert not any("suggested class" in reason for reason in item["reasons"])
    assert not [group for group in dashboard.app.button_group if group.label == "Show"]


def test_a_slice_can_be_looked_at_closely(open_dashboard, shown_run, label_volumes):
    dashboard = open_dashboard("trajectories", sample="2")
    dashboard.labelled("slider", "Slice").set_value(9)
    dashboard.run()
    dashboard.labelled("button", "Look closer…").click()
    dashboard.run()
    assert not dashboard.errors
    shown = label_volumes.train.images[2, 8]
    assert f"12 × 12 pixels, values {shown.min()} to {shown.max()}" in dashboard.words


def test_a_sample_is_shown_slice_by_slice_with_all_of_its_labels(
    open_dashboard, shown_run, label_volumes
):
    dashboard = open_dashboard("trajectories", sample="2")
    assert not dashboard.errors
    assert "Labels **top + middle**" in dashboard.words
    slider = dashboard.labelled("slider", "Slice")
    assert (slider.min, slider.max, slider.value) == (1, 9, 5)
    slider.set_value(9)
    dashboard.run()
    assert not dashboard.errors
    assert any("Slice 9 of 9" in str(image.proto) for image in dashboard.app.get("image"))
    dashboard.labelled("button_group", "Cut along").select("width")
    dashboard.run()
    assert not dashboard.errors
    assert "12 slices" in dashboard.words


def test_errors_above_those_of_one_class_are_drawn(open_dashboard, shown_run, cache):
    plane = cache / "runs" / shown_run.run_id / "dynamics" / "error_norm.npy"
    np.save(plane, 2 * np.load(plane))
    dashboard = open_dashboard("trajectories")
    assert not dashboard.errors
    assert "The 60 hardest" in dashboard.words


def test_the_metrics_of_the_run_name_auc_and_exact_match(open_dashboard, shown_run):
    dashboard = open_dashboard("runs")
    assert 0.5 < float(dashboard.metric("Validation AUC")) <= 1
    assert dashboard.metric("Validation exact match").endswith("%")


def test_the_coreset_shows_a_picture_of_every_volume(open_dashboard, shown_run):
    dashboard = open_dashboard("coreset", strategy="Top: the hardest samples")
    assert not dashboard.errors
    pictures = [str(image.proto) for image in dashboard.app.get("image")]
    assert len(pictures) >= 6
    assert any(" + " in picture for picture in pictures)
    assert len(set(dashboard.images)) == len(pictures)


def test_volumes_with_labels_are_added_checked_and_handed_over(
    open_dashboard, label_run, tmp_path, monkeypatch, cache
):
    root = tmp_path / "allowed"
    root.mkdir()
    shutil.copy(label_run.paths.cache / "slabs.npz", root)
    monkeypatch.setenv(ROOTS_VARIABLE, str(root))
    dashboard = open_dashboard("add_data")
    dashboard.labelled("button_group", "Found there").select("slabs.npz")
    dashboard.run()
    dashboard.labelled("button", "Check this data").click()
    dashboard.run()
    for job in preparation._jobs().values():
        job.wait()
    dashboard.run()
    assert not dashboard.errors
    assert dashboard.metric("Labels") == "3"
    assert dashboard.metric("Train volumes") == "60"
    assert "9 × 12 × 12 voxels, grey" in dashboard.words
    assert "middle one of its 9 slices" in dashboard.words
    dashboard.labelled("button", "Train on this data").click()
    dashboard.run()
    assert dashboard.labelled("selectbox", "Dataset").value == "slabs"
    network = dashboard.labelled("selectbox", "Network")
    assert network.options == ["Small 3-D CNN (minutes on a laptop)", "3-D ResNet-18 (GPU)"]


def test_the_middle_slice_stands_for_a_volume(label_volumes):
    images = label_volumes.train.images
    assert (picture_of(images, 3) == images[3, 4]).all()
    pictures = images[:, 0]
    assert (picture_of(pictures, 3) == pictures[3]).all()


def test_all_slices_stand_in_one_sheet(label_volumes):
    volume = label_volumes.train.images[0]
    sheet = slice_sheet(volume, columns=4)
    assert sheet.shape == (3 * 13 - 1, 4 * 13 - 1)
    for number, picture in enumerate(volume):
        top, left = number // 4 * 13, number % 4 * 13
        assert (sheet[top : top + 12, left : left + 12] == picture).all()
    assert (sheet[26:, 13:] == 0).all()
