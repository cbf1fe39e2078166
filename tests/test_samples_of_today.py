"""Files that version 0.1.0 wrote (see ``samples/README.md``) open, read and rebuild for good."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from coreset_lib.cli import _run
from coreset_lib.evaluation.evaluate import read_plan
from coreset_lib.evaluation.results import EvaluationPaths
from coreset_lib.evaluation.run_plan import compare
from coreset_lib.review.states import sample_states
from coreset_lib.review.store import open_reviews
from coreset_lib.runs.resume import plain_config
from coreset_lib.runs.saved_views import list_views, load_selection, load_view
from coreset_lib.runs.store import RunStore

SAMPLES = Path(__file__).parent / "samples"
FINISHED = "20261130-175410-phantom_small-small_cnn-962a"
ENSEMBLE = "20261130-175449-phantom_small-small_cnn-ensemble-675e"
STOPPED = "20261130-175455-phantom_small-small_cnn-f756"
INTERRUPTED = "20261130-175503-phantom_small-small_cnn-8e8e"
LABELS = "20261130-175510-slabs-small_cnn_3d-d315"
RUNS = (FINISHED, ENSEMBLE, STOPPED, INTERRUPTED, LABELS)
COMPARISON = "b5f02a4a0287"
SIMULATED, PEOPLE = "b2e17aa6e37f", "2a3f2a606a11"
REBUILT = ("scores", "coreset", "selection", "labels", "evaluation", "refinement")
LAST_PLACES_VARY = "scores-tdds.csv"  # NumPy's logarithm depends on the processor
PLANES = ("error_norm", "label_probability", "margin", "entropy", "prediction", "probabilities")


def _rebuilt_tables():
    """Name the CSVs whose provenance says how to compute them again."""
    for path in sorted((SAMPLES / "exports").glob("*.provenance.json")):
        name = f"{path.name.removesuffix('.provenance.json')}.csv"
        if json.loads(path.read_bytes())["kind"] in REBUILT and name != LAST_PLACES_VARY:
            yield name


@pytest.fixture
def today(tmp_path, monkeypatch):
    """A copy of the samples as working directory: the runs name their dataset relative to it."""
    folder = shutil.copytree(SAMPLES, tmp_path / "today")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("CORESET_LENS_REVIEW_DB", raising=False)
    monkeypatch.setenv("CORESET_LENS_READER", "ada")
    return folder


@pytest.fixture
def lens(today, capsys):
    """Run a command that must end well and return what it printed."""

    def run(*arguments):
        code = _run([*map(str, arguments), "--cache", "cache"])
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return printed.out

    return run


@pytest.fixture
def store(today):
    return RunStore(today / "cache")


def test_every_run_is_listed_with_its_state(lens):
    records = {record["run_id"]: record for record in json.loads(lens("runs", "--json"))}
    found = {name: (r["state"], r["epoch"], r["epochs"]) for name, r in records.items()}
    assert found == {
        FINISHED: ("finished", 8, 8),
        ENSEMBLE: ("finished", 8, 8),
        STOPPED: ("stopped", 3, 24),
        INTERRUPTED: ("interrupted", 3, 24),
        LABELS: ("finished", 6, 6),
    }
    assert {record["model"] for record in records.values()} == {"small_cnn", "small_cnn_3d"}
    assert records[LABELS]["dataset"] == "slabs"


def test_a_name_and_tags_are_kept(lens):
    (record,) = json.loads(lens("runs", "--json", "--tag", "baseline"))
    assert record["run_id"] == FINISHED
    assert record["name"] == "Phantom, ten percent noise"
    assert list(record["tags"]) == ["baseline", "paper"]


@pytest.mark.parametrize("name", RUNS)
def test_every_run_opens_with_all_that_was_recorded(store, name):
    run = store.find(name)
    dynamics, n_samples = run.dynamics(), run.manifest.dataset.n_train
    assert dynamics.n_epochs == run.status().epoch
    for plane in PLANES:
        rows = np.asarray(dynamics.plane(plane))[: dynamics.n_epochs]
        assert rows.shape[1] == n_samples
        assert np.isfinite(rows).all()
        assert np.ptp(rows) > 0
    table = run.samples()
    assert table["label"].tolist() == run.labels().tolist()
    assert table["sample_id"].is_unique
    assert run.manifest.git_commit.startswith("e07ce22")


@pytest.mark.parametrize("name", [FINISHED, STOPPED, INTERRUPTED])
def test_a_trained_run_has_its_curves_and_its_log(store, lens, name):
    run = store.find(name)
    assert [line["epoch"] for line in run.metrics()] == [*range(1, run.status().epoch + 1)]
    assert "epoch 3: train loss" in lens("logs", name)


@pytest.mark.parametrize("name", [FINISHED, ENSEMBLE, LABELS])
def test_embedding_and_map_open(store, name):
    run = store.find(name)
    assert run.embedding().shape == (run.manifest.dataset.n_train, 128)
    assert run.umap().shape == (run.manifest.dataset.n_train, 2)


def test_the_true_labels_behind_injected_noise_are_kept(store):
    for name in (FINISHED, ENSEMBLE, STOPPED, INTERRUPTED):
        run = store.find(name)
        assert (run.true_labels() != run.labels()).sum() == 16


def test_an_ensemble_names_its_members(store):
    assert store.find(ENSEMBLE).manifest.members == (
        FINISHED,
        "20261130-175430-phantom_small-small_cnn-667c",
    )


def test_samples_with_any_number_of_labels_keep_them(store):
    run = store.find(LABELS)
    assert tuple(run.manifest.dataset.label_names) == ("top", "middle", "bottom")
    assert run.multi_hot().sum(axis=1).tolist()[:6] == [0, 1, 2, 1, 3, 1]


def test_saved_views_and_selections_open(store):
    paths = store.find(FINISHED).paths
    assert list_views(paths) == ["hard liver cases", "late ranks (v2)"]
    view = load_view(paths, "hard liver cases")
    assert (view.page, dict(view.parameters)) == ("map", {"color": "class"})
    assert view.selection.tolist() == [12, 3, 44]
    assert load_view(paths, "late ranks (v2)").parameters == {"early": "1-2", "late": "6-8"}
    assert load_selection(paths, "s-82e1cf266489fb5b").tolist() == [7, 5, 9]


@pytest.mark.parametrize("name", list(_rebuilt_tables()))
def test_a_table_is_rebuilt_byte_for_byte(lens, today, name):
    csv = Path("exports", name)
    assert f"{csv}: same\n" in lens("rebuild", csv, "--out", "again.csv")
    assert Path("again.csv").read_bytes() == (SAMPLES / "exports" / name).read_bytes()


def test_a_score_made_of_logarithms_is_rebuilt_but_for_last_places(today, capsys):
    csv = Path("exports", LAST_PLACES_VARY)
    code = _run(["rebuild", str(csv), "--out", "again.csv", "--cache", "cache"])
    assert (code, capsys.readouterr().err) in [(0, ""), (1, "")]
    pd.testing.assert_frame_equal(pd.read_csv("again.csv"), pd.read_csv(csv), rtol=1e-12)


def test_every_kind_of_table_is_among_the_samples():
    names = set(_rebuilt_tables())
    strategies = {"top", "random", "ccs", "coverage", "diversity", "hybrid", "k_center"}
    strategies |= {"herding", "moderate", "recommended-10", "recommended-30"}
    scores = {"eva", "forgetting", "aum", "el2n", "dyn_unc", "ducs", "vog", "entropy"}
    scores |= {"vog_pixel", "dual", "eva-ensemble", "aum-labels", "aum-stopped"}
    assert names >= {f"coreset-{name}.csv" for name in strategies}
    assert names >= {f"scores-{name}.csv" for name in scores}
    assert names >= {"selection.csv", "labels.csv", "labels-all.csv"}
    assert names >= {"evaluation.csv", "refinement.csv"}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("clusters", ("--k", 2, "--seed", 1)),
        ("clusters-overall", ("--overall", "--k", "auto", "--metric", "cosine")),
    ],
)
def test_the_same_clusters_are_found(lens, name, options):
    lens("cluster", FINISHED, *options, "--out", "again.csv")
    assert Path("again.csv").read_bytes() == Path("exports", f"{name}.csv").read_bytes()


def test_tables_of_today_can_be_compared(today, capsys):
    tables = ("exports/coreset-recommended-10.csv", "exports/coreset-recommended-30.csv")
    assert _run(["compare", *tables, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n_first"], found["n_second"]) == (16, 48)


def test_a_finished_comparison_is_read_and_not_trained_again(lens, today):
    cells = {path: path.read_bytes() for path in today.rglob("evaluations/*/cells/*.json")}
    assert len(cells) == 8
    paths = EvaluationPaths(Path("cache/evaluations") / COMPARISON)
    plan = read_plan(paths)
    assert plan.evaluation_id == COMPARISON
    versions = [arm.variants[0].read_strategy_options().get("version") for arm in plan.arms]
    assert versions == ["1", None]
    assert compare(Path("cache"), paths).state == "finished"
    assert "exports/evaluation.csv: same\n" in lens("rebuild", "exports/evaluation.csv")
    assert [path.name for path in Path("cache/evaluations").iterdir()] == [COMPARISON]
    assert all(path.read_bytes() == content for path, content in cells.items())


def test_refinements_are_listed_and_the_finished_one_is_read(lens):
    listed = {r["refinement"]: r for r in json.loads(lens("refine", "status", FINISHED, "--json"))}
    assert listed[SIMULATED]["state"] == "finished"
    assert (listed[PEOPLE]["state"], listed[PEOPLE]["step"]) == ("stopped", "waiting for labels")
    lens("refine", "status", FINISHED, "--id", SIMULATED, "--out", "again.csv")
    again, then = pd.read_csv("again.csv"), pd.read_csv("exports/refinement.csv")
    is_verdict = then.columns.str.startswith(("verdict", "low", "high"))
    pd.testing.assert_frame_equal(again.loc[:, ~is_verdict], then.loc[:, ~is_verdict])
    assert set(again["verdict_random"].dropna()) == {"undecided"}  # one seed


def test_open_queries_of_a_refinement_take_their_answers(lens):
    queries = pd.read_csv("exports/queries.csv", keep_default_na=False)
    queries.assign(new=queries["old"]).to_csv("answers.csv", index=False)
    arguments = ("--id", PEOPLE, "--labels", "answers.csv", "--out", "next.csv")
    lens("refine", "continue", FINISHED, *arguments)
    assert pd.read_csv("next.csv")["round"].tolist() == [2, 2]


def test_the_verdict_on_labels_opens(store):
    assert store.find(FINISHED).noisy_flags().shape == (160,)


def test_a_review_stands_where_it_stood(lens, store):
    fingerprint = store.find(FINISHED).manifest.dataset.fingerprint
    with open_reviews(store.cache) as reviews:
        roles, rules = reviews.readers(), reviews.rules(fingerprint)
        exports = reviews.exports(fingerprint)
        states = sample_states(reviews.events(fingerprint), rules, exports)
    assert roles == {"ada": "admin", "ravi": "reader", "rita": "reader", "sam": "second_reader"}
    assert (rules.second_reading, rules.budget) == ("relabel", 40)
    assert [sorted(export.labels) for export in exports] == [
        ["train-00000", "train-00002", "train-00008"]
    ]
    assert {name: (state.status, state.settled_by) for name, state in states.items()} == {
        "train-00000": ("exported", "sam"),
        "train-00001": ("proposed", ""),
        "train-00002": ("exported", ""),
        "train-00003": ("conflict", ""),
        "train-00004": ("flagged", ""),
        "train-00005": ("skipped", ""),
        "train-00006": ("rejected", ""),
        "train-00007": ("open", ""),
        "train-00008": ("exported", "sam"),
        "train-00009": ("confirmed", ""),
    }


def test_a_review_says_how_far_it_is(lens):
    printed = lens("review", "status", FINISHED)
    assert "labels given: 8 of 40 in the budget" in printed
    assert "labels changed for good: 2" in printed
    assert "conflict on train-00003 (liver-like): rita: spleen-like, ravi: " in printed
    printed = lens("review", "diff", FINISHED, "--labels", "exports/labels.csv")
    assert "phantom_small: 2 of 160 labels change" in printed


def test_a_review_goes_on(lens):
    Path("more.csv").write_text("sample_id,new,who\ntrain-00010,liver-like,rita\n")
    assert "1 of 1 decisions recorded" in lens("review", "import", FINISHED, "more.csv")
    assert "labels given: 9 of 40" in lens("review", "status", FINISHED)


def test_no_sample_names_a_place_on_a_machine():
    manifests = [json.loads(path.read_bytes()) for path in SAMPLES.rglob("manifest.json")]
    assert {m["config"]["dataset"] for m in manifests} == {"phantom_small.npz", "slabs.npz"}
    assert {m["config"]["data_root"] for m in manifests} == {None}


def test_a_grey_window_that_was_called_window_still_counts(store):
    paths = store.find(STOPPED).paths
    manifest = json.loads(paths.manifest.read_bytes())
    assert manifest["config"]["window"] == "file"
    manifest["config"]["window"] = "40,400"
    paths.manifest.write_text(json.dumps(manifest))
    assert plain_config(paths).grey_window == "40,400"
