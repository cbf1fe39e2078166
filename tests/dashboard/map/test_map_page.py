"""The map page on every kind of run, without a browser."""

import json

import numpy as np
import pandas as pd
import pytest

from coreset_lib.runs.saved_views import SavedView, save_view, store_selection
from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import Run
from dashboard.map.as_of import turned_onto
from dashboard.map.component.sample_map import Categories, Numbers
from dashboard.map.table_colours import column_colour

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


@pytest.fixture
def write_mapped(write_run):
    """Return ``write(umap=True, **as for write_run)``: a run with embedding, two groups a class."""

    def write(*, umap=True, **options):
        paths = write_run(**options)
        labels = Run(paths).labels()
        rng = np.random.default_rng(0)
        group = np.arange(len(labels)) % 2
        places = np.column_stack([10.0 * labels, 20.0 * group]) + rng.normal(
            0, 0.2, (len(labels), 2)
        )
        np.save(paths.embedding, np.column_stack([places, places]).astype(np.float32))
        if umap:
            np.save(paths.umap, places.astype(np.float32))
        return paths

    return write


def test_an_empty_store_leads_to_the_first_run(open_dashboard):
    dashboard = open_dashboard("map")
    assert not dashboard.errors
    assert any("No run to look at yet" in hint for hint in dashboard.hints)


def test_a_finished_run_is_drawn(open_dashboard, write_mapped):
    run_id = write_mapped().root.name
    dashboard = open_dashboard("map")
    assert not dashboard.errors
    assert dashboard.url["run"] == run_id
    assert any("Nothing is selected yet" in hint for hint in dashboard.hints)
    assert dashboard.labelled("selectbox", "Colour by").value == "class"


COLOURS = [
    "score", "forgetting", "prediction", "correctness", "disagreement", "early_margin", "suggested",
    "coreset",
]  # fmt: skip


@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_can_be_chosen(open_dashboard, write_mapped, colour):
    write_mapped()
    dashboard = open_dashboard("map")
    dashboard.labelled("selectbox", "Colour by").set_value(colour)
    dashboard.run()
    assert not dashboard.errors


def write_snapshot(paths, epoch, features):
    """Keep an embedding as training does."""
    paths.snapshots.mkdir(exist_ok=True)
    np.save(paths.snapshot(epoch), features.astype(np.float16))


def test_the_map_can_be_drawn_as_of_a_kept_epoch(open_dashboard, write_mapped):
    paths = write_mapped()
    n_samples = len(Run(paths).labels())
    write_snapshot(paths, 2, np.random.default_rng(1).normal(size=(n_samples, 5)))
    for as_of, shown in (("epoch 2", "2"), ("last", "last")):
        dashboard = open_dashboard("map", as_of=as_of, colour="prediction")
        assert not dashboard.errors
        assert dashboard.labelled("select_slider", "As of").value == shown


def test_a_run_without_snapshots_says_what_its_map_shows(open_dashboard, write_mapped):
    write_mapped()
    assert "kept no early embeddings" in open_dashboard("map").words


def test_a_map_is_turned_onto_another_one():
    fixed = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    turn = np.array([[0.0, -1.0], [-1.0, 0.0]])
    found = turned_onto((3 * fixed @ turn + 7).astype(np.float32), fixed)
    np.testing.assert_allclose(found, fixed, atol=1e-4)
    at_one_place = turned_onto(np.ones((50, 2), np.float32), fixed)
    np.testing.assert_allclose(at_one_place, np.tile(fixed.mean(axis=0), (50, 1)), atol=1e-5)


def test_cluster_colours_ask_for_clusters_and_then_show_them(open_dashboard, write_mapped):
    write_mapped()
    dashboard = open_dashboard("map")
    dashboard.labelled("selectbox", "Colour by").set_value("cluster")
    dashboard.run()
    assert any("choose above inside which class" in hint for hint in dashboard.hints)
    dashboard.labelled("selectbox", "Cluster inside").set_value(-1)
    dashboard.run()
    assert not dashboard.errors
    assert "16 clusters" in dashboard.words
    assert not any("choose above" in hint for hint in dashboard.hints)


def test_k_by_hand_takes_the_place_of_the_silhouettes(open_dashboard, write_mapped):
    write_mapped()
    dashboard = open_dashboard("map")
    dashboard.labelled("selectbox", "Cluster inside").set_value(0)
    dashboard.run()
    assert "**2 clusters**" in dashboard.words
    dashboard.labelled("toggle", "Find K by silhouette").set_value(False)
    dashboard.run()
    dashboard.labelled("slider", "Clusters K").set_value(3)
    dashboard.run()
    assert "**3 clusters**" in dashboard.words


