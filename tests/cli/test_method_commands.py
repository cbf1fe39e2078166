"""The commands scores, strategies, cluster and compare, and the options of strategies."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from coreset_lib import cli
from coreset_lib.runs.store import Run
from coreset_lib.scores import SCORES
from coreset_lib.selection import STRATEGIES

Output = tuple[int, str, str]


@pytest.fixture
def lens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Output]:
    """Run a command in this process; returns exit status, stdout and stderr."""
    monkeypatch.setenv("CORESET_LENS_CACHE", str(tmp_path))

    def run(*arguments: str | Path) -> Output:
        monkeypatch.setattr("sys.argv", ["coreset-lens", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return left.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def run(tmp_path: Path, make_run: Callable[..., Run]) -> Run:
    """A finished run of 60 samples with an embedding of three blobs that cut across classes."""
    found = make_run(tmp_path)
    rng = np.random.default_rng(0)
    blob = np.arange(60) // 3 % 3
    features = rng.normal(size=(60, 4)) * 0.1 + 5 * np.eye(4)[blob]
    np.save(found.paths.embedding, features.astype(np.float32))
    return found


def test_scores_lists_every_score_with_direction_needs_options_and_source(lens: Any):
    status, text, _ = lens("scores")
    assert status == 0
    for name, score in SCORES.items():
        assert f"\n{name}: {score.title}; higher = {score.direction}\n" in f"\n{text}"
        assert f"needs: {', '.join(score.needs)}; source: {score.source}" in text
        for option, spec in score.options.items():
            assert f"--option {option}=" in text
            assert spec.help in text
    assert "--option decay=0.001 to 1 (default 0.9)" in text
    assert "--option early=first-last (default 1-10 at 200 epochs)" in text


def test_strategies_lists_every_strategy_with_needs_options_and_source(lens: Any):
    status, text, _ = lens("strategies")
    assert status == 0
    for name, strategy in STRATEGIES.items():
        assert f"\n{name}: {strategy.title}\n" in f"\n{text}"
        for option in strategy.options:
            assert f"--strategy-option {option}=" in text
    assert "--strategy-option k=auto|1 to 1000 (default auto)" in text
    assert "needs: a score, embedding; source: this project" in text


@pytest.mark.parametrize(("command", "registry"), [("scores", SCORES), ("strategies", STRATEGIES)])
def test_lists_are_available_as_json(lens: Any, command: str, registry: dict[str, Any]):
    status, text, _ = lens(command, "--json")
    assert status == 0
    assert [record["name"] for record in json.loads(text)] == list(registry)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_selects_and_rebuilds_from_the_command_line(
    lens: Any, run: Run, tmp_path: Path, strategy: str
):
    out = tmp_path / "coreset.csv"
    status, _, told = lens(
        "select", "latest", "--strategy", strategy, "--rate", "0.2", "--balance", "equal",
        "--out", out,
    )  # fmt: skip
    assert (status, told) == (0, "")
    table = pd.read_csv(out)
    assert len(table) == 12
    assert table["label"].value_counts().tolist() == [4, 4, 4]
    assert table["cluster"].notna().all() == (strategy in ("diversity", "hybrid"))
    status, text, _ = lens("rebuild", out)
    assert status == 0
    assert "same" in text


def test_options_of_a_strategy_are_used_recorded_and_rebuilt(lens: Any, run: Run, tmp_path: Path):
    out = tmp_path / "coreset.csv"
    lens(
        "select", "latest", "--strategy", "diversity", "--rate", "0.15", "--out", out,
        "--strategy-option", "k=3", "--strategy-option", "medoids-first=yes",
    )  # fmt: skip
    record = json.loads((tmp_path / "coreset.provenance.json").read_text())
    assert record["selection"]["strategy_options"]["k"] == 3
    assert record["selection"]["strategy_options"]["medoids_first"] == "yes"
    medoids = [m for part in record["report"]["clusters"] for m in part["medoids"]]
    assert sorted(pd.read_csv(out)["index"]) == sorted(medoids)
    assert lens("rebuild", out)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--strategy-option", "k=99"], "k must be at most the number of samples of every class"),
        (["--strategy-option", "k"], "--strategy-option must look like name=value, got 'k'"),
        (["--strategy-option", "hue=1"], "strategy diversity has no option 'hue'. Its options"),
    ],
)
def test_wrong_options_of_a_strategy_end_in_one_line(
    lens: Any, run: Run, tmp_path: Path, arguments: list[str], sentence: str
):
    status, _, told = lens(
        "select", "latest", "--strategy", "diversity", "--rate", "0.2",
        "--out", tmp_path / "x.csv", *arguments,
    )  # fmt: skip
    assert status == 2
    assert told.startswith(f"coreset-lens: {sentence}")
    assert told.count("\n") == 1


def test_a_run_without_an_embedding_says_so(lens: Any, run: Run, tmp_path: Path):
    run.paths.embedding.unlink()
    for command in (["select", "latest", "--strategy", "herding", "--rate", "0.2"],
                    ["cluster", "latest"]):  # fmt: skip
        status, _, told = lens(*command, "--out", tmp_path / "x.csv")
        assert status == 2
        assert "needs an embedding of the samples, which this run does not have yet" in told


def test_cluster_writes_clusters_and_medoids_of_each_class(lens: Any, run: Run, tmp_path: Path):
    out = tmp_path / "clusters.csv"
    status, text, _ = lens("cluster", "latest", "--k", "auto", "--out", out)
    assert status == 0
    assert "kidney: 3 clusters of " in text
    table = pd.read_csv(out, keep_default_na=False)
    assert list(table) == ["index", "sample_id", "label", "class_name", "cluster", "is_medoid"]
    blob = np.arange(60) // 3 % 3
    for klass in range(3):
        here = (table["label"] == klass).to_numpy()
        pairs = {(b, c) for b, c in zip(blob[here], table["cluster"][here], strict=True)}
        assert len(pairs) == 3
    assert (table["is_medoid"] == "yes").sum() == 9
    record = json.loads((tmp_path / "clusters.clusters.json").read_text())
    assert [part["k"] for part in record["classes"]] == [3, 3, 3]
    assert [point[0] for point in record["classes"][0]["k_curve"]] == list(range(2, 11))


def test_cluster_overall_ignores_classes(lens: Any, run: Run, tmp_path: Path):
    out = tmp_path / "clusters.csv"
    assert lens("cluster", "latest", "--k", "3", "--overall", "--out", out)[0] == 0
    clusters = pd.read_csv(out)["cluster"].to_numpy()
    assert len({(b, c) for b, c in zip(np.arange(60) // 3 % 3, clusters, strict=True)}) == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--k", "0"], "option k must be auto or a whole number from 1 to 1000, got 0."),
        (["--metric", "chess"], "option metric must be one of euclidean, cosine, manhattan"),
        (["--seed", "-1"], "--seed must be from 0 to 2147483647, got -1."),
    ],
)
def test_cluster_refuses_wrong_options(
    lens: Any, run: Run, tmp_path: Path, arguments: list[str], sentence: str
):
    status, _, told = lens("cluster", "latest", "--out", tmp_path / "x.csv", *arguments)
    assert status == 2
    assert told.startswith(f"coreset-lens: {sentence}")


def score_csv(path: Path, values: list[float], labels: list[int]) -> Path:
    """A table of scores as ``score`` writes it."""
    order = np.argsort(-np.array(values), kind="stable")
    ranks = np.empty(len(values), dtype=int)
    ranks[order] = np.arange(1, len(values) + 1)
    pd.DataFrame(
        {
            "index": range(len(values)),
            "sample_id": [f"s{i}" for i in range(len(values))],
            "label": labels,
            "class_name": [f"class {label}" for label in labels],
            "eva": values,
            "rank": ranks,
        }
    ).to_csv(path, index=False)
    return path


def test_compare_counts_overlap_and_classes_of_two_scores(lens: Any, tmp_path: Path):
    labels = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    a = score_csv(tmp_path / "a.csv", [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], labels)
    b = score_csv(tmp_path / "b.csv", [9, 0, 7, 1, 5, 4, 3, 2, 8, 6], labels)
    status, text, _ = lens("compare", a, b, "--rate", "0.3", "--json")
    assert status == 0
    found = json.loads(text)
    # A keeps 0, 1, 2; B keeps 0, 8, 2.
    assert (found["n_first"], found["n_second"], found["n_both"]) == (3, 3, 2)
    assert found["jaccard"] == pytest.approx(2 / 4)
    assert found["expected_both"] == pytest.approx(0.9)
    squares = sum(
        (x - y) ** 2 for x, y in zip(range(10), (0, 9, 2, 8, 4, 5, 6, 7, 1, 3), strict=True)
    )
    assert found["rank_correlation"] == pytest.approx(1 - 6 * squares / (10 * 99))
    assert found["classes"] == [
        {"class_name": "class 0", "n_first": 3, "n_second": 2},
        {"class_name": "class 1", "n_first": 0, "n_second": 1},
    ]
    assert "in both: 2 (Jaccard 0.500, by chance 0.9)" in lens("compare", a, b, "--rate", "0.3")[1]


def test_tied_scores_correlate_by_their_mean_rank(lens: Any, tmp_path: Path):
    labels = [0] * 6
    a = score_csv(tmp_path / "a.csv", [0, 0, 0, 0, 1, 1], labels)
    b = score_csv(tmp_path / "b.csv", [1, 1, 0, 0, 0, 1], labels)
    found = json.loads(lens("compare", a, b, "--json")[1])
    x, y = np.array([0, 0, 0, 0, 1, 1]), np.array([1, 1, 0, 0, 0, 1])
    assert found["rank_correlation"] == pytest.approx(np.corrcoef(x, y)[0, 1])
    constant = score_csv(tmp_path / "c.csv", [1, 1, 1, 1, 1, 1], labels)
    assert json.loads(lens("compare", a, constant, "--json")[1])["rank_correlation"] is None


def test_a_coreset_is_compared_with_as_many_of_the_hardest(lens: Any, run: Run, tmp_path: Path):
    coreset, scores = tmp_path / "coreset.csv", tmp_path / "scores.csv"
    lens("select", "latest", "--rate", "0.2", "--out", coreset)
    lens("score", "latest", "--out", scores)
    found = json.loads(lens("compare", coreset, scores, "--json")[1])
    assert (found["n_first"], found["n_second"], found["n_both"]) == (12, 12, 12)
    assert found["rank_correlation"] == pytest.approx(1)


def test_a_draw_has_no_rank_correlation(lens: Any, run: Run, tmp_path: Path):
    drawn, scores = tmp_path / "drawn.csv", tmp_path / "scores.csv"
    lens("select", "latest", "--strategy", "random", "--rate", "0.2", "--out", drawn)
    lens("score", "latest", "--out", scores)
    status, text, _ = lens("compare", drawn, scores)
    assert status == 0
    assert "rank correlation (Spearman): not defined over 12 samples" in text


def test_compare_refuses_what_it_cannot_compare(lens: Any, tmp_path: Path):
    a = score_csv(tmp_path / "a.csv", [1, 2, 3], [0, 0, 1])
    other = tmp_path / "other.csv"
    other.write_text(a.read_text().replace("s1", "t1"))
    nonsense = tmp_path / "nonsense.csv"
    nonsense.write_text("a,b\n1,2\n")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00\x01" * 9)
    for path, sentence in (
        (tmp_path / "none.csv", f"file {tmp_path / 'none.csv'} was not found."),
        (nonsense, f"file {nonsense} must be a CSV that score or select wrote, got columns a, b."),
        (binary, f"file {binary} "),
        (other, "a.csv and other.csv must be of the same dataset, got sample s1 and t1 at index 1"),
    ):
        status, _, told = lens("compare", a, path)
        assert status == 2
        assert told.startswith(f"coreset-lens: {sentence}")
        assert told.count("\n") == 1
    assert "selection rate must be in (0, 1]" in lens("compare", a, a, "--rate", "5")[2]
