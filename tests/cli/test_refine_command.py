"""``train --label-noise`` and ``refine``, as typed: from spoilt labels to results, and mistakes."""

import json
import signal
import time

import pandas as pd
import pytest

from coreset_lib.cli import _run
from coreset_lib.jobs.processes.detached import work_status
from coreset_lib.jobs.refinements import refinements_of
from coreset_lib.runs.store import RunStore

SMALL = ("--model", "small_cnn", "--epochs", 4, "--batch-size", 16, "--device", "cpu")
PATIENCE_SECONDS = 150


@pytest.fixture(autouse=True, scope="module")
def _usual_signals():
    """Training in the foreground takes over Ctrl-C; the tests want it back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def cache(tmp_path_factory, make_dataset, save_npz, one_thread):
    """A cache with one run on labels of which a fifth was spoilt."""
    folder = tmp_path_factory.mktemp("refining")
    file = save_npz(folder / "tiny.npz", make_dataset(n_train=90))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "umap", None)
        train = ("train", "--dataset", file, *SMALL, "--label-noise", "symmetric:0.2")
        assert _run([*map(str, train), "--cache", str(folder / "cache")]) == 0
    return folder / "cache"


@pytest.fixture
def lens(cache, capsys):
    """Run a command; returns exit status, stdout and stderr."""

    def run(*arguments):
        code = _run([*map(str, arguments), "--cache", str(cache)])
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return code, printed.out, printed.err

    return run


def test_the_noise_stands_in_the_manifest(cache):
    run = RunStore(cache).find("latest")
    assert run.manifest.config["label_noise"] == "symmetric"
    assert (run.labels() != run.true_labels()).sum() == 18


def test_a_simulated_refinement_ends_with_curves_and_provenance(lens, tmp_path):
    out = tmp_path / "results.csv"
    options = ("--query", "entropy,k_center", "--budget", 8, "--rounds", 2, "--ramp", 2)
    code, printed, err = lens("refine", "start", "latest", *options, "--seeds", "0-1", "--out", out)
    assert code == 0, err
    assert f"results: {out}" in printed
    table = pd.read_csv(out)
    assert set(table["query"]) == {"entropy", "k_center", "random", "random, unjudged"}
    assert table["labels"].max() == 8
    record = json.loads(out.with_name("results.provenance.json").read_text())
    assert record["kind"] == "refinement"
    assert record["plan"]["budget"] == 8
    assert record["table"] == "draws"
    code, _, err = lens("rebuild", out)
    assert code == 0, err
    code, printed, _ = lens("refine", "status", "latest")
    assert code == 0
    assert "finished" in printed
    assert "labels are called wrong" in printed
    code, printed, _ = lens("refine", "status", "latest", "--json")
    assert [item["state"] for item in json.loads(printed)] == ["finished"]


def test_a_high_rate_of_wrong_labels_is_warned_of_and_done(lens):
    options = ("--budget", 4, "--rounds", 1, "--ramp", 2)
    code, _, err = lens("refine", "start", "latest", *options, "--noise-rate", "0.6")
    assert code == 0, err
    assert "note: 60 % of the labels are thought to be wrong" in err
    code, _, err = lens("refine", "start", "latest", *options)
    assert "note:" not in err


def test_people_answer_round_by_round(lens, cache, tmp_path):
    queries = tmp_path / "queries.csv"
    options = ("--expert", "people", "--budget", 4, "--rounds", 2, "--ramp", 2)
    code, printed, err = lens("refine", "start", "latest", *options, "--out", queries)
    assert code == 0, err
    name = printed.splitlines()[-1].removeprefix("refinement: ")
    for out in (queries, tmp_path / "results.csv"):
        table = pd.read_csv(queries, keep_default_na=False)
        table.assign(new=table["old"]).to_csv(queries, index=False)
        arguments = ("--id", name, "--labels", queries, "--out", out)
        code, printed, err = lens("refine", "continue", "latest", *arguments)
        assert code == 0, err
    assert f"results: {tmp_path / 'results.csv'}" in printed
    assert pd.read_csv(queries)["new"].notna().all()  # nobody's answers are replaced by results
    assert "after 4 labels" in printed
    run = RunStore(cache).find("latest")
    assert run.noisy_flags().shape == (90,)


def test_in_the_background_it_can_be_watched_and_stopped(
    lens, cache, subprocess_environment, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", subprocess_environment["PYTHONPATH"])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    options = ("--epochs", 2000, "--ramp", 3, "--budget", 8, "--background")
    code, printed, err = lens("refine", "start", "latest", *options)
    assert code == 0, err
    name = printed.splitlines()[-1].removeprefix("refinement: ")
    run_id = RunStore(cache).find("latest").run_id
    paths = next(r.paths for r in refinements_of(cache, run_id) if r.plan.refinement_id == name)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while work_status(paths).step != "judging labels, seed 0":
        assert time.monotonic() < deadline, paths.log.read_text()
        time.sleep(0.1)
    code, _, err = lens("refine", "start", "latest", *options)
    assert (code, "under way already" in err) == (2, True)
    code, printed, err = lens("refine", "stop", "latest", "--id", name)
    assert (code, printed) == (0, f"refinement {name} stopped\n"), err
    assert work_status(paths).state == "stopped"
    code, _, err = lens("refine", "stop", "latest", "--id", name)
    assert (code, "is not under way" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("start", "nobody"), "run 'nobody' was not found"),
        (("start", "latest", "--query", "entropi"), "Did you mean entropy?"),
        (("start", "latest", "--noise-rate", "much"), "must be a share such as 0.2, or estimate"),
        (("start", "latest", "--noise-rate", "20"), "noise rate must be at least 0 and below 1"),
        (("start", "latest"), "epochs must be more than the 10 of the ramp, got 4"),
        (("start", "latest", "--ramp", "2", "--seeds", "x"), "seeds must be first-last"),
        (("start", "latest", "--ramp", "2", "--expert", "people", "--seeds", "0-1"), "one seed"),
        (("continue", "latest", "--id", "zzz"), "refinement zzz was not found"),
        (("continue", "latest", "--labels", "missing.csv"), "missing.csv cannot be used"),
        (("status", "latest", "--id", "zzz"), "was not found"),
    ],
)
def test_mistakes_are_told_in_one_line(lens, arguments, words):
    if arguments[0] == "continue" and "--labels" in arguments:  # a round must be open for that
        people = ("--expert", "people", "--budget", 2, "--rounds", 1, "--ramp", 2)
        assert lens("refine", "start", "latest", *people)[0] == 0
    code, out, err = lens("refine", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.startswith("coreset-lens: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("noise", ["symmetric:50", "pairs:0.2", "symmetric"])
def test_wrong_noise_trains_nothing(lens, cache, noise):
    before = len(RunStore(cache).runs())
    code, _, err = lens("train", "--dataset", "phantom", "--label-noise", noise)
    assert code == 2
    assert "label noise" in err
    assert len(RunStore(cache).runs()) == before