def test_more_clusters_than_samples_are_refused_in_one_sentence(open_dashboard, write_mapped):
    paths = write_mapped()
    labels = Run(paths).labels()
    smallest = int(np.bincount(labels).argmin())
    if np.bincount(labels)[smallest] >= 20:
        pytest.fail("the fixture must have a class of fewer than 20 samples")
    dashboard = open_dashboard("map")
    dashboard.labelled("selectbox", "Cluster inside").set_value(smallest)
    dashboard.run()
    dashboard.labelled("toggle", "Find K by silhouette").set_value(False)
    dashboard.run()
    dashboard.labelled("slider", "Clusters K").set_value(20)
    dashboard.run()
    (error,) = dashboard.errors
    assert "k must be at most the number of samples" in error


def test_too_many_samples_to_cluster_name_the_way_out(open_dashboard, write_mapped, monkeypatch):
    monkeypatch.setattr("dashboard.map.clusters.MOST_CLUSTERED", 10)
    write_mapped()
    dashboard = open_dashboard("map")
    dashboard.labelled("selectbox", "Cluster inside").set_value(-1)
    dashboard.run()
    (error,) = dashboard.errors
    assert "too many to cluster here" in error


def test_a_run_without_umap_says_why_and_is_drawn_by_pca(open_dashboard, write_mapped):
    paths = write_mapped(umap=False)
    status = Run(paths).status()
    write_status(paths, status.__class__(**{**status.as_dict(), "notes": ("No map: no umap.",)}))
    dashboard = open_dashboard("map")
    assert not dashboard.errors
    assert any("No map: no umap" in hint and "PCA" in hint for hint in dashboard.hints)


@pytest.mark.parametrize("damage", ["cut short", "three columns", "no array"])
def test_a_damaged_umap_leaves_pca_and_says_what_is_wrong(open_dashboard, write_mapped, damage):
    paths = write_mapped()
    if damage == "cut short":
        paths.umap.write_bytes(paths.umap.read_bytes()[:-9])
    elif damage == "three columns":
        np.save(paths.umap, np.zeros((160, 3), np.float32))
    else:
        paths.umap.write_text("nothing")
    dashboard = open_dashboard("map")
    assert not dashboard.errors
    assert any("umap.npy" in hint and "Drawn instead by PCA" in hint for hint in dashboard.hints)


def test_a_run_whose_umap_is_on_its_way_is_drawn_by_pca_until_then(open_dashboard, write_mapped):
    write_mapped(umap=False, state="running", step="map")
    dashboard = open_dashboard("map")
    assert not dashboard.errors
    assert any("is being computed" in hint for hint in dashboard.hints)


def test_a_growing_run_says_when_the_map_comes(open_dashboard, write_run):
    write_run("running", epoch=5, epochs=12)
    dashboard = open_dashboard("map")
    assert not dashboard.errors
    assert any("after the last epoch: 5 of 12" in hint for hint in dashboard.hints)


@pytest.mark.parametrize("state", ["failed", "stopped", "interrupted", "finished"])
def test_a_run_without_embedding_says_what_to_do(open_dashboard, write_run, state):
    write_run(state, epoch=5, epochs=12, error="the disk is full." if state == "failed" else None)
    dashboard = open_dashboard("map")
    assert not dashboard.errors
    assert any("has no embedding of its samples" in hint for hint in dashboard.hints)


def test_one_epoch_is_drawn_without_a_score(open_dashboard, write_mapped):
    write_mapped(epoch=1, epochs=1)
    dashboard = open_dashboard("map")
    assert all("\n" not in error for error in dashboard.errors)
    assert any("Nothing is selected yet" in hint for hint in dashboard.hints)


@pytest.mark.parametrize("part", ["embedding.npy", "samples.csv"])
def test_a_truncated_part_gives_one_sentence(open_dashboard, write_mapped, part):
    file = write_mapped().root / part
    file.write_bytes(file.read_bytes()[:100])
    dashboard = open_dashboard("map", selection="1,2", inside="every class")
    (error,) = dashboard.errors
    assert f"{part} cannot be used" in error


