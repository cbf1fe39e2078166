"""Every claim is judged by one command, and the page says what its files say."""

import importlib
import re
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
CLAIMS = ROOT / "benchmarks" / "results" / "studies" / "claims"
PAGE = (ROOT / "docs" / "studies.md").read_text()


@pytest.fixture(scope="module")
def studies():
    names = (
        "measuring",
        "study_arms",
        "study_claims",
        "study_evidence",
        "study_verdicts",
        "studies",
    )
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        yield importlib.import_module("studies")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
        for name in names:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def verdicts(studies):
    return sys.modules["study_verdicts"]


@pytest.fixture(scope="module")
def claims(studies):
    return sys.modules["study_claims"].CLAIMS


def test_every_claim_has_its_own_name_and_asks_a_study_for_arms_that_it_trains(studies, claims):
    keys = [claim.key for claim in claims]
    assert len(set(keys)) == len(keys)
    by_name = {study.name: study for study in studies.STUDIES}
    rules = set(sys.modules["study_verdicts"].RULES)
    for claim in claims:
        study = by_name[claim.study]
        assert claim.pairs
        assert claim.rule in rules
        if study.kind == "comparison":
            trained = {arm.name for arm in study.arms(60)} | {"full set", "random (proportional)"}
            assert {p.arm for p in claim.pairs} | {p.reference for p in claim.pairs} <= trained
            assert {p.rate for p in claim.pairs} <= set(study.rates)
            assert study.with_full_set or not any(p.reference_rate == 1 for p in claim.pairs)


def test_every_study_is_asked_for_by_a_claim(studies, claims):
    assert {study.name for study in studies.STUDIES} == {claim.study for claim in claims}


@pytest.mark.parametrize(
    ("rule", "words", "verdict"),
    [
        ("better", ["better", "better"], "holds"),
        ("better", ["better", "undecided"], "holds in part"),
        ("better", ["worse", "undecided"], "does not hold"),
        ("better", ["undecided", "undecided"], "not testable here: too few draws to tell"),
        ("as good", ["equivalent", "better"], "holds"),
        ("as good", ["worse"], "does not hold"),
        ("not better", ["worse", "better"], "holds in part"),
        ("below", ["worse", "equivalent"], "holds in part"),
    ],
)
def test_words_come_to_a_verdict(verdicts, rule, words, verdict):
    assert verdicts.RULES[rule](words) == verdict


def test_arms_that_chose_the_same_samples_are_equal_and_others_are_not(studies):
    evidence = sys.modules["study_evidence"]
    rng = np.random.default_rng(0)
    values, moved = rng.normal(0.7, 0.05, 4), rng.normal(0, 0.4, (4, 50))
    pair = sys.modules["study_claims"].Pair(arm="a", reference="b", rate=0.1, reference_rate=0.1)
    same = evidence.row_of(pair, "accuracy", *[evidence.Draws(values, moved)] * 2)
    assert (same["word"], same["low"], same["high"]) == ("equivalent", 0, 0)
    other = evidence.Draws(values, moved[::-1])
    assert evidence.row_of(pair, "accuracy", evidence.Draws(values, moved), other)["word"] == (
        "undecided"
    )


def test_what_may_be_chance_among_many_pairs_is_open(verdicts):
    rows = pd.DataFrame({"word": ["better", "better"] + ["undecided"] * 18})
    rows["p_value"] = [0.0001, 0.04, *[0.5] * 18]
    words = verdicts.judged(rows)["word"].tolist()
    assert words[:2] == ["better", "undecided"]


