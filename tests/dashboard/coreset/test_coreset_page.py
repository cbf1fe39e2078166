"""The Coreset page: what it offers by itself, and what it says was left out."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from coreset_lib.evaluation.quick_check.verdict import compare_means
from coreset_lib.runs.store import Run
from coreset_lib.scores import compute_score
from coreset_lib.scores.contrast import contrast
from coreset_lib.selection import STRATEGIES
from coreset_lib.selection.left_out import LeftOut, left_out_by_class, share_left_out, warning_of
from coreset_lib.windows import Window
from dashboard import reads
from dashboard.coreset import candidates
from dashboard.coreset.links import composition_bars, of_class

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


def finish(paths):
    """Let the training end: the embedding is there and the status says finished."""
    random = np.random.default_rng(0)
    np.save(paths.embedding, random.normal(size=(160, 4)).astype(np.float32))
    status = json.loads(paths.status.read_text())
    paths.status.write_text(json.dumps(status | {"state": "finished", "epoch": 12, "pid": None}))


def strategy(dashboard):
    return dashboard.labelled("selectbox", "Strategy").value


def balance(dashboard):
    return dashboard.labelled("selectbox", "Class balance").value


def test_while_a_run_trains_a_fair_draw_is_offered_and_not_the_hardest(open_dashboard, write_run):
    write_run("running", epoch=5)
    dashboard = open_dashboard("coreset")
    assert (strategy(dashboard), balance(dashboard)) == ("random", "proportional")
    assert "need the run's embedding" in dashboard.words
    assert not dashboard.errors


def test_what_was_offered_for_want_of_an_embedding_is_not_kept(open_dashboard, write_run):
    paths = write_run("running", epoch=5)
    dashboard = open_dashboard("coreset")
    finish(paths)
    dashboard.visit("trajectories").visit("coreset")
    assert (strategy(dashboard), balance(dashboard)) == ("recommended", "global")
    assert "need the run's embedding" not in dashboard.words
    assert not dashboard.errors


def test_what_a_person_chose_while_a_run_trained_is_kept(open_dashboard, write_run):
    paths = write_run("running", epoch=5)
    dashboard = open_dashboard("coreset")
    dashboard.labelled("selectbox", "Strategy").select("ccs")
    dashboard.run()
    finish(paths)
    dashboard.visit("trajectories").visit("coreset")
    assert strategy(dashboard) == "ccs"


def test_a_chosen_strategy_of_a_link_is_kept(open_dashboard, write_run):
    write_run("running", epoch=5)
    dashboard = open_dashboard("coreset", strategy=STRATEGIES["top"].title)
    assert strategy(dashboard) == "top"


def test_the_recommended_offer_gives_way_on_a_run_without_embedding(open_dashboard, write_run):
    finished, training = write_run(seed=1), write_run("running", epoch=5, seed=2)
    finish(finished)
    dashboard = open_dashboard("coreset", run=finished.root.name)
    assert strategy(dashboard) == "recommended"
    dashboard.labelled("selectbox", "Run").select(training.root.name)
    dashboard.run()
    assert strategy(dashboard) == "random"
    assert not dashboard.errors


def test_what_was_left_out_stands_as_a_share_and_per_class(open_dashboard, write_run):
    paths = write_run()
    finish(paths)
    dashboard = open_dashboard("coreset")
    number, share = dashboard.metric("Left out as suspects").split(" ", 1)
    assert share == f"({100 * int(number) / 160:.0f} %)"
    (table,) = [t.value for t in dashboard.app.dataframe if "left out" in t.value.columns]
    assert table["left out"].sum() == int(number)
    assert int(number) > 32
    assert any("were left out as suspects" in hint for hint in dashboard.hints)


def test_classes_without_a_suspect_or_a_quota_count_as_none_left_out():
    report = {"suspects": [{"part": "liver", "left_out": 3}]}
    parts = left_out_by_class(report, ("liver", "spleen", "bone"), (10, 20, 0))
    assert [(p.name, p.n_left_out) for p in parts] == [("liver", 3), ("spleen", 0)]
    assert share_left_out(parts) == 0.1
    assert left_out_by_class({}, ("liver",), (10,)) == []


def test_a_warning_comes_above_a_fifth_of_all_or_of_one_class():
    few = LeftOut(name="liver", n_samples=100, n_left_out=20)
    many = LeftOut(name="bone", n_samples=10, n_left_out=3)
    assert warning_of([few], 50) == ""
    assert "bone 30 %" in warning_of([few, many], 50)
    assert "liver" not in warning_of([few, many], 50)
    assert "After 12 epochs" in warning_of([many], 12)
    assert warning_of([many], 50).startswith("3 (30 %) of 10 samples")


def test_what_was_typed_is_there_after_a_visit_to_another_page(open_dashboard, write_run):
    finish(write_run())
    dashboard = open_dashboard("coreset")
    dashboard.labelled("number_input", "Seed").set_value(7)
    dashboard.labelled("number_input", "Early share").set_value(0.3)
    dashboard.run()
    dashboard.visit("trajectories").visit("coreset")
    assert dashboard.labelled("number_input", "Seed").value == 7
    assert dashboard.labelled("number_input", "Early share").value == 0.3


def test_composition_shows_shares_of_both_sets_and_counts():
    one, other = composition_bars(["a", "b"], [30, 10], [1, 3])
    assert (one.text, one.share, one.reference) == ("1 (25 %, all 75 %)", 1 / 3, 1.0)
    assert (other.text, other.share, other.reference) == ("3 (75 %, all 25 %)", 1.0, 1 / 3)


def test_a_class_without_a_sample_is_no_link():
    bars = composition_bars(["a", "b"], [2, 2], [0, 0])
    assert [(bar.share, bar.can_open) for bar in bars] == [(0, False), (0, False)]


def test_the_samples_of_a_class_keep_their_order():
    assert of_class(np.array([4, 0, 2]), np.array([1, 0, 0, 0, 1]), 1).tolist() == [4, 0]
    assert of_class(np.array([3, 4, 2]), np.array([1, 0, 0, 0, 1]), 0).tolist() == [3, 2]


def test_the_selection_is_forced_in_and_the_record_names_it(open_dashboard, write_run):
    paths = write_run()
    finish(paths)
    dashboard = open_dashboard("coreset", selection="3,7", strategy=STRATEGIES["top"].title)
    dashboard.labelled("button", "Force in: 2 selected").click()
    dashboard.run()
    assert not dashboard.errors
    assert "Forced in: 2; kept out: 0" in dashboard.words
    assert dashboard.url["force_in"] == "3,7"
    dashboard.labelled("button", "Keep out of coreset").click()
    dashboard.run()
    assert "Forced in: 0; kept out: 2" in dashboard.words
    assert dashboard.url["keep_out"] == "3,7"
    assert "force_in" not in dashboard.url
    dashboard.labelled("button", "Release").click()
    dashboard.run()
    assert "kept out" not in dashboard.words
    assert "keep_out" not in dashboard.url


def test_a_link_brings_what_was_forced(open_dashboard, write_run):
    paths = write_run()
    finish(paths)
    dashboard = open_dashboard("coreset", force_in="3,7", keep_out="7,9")
    assert "Forced in: 2; kept out: 1" in dashboard.words
    assert not dashboard.errors


def test_more_forced_in_than_there_is_room_for_is_one_sentence(open_dashboard, write_run):
    finish(write_run())
    dashboard = open_dashboard("coreset", force_in=",".join(map(str, range(30))))
    assert any("got 30 that are forced in" in error for error in dashboard.errors)


def test_candidates_are_compared_by_rank_and_by_what_was_checked(open_dashboard, write_run):
    paths = write_run()
    dashboard = open_dashboard("coreset", run=paths.root.name, strategy="Top: the hardest samples")
    dashboard.labelled("button", "Keep as candidate").click()
    dashboard.run()
    (box,) = (e for e in dashboard.app.expander if e.label == "Compare candidates")
    assert box.proto.expanded
    dashboard.labelled("selectbox", "Rank by").set_value("el2n").run()
    names = ["Top · ", "Top · "]
    table = next(f.value for f in dashboard.app.dataframe if "not learned early" in f.value)
    assert table["balanced accuracy (quick check)"].tolist() == ["not checked"] * 2
    correlations = next(
        f.value
        for f in dashboard.app.dataframe
        if "rank correlation of … with →" in f.value.columns
    )
    named = correlations.set_index("rank correlation of … with →")
    assert [name.startswith(n) for name, n in zip(named.index, names, strict=True)] == [True] * 2
    dynamics = Run(paths).dynamics()
    windows = {name: Window.parse(dashboard.url[name]) for name in ("early", "late")}
    scores = compute_score(dynamics, "eva", windows), compute_score(dynamics, "el2n", {})
    expected = f"{contrast(*scores).rank_correlation:.2f}"
    assert named.iloc[0].tolist() == ["1.00", expected]
    assert named.iloc[1].tolist() == [expected, "1.00"]


def test_a_finished_quick_check_stands_beside_a_candidate(monkeypatch, write_run):
    found = compare_means([0.8, 0.9], [0.6, 0.7])
    check = SimpleNamespace(found={"balanced_accuracy": found})
    monkeypatch.setattr(reads, "quick_check", lambda summary, indices: check)
    said = candidates._accuracy(reads.run_summary(write_run().root.name), np.arange(3))
    assert said == "85.0 % (random 65.0 %)"