def test_an_embedding_of_equal_rows_is_drawn_at_one_place(open_dashboard, write_mapped):
    paths = write_mapped(umap=False)
    np.save(paths.embedding, np.ones((len(Run(paths).labels()), 3), np.float32))
    assert not open_dashboard("map").errors


def test_missing_images_leave_the_map_and_the_numbers(open_dashboard, write_mapped, tmp_path):
    write_mapped()
    (tmp_path / "slices.npz").unlink()
    dashboard = open_dashboard("map", selection="1,2")
    assert not dashboard.errors
    assert any("images of this run cannot be shown" in hint for hint in dashboard.hints)
    assert "2 of 160 samples selected" in dashboard.words


def test_a_selection_comes_with_the_address_and_stays_in_it(open_dashboard, write_mapped):
    write_mapped()
    dashboard = open_dashboard("map", selection="3,1,2")
    assert dashboard.url["selection"] == "3,1,2"
    assert "**3** samples selected" in dashboard.words
    dashboard.visit("coreset")
    assert "**3** samples selected" in dashboard.words


def test_a_large_selection_is_in_the_address_by_name(open_dashboard, write_mapped):
    paths = write_mapped()
    name = store_selection(paths, np.arange(100))
    dashboard = open_dashboard("map", selection=name)
    assert "**100** samples selected" in dashboard.words
    assert dashboard.url["selection"] == name


def test_an_unknown_stored_selection_is_told_once(open_dashboard, write_mapped):
    write_mapped()
    dashboard = open_dashboard("runs", selection="s-0123456789abcdef")
    assert any("is not stored with run" in hint for hint in dashboard.hints)
    assert not any("is not stored with run" in hint for hint in dashboard.run().hints)


@pytest.mark.parametrize("nonsense", ["999999", "-1", "1;2", "1,,2", "NaN"])
def test_nonsense_in_the_address_selects_nothing_of_the_run(open_dashboard, write_mapped, nonsense):
    write_mapped()
    dashboard = open_dashboard("map", selection=nonsense)
    assert not dashboard.errors
    assert any("Nothing is selected yet" in hint for hint in dashboard.hints)


def test_clear_undo_and_invert_change_the_one_selection(open_dashboard, write_mapped):
    write_mapped()
    dashboard = open_dashboard("map", selection="3,1,2")
    dashboard.app.button(key="invert-selection").click()
    dashboard.run()
    assert "**157** samples selected" in dashboard.words
    dashboard.app.button(key="clear-selection").click()
    dashboard.run()
    assert "Nothing selected" in dashboard.words
    for expected in ("**157** samples", "**3** samples"):
        dashboard.app.button(key="undo-selection").click()
        dashboard.run()
        assert expected in dashboard.words
    assert dashboard.app.button(key="undo-selection").disabled


def test_a_saved_view_is_listed_and_restored(open_dashboard, write_mapped):
    paths = write_mapped()
    dashboard = open_dashboard("map", selection="4,5")
    dashboard.labelled("selectbox", "Colour by").set_value("score")
    dashboard.run()
    dashboard.app.text_input(key="view-name").set_value("mine")
    dashboard.app.button(key="save-view").click()
    dashboard.run()
    assert (paths.root / "views" / "mine.json").exists()
    fresh = open_dashboard("runs", view="mine", run=paths.root.name)
    assert "**2** samples selected" in fresh.words
    assert "view" not in fresh.url


@pytest.mark.parametrize("name", ["", "../x"])
def test_a_name_that_no_view_can_have_is_told(open_dashboard, write_mapped, name):
    write_mapped()
    dashboard = open_dashboard("map")
    dashboard.app.text_input(key="view-name").set_value(name)
    dashboard.app.button(key="save-view").click()
    dashboard.run()
    (error,) = dashboard.errors
    assert "view name must be 1 to 60 letters" in error


def test_a_view_without_its_run_gives_one_sentence(open_dashboard, write_mapped):
    paths = write_mapped()
    save_view(paths, SavedView(name="mine", page="map"))
    dashboard = open_dashboard("runs", view="mine", run="20200101-000000-gone")
    assert any("was not found" in error for error in dashboard.errors)


def test_where_the_truth_is_not_known_nothing_can_be_revealed(open_dashboard, write_mapped):
    write_mapped()
    dashboard = open_dashboard("map")
    assert not [each for each in dashboard.app.toggle if "Reveal" in each.label]