def test_one_claim_is_trained_judged_and_written(studies, verdicts, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    given = Namespace(work=tmp_path, out=tmp_path / "out", data_root=None, gpu=False)
    studies.write_made_set(tmp_path / "sets", "smoke")
    (study,) = [each for each in studies.chosen(["ducs-beats-random"]) if each.name == "ducs"]
    studies.judge(study, "smoke", given)
    rows = pd.read_csv(given.out / "ducs@smoke.csv")
    trained = pd.read_csv(given.out / "ducs@smoke.trainings.csv")
    means = trained.groupby(["strategy", "rate"])["test_accuracy"].mean()
    asked = rows[rows["figure"] == "accuracy"]
    assert len(asked) >= 5
    for row in asked.itertuples():
        apart = means[row.arm, row.rate] - means[row.reference, row.reference_rate]
        assert row.difference == pytest.approx(apart, abs=1e-5)
    found = {each.claim.key: each for each in verdicts.findings(given.out)}
    assert len(found["ducs-beats-random"].words) == 5  # at 5 % alone, which is smoke's rate
    assert found["ducs-beats-random"].largest_class == pytest.approx(1 / 8)
    (line,) = [each for each in verdicts.page(given.out) if "than random, 2 and 5 %" in each]
    assert found["ducs-beats-random"].verdict in line

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(studies.workflows, "evaluate", interrupted)
    before = (given.out / "ducs@smoke.csv").read_bytes()
    (given.out / "ducs@smoke.csv").unlink()
    studies.judge(study, "smoke", given)  # what is finished is judged all the same
    assert (given.out / "ducs@smoke.csv").read_bytes() == before


def test_without_a_gpu_the_claim_says_so(studies, verdicts, tmp_path):
    given = Namespace(work=tmp_path, out=tmp_path, data_root=None, gpu=False)
    (study,) = studies.chosen(["crossing-resnet18-vgg16"])
    studies.judge(study, "smoke", given)
    (finding,) = verdicts.findings(tmp_path)
    assert finding.verdict == "not testable here: needs a GPU (--gpu)"


def test_a_claim_that_there_is_not_is_refused_with_those_there_are(studies):
    with pytest.raises(SystemExit, match="--only must begin a claim, got evil"):
        studies.chosen(["evil"])


def test_the_abstract_of_eva_contradicts_its_own_table(studies, verdicts, tmp_path):
    given = Namespace(work=tmp_path, out=tmp_path, data_root=None, gpu=False)
    (study,) = studies.chosen(["eva-abstract-against-table"])
    for dataset in ("organamnist", "organsmnist"):
        studies.judge(study, dataset, given)
    found = [f for f in verdicts.findings(tmp_path) if f.claim.rule == "above"]
    assert [f.verdict for f in found] == ["does not hold"] * 2
    assert found[0].cells["difference"].tolist() == pytest.approx([0.9720 - 0.9839])


def test_every_line_of_the_page_is_made_from_its_files(verdicts):
    lines = list(verdicts.page(CLAIMS))
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) > 15
    assert "\n".join(lines).strip() in PAGE


def test_the_pairs_of_the_page_follow_from_the_trainings():
    checked = 0
    for path in CLAIMS.glob("*.trainings.csv"):
        trained = pd.read_csv(path)
        if "strategy" not in trained:  # of a refinement: figures by name
            continue
        rows = pd.read_csv(path.with_name(path.name.replace(".trainings", "")))
        means = trained.groupby(["strategy", "variant", "rate"])["test_accuracy"].mean()
        for row in rows[rows["figure"] == "accuracy"].itertuples():
            ours = means[row.arm].xs(row.rate, level="rate")
            theirs = means[row.reference].xs(row.reference_rate, level="rate")
            apart = (ours.to_numpy()[:, None] - theirs.to_numpy()).ravel()
            assert abs(apart - row.difference).min() < 1e-5
            checked += 1
    assert checked > 50


def test_the_page_names_no_folder_of_a_machine():
    text = " ".join(path.read_text() for path in CLAIMS.glob("*.json"))
    assert not re.search(r"/(root|home|tmp|work)/", text + PAGE)


@pytest.mark.parametrize(
    ("file", "arm", "reference", "rate", "figure", "words"),
    [
        ("eva-table-1@breastmnist", "EVA, tuned windows, shares kept", "random (proportional)",
         0.02, "accuracy", "accuracy is {difference} points better"),
        ("eva-table-1@breastmnist", "EVA, tuned windows, shares kept", "random (proportional)",
         0.02, "balanced_accuracy", "(+{difference}, {low} to +{high})"),
        ("diversity@breastmnist", "diversity, surrogate, K auto, shares kept", "full set",
         0.25, "accuracy", "breastmnist {difference} points, {low} to {high}"),
        ("diversity@pneumoniamnist", "diversity, surrogate, K auto, shares kept", "full set",
         0.25, "accuracy", "pneumoniamnist {difference}, {low} to {high}"),
        ("refinement@long_tailed", "random", "random, unjudged", 0.8, "balanced_accuracy",
         "pays at 80 % (+{difference} points"),
        ("refinement@long_tailed", "random", "random, unjudged", 0.2, "balanced_accuracy",
         "costs at 20 % ({difference})"),
    ],
)  # fmt: skip
def test_the_summary_says_what_the_pairs_say(file, arm, reference, rate, figure, words):
    rows = pd.read_csv(CLAIMS / f"{file}.csv")
    keys = {"arm": arm, "reference": reference, "rate": rate, "figure": figure}
    (row,) = rows[(rows[list(keys)] == pd.Series(keys)).all(axis=1)].to_dict("records")
    shown = {
        name: f"{100 * row[name]:.1f}".replace("-", "−") for name in ("difference", "low", "high")
    }
    assert words.format(**shown) in " ".join(PAGE.split())
