"""Names that people give never break a page: they stand in no key, and are no markup."""

import numpy as np
import pytest
from app_pages import PAGES

from coreset_lib.review.store import open_reviews
from dashboard.session import component_key

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")

CLASSES = ("a__b", "<script>alert(1)</script>", "=1+1|$x$ :red[x]")
READER = "r__1_"


@pytest.fixture
def hostile_run(write_run, tmp_path, small_phantom):
    """A run whose dataset and classes have the names that a person may give them."""
    path = tmp_path / "cells__v2_.npz"
    arrays = {"class_names": np.array(CLASSES)}
    for part in ("train", "val", "test"):
        split = getattr(small_phantom, part)
        arrays |= {f"{part}_images": split.images, f"{part}_labels": split.labels % len(CLASSES)}
    np.savez(path, **arrays)
    return write_run(path=path)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_drawn_with_hostile_names(open_dashboard, hostile_run, cache, page):
    with open_reviews(cache) as store:
        store.grant(READER, "admin", by=READER)
    dashboard = open_dashboard(page, reader=READER, run=hostile_run.root.name)
    assert not dashboard.errors
    for component in dashboard.app.get("bidi_component"):
        assert "v2_" not in component.proto.id


def test_keys_of_components_hold_no_name_and_tell_names_apart():
    keys = {component_key("desk", *parts) for parts in (("a__", "b"), ("a", "__b"), ("a__b",))}
    assert len(keys) == 3
    assert not any("__" in key or key.endswith("_") for key in keys)
    assert component_key("desk", "a") == component_key("desk", "a")
    assert component_key("desk", "\ud800")


def test_a_page_whose_files_shrink_says_so_and_comes_back(open_dashboard, write_run):
    paths = write_run()
    dashboard = open_dashboard("trajectories")
    whole = {name: paths.plane(name).read_bytes() for name in ("error_norm", "prediction")}
    for name in whole:
        with paths.plane(name).open("r+b") as file:
            file.truncate(200)
    dashboard.app.query_params["score"] = "el2n"
    dashboard.run()
    for name, content in whole.items():
        paths.plane(name).write_bytes(content)
    assert not dashboard.run().errors
