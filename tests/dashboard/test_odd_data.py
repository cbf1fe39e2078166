"""Pages on odd data: one image of a class, one class of nearly all, thirty classes."""

import numpy as np
import pytest

from coreset_lib.review.store import open_reviews
from dashboard import reads
from dashboard.shared.samples.suspicion import suspicion

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")

PAGES = ("trajectories", "map", "reliability", "coreset", "review")


def odd_labels(kind, n_samples):
    places = np.arange(n_samples)
    return {
        "one of a class": np.where(places == 7, 2, places % 2),
        "99 %": (places % 100 == 5).astype(int),
        "30 classes": places % 30,
    }[kind]


@pytest.fixture
def write_odd(write_run, tmp_path):
    """Return ``write(kind)``: a finished run on odd data, with an embedding and a map."""

    def write(kind):
        rng = np.random.default_rng(0)
        arrays = {}
        for part, n_samples in (("train", 120), ("val", 30), ("test", 30)):
            labels = odd_labels(kind, n_samples)
            arrays[f"{part}_images"] = rng.integers(0, 255, (n_samples, 16, 16), dtype=np.uint8)
            arrays[f"{part}_labels"] = labels
        np.savez(tmp_path / "odd.npz", **arrays)
        paths = write_run(path=tmp_path / "odd.npz")
        np.save(paths.embedding, rng.normal(size=(120, 6)).astype(np.float32))
        np.save(paths.umap, rng.normal(size=(120, 2)).astype(np.float32))
        return paths

    return write


@pytest.mark.parametrize("kind", ["one of a class", "99 %", "30 classes"])
def test_every_page_is_drawn_on_odd_data(open_dashboard, write_odd, cache, kind):
    paths = write_odd(kind)
    with open_reviews(cache) as store:
        store.grant("ada", "admin", by="ada")
    dashboard = open_dashboard("runs", reader="ada")
    for page in PAGES:
        dashboard.visit(page)
        assert not dashboard.errors, (page, dashboard.errors)
    told = dashboard.words.replace("*", "")
    assert "of the 10 most suspicious labels are expected to be wrong" in told
    assert "in this queue: about" not in told  # the queue begins with just these
    dashboard.labelled("selectbox", "Label now").set_value(0)
    told = dashboard.run().words.replace("*", "")
    queue = suspicion(reads.run_summary(paths.root.name).version)
    own = [i for i in queue.order if queue.dynamics.labels[i] == 0][:10]
    if set(own) != set(queue.order[:10].tolist()):
        expected = round(queue.expected_wrong(own))
        assert f"Of the next {len(own)} in this queue: about {expected}." in told


@pytest.mark.parametrize("kind", ["one of a class", "99 %", "30 classes"])
def test_clusters_of_odd_classes_are_found_or_refused_in_one_sentence(
    open_dashboard, write_odd, kind
):
    write_odd(kind)
    dashboard = open_dashboard("map", colour="cluster")
    dashboard.labelled("selectbox", "Cluster inside").set_value(-1)
    dashboard.run()
    assert all(len(error.splitlines()) == 1 for error in dashboard.errors)
    assert "clusters" in dashboard.words or dashboard.errors