def test_known_wrong_labels_are_ringed_and_counted_when_they_are_revealed(
    open_dashboard, write_mapped
):
    paths = write_mapped()
    labels, n_classes = Run(paths).labels(), len(Run(paths).manifest.dataset.class_names)
    true = labels.copy()
    true[:6] = (true[:6] + 1) % n_classes
    np.save(paths.true_labels, true)
    places = np.load(paths.umap)
    places[:4] = [places[labels == k][-1] for k in true[:4]]  # four lie where they belong
    np.save(paths.umap, places)
    dashboard = open_dashboard("map")
    assert "labels are wrong" not in dashboard.words
    assert sample_map_of(dashboard)["rings"] == []
    dashboard.labelled("toggle", "Reveal the known wrong labels").set_value(True)
    dashboard.run()
    assert not dashboard.errors
    assert "6 of 160 labels are wrong" in dashboard.words
    assert "4 of them lie among another class" in dashboard.words.replace("*", "")
    assert "of the first 6" in dashboard.words
    assert "a random draw would keep about 1." in dashboard.words
    rings = sample_map_of(dashboard)["rings"]
    assert [place for place, _ in rings] == [0, 1, 2, 3, 4, 5]
    names = Run(paths).manifest.dataset.class_names
    assert rings[0][1] == f"label known to be wrong; truly {names[true[0]]}"


def sample_map_of(dashboard):
    """What the map was given, as the browser gets it."""
    sent = [json.loads(part.proto.json) for part in dashboard.app.get("bidi_component")]
    return next(part for part in sent if "medoids" in part)


def test_the_map_shows_the_coreset_that_was_chosen_last(open_dashboard, write_mapped):
    paths = write_mapped()
    dashboard = open_dashboard("map")
    dashboard.labelled("selectbox", "Colour by").set_value("coreset")
    dashboard.run()
    colour = sample_map_of(dashboard)["colour"]
    assert colour["title"] == "Coreset: Recommended · 10 %"
    assert colour["counts"] == [144, 16]
    dashboard.visit("coreset")
    dashboard.labelled("selectbox", "Strategy").set_value("random")
    dashboard.run()
    dashboard.labelled("slider", "Share to keep (%)").set_value(25)
    dashboard.run()
    colour = sample_map_of(dashboard.visit("map"))["colour"]
    assert colour["title"] == "Coreset: Random · 25 %"
    assert colour["counts"] == [120, 40]
    assert len(Run(paths).labels()) == 160


def test_the_columns_of_a_persons_table_can_be_chosen_as_colours(open_dashboard, write_mapped):
    paths = write_mapped()
    table = pd.read_csv(paths.samples)
    table["extra:scanner"] = np.where(np.arange(len(table)) % 4 == 0, "A <b>", "B")
    table["extra:age"] = np.arange(len(table)) / 2
    table.to_csv(paths.samples, index=False)
    dashboard = open_dashboard("map")
    dashboard.labelled("selectbox", "Colour by").set_value("extra:scanner")
    colour = sample_map_of(dashboard.run())["colour"]
    assert (colour["title"], colour["names"], colour["counts"]) == (
        "scanner", ["B", "A <b>"], [120, 40],
    )  # fmt: skip
    dashboard.labelled("selectbox", "Colour by").set_value("extra:age")
    colour = sample_map_of(dashboard.run())["colour"]
    assert (colour["kind"], colour["title"]) == ("number", "age")
    assert not dashboard.errors


@pytest.mark.parametrize(
    ("cells", "names", "codes"),
    [
        (["b", "a", "b", ""], ["b", "a"], [0, 1, 0, -1]),
        ([None, None], [], [-1, -1]),
        (["1", "2", "1", "1"], ["1", "2"], [0, 1, 0, 0]),
    ],
)
def test_few_different_cells_are_categories_and_empty_ones_none(cells, names, codes):
    found = column_colour(pd.Series(cells, dtype=object), "c")
    assert list(found.names) == names
    assert found.codes.tolist() == codes


def test_many_numbers_are_a_scale_and_many_texts_end_in_others():
    numbers = column_colour(pd.Series([*map(str, range(20)), ""]), "c")
    assert isinstance(numbers, Numbers)
    assert numbers.is_whole
    assert np.isnan(numbers.values[-1])
    texts = column_colour(pd.Series([f"id-{n}" for n in range(60)]), "c")
    assert list(texts.names)[-1] == "others"
    assert texts.counts[-1] == 20
    mixed = column_colour(pd.Series([*map(str, range(20)), "n/a"]), "c")
    assert isinstance(mixed, Categories)
