"""Commands on volumes and on samples with any number of labels, from check to evaluate."""

import json

import numpy as np
import pandas as pd
import pytest

from coreset_lib.cli import _run
from coreset_lib.scores import SCORES
from coreset_lib.selection import STRATEGIES


@pytest.fixture
def command(capsys, label_run):
    """Run a command on the trained run's cache; return code, output and errors."""

    def run(*arguments):
        code = _run([*map(str, arguments), "--cache", str(label_run.paths.cache)])
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return code, printed.out, printed.err

    return run


@pytest.fixture
def label_file(label_run):
    return label_run.paths.cache / "slabs.npz"


def test_check_counts_labels_and_says_so(command, label_file):
    code, out, _ = command("check", "--dataset", label_file)
    assert code == 0
    assert "volumes: 9x12x12, greyscale" in out
    assert "any number per image" in out
    assert "no finding" in out


def test_the_wrong_network_ends_in_one_sentence(command, label_file, label_run):
    before = sorted(label_run.paths.root.parent.iterdir())
    code, out, err = command("train", "--dataset", label_file, "--model", "small_cnn")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "model must be a network for volumes, got small_cnn for slabs" in err
    code, _, err = command("train", "--dataset", "phantom", "--model", "resnet18_3d")
    assert code == 2
    assert "model must be a network for pictures, got resnet18_3d for phantom" in err
    assert sorted(label_run.paths.root.parent.iterdir()) == before


def test_a_comparison_with_the_wrong_network_is_refused(command, label_run, tmp_path):
    out = tmp_path / "results.csv"
    code, _, err = command("evaluate", label_run.run_id, "--model", "small_cnn", "--out", out)
    assert code == 2
    assert "model must be a network for volumes" in err
    assert not out.exists()


@pytest.mark.parametrize("score", SCORES)
def test_every_score_is_computed_or_says_why_not(score, command, label_run, tmp_path):
    out = tmp_path / "scores.csv"
    code, _, err = command("score", label_run.run_id, "--score", score, "--out", out)
    if score.startswith("vog"):
        assert code == 2
        assert "Samples with any number of labels have none; choose another score." in err
        return
    assert code == 0, err
    table = pd.read_csv(out)
    assert np.isfinite(table[score]).all()
    assert table["labels"].tolist()[2] == "top + middle"
    assert "forgetting counts such exact matches" in err


@pytest.mark.parametrize("balance", ["global", "proportional", "equal"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_chooses_a_coreset(strategy, balance, command, label_run, tmp_path):
    out = tmp_path / "coreset.csv"
    code, _, err = command(
        "select", label_run.run_id, "--strategy", strategy, "--balance", balance,
        "--rate", 0.25, "--out", out,
    )  # fmt: skip
    assert code == 0, err
    table = pd.read_csv(out)
    assert len(table) == 15
    if balance == "equal":
        assert table["class_name"].value_counts().min() >= 3
    assert command("rebuild", out)[0] == 0


def test_targets_are_judged_by_exact_match_and_mean_auc(command, label_run, tmp_path):
    out = tmp_path / "results.csv"
    code, _, err = command(
        "evaluate", label_run.run_id, "--rates", 0.5, "--seeds", 1, "--epochs", 2, "--out", out
    )
    assert code == 0, err
    cells = [json.loads(p.read_text()) for p in label_run.paths.cache.rglob("cells/*.json")]
    assert cells
    for cell in cells:
        assert 0 <= cell["test"]["accuracy"] <= 1
        assert 0 <= cell["test"]["macro_auc"] <= 1
        assert len(cell["test"]["recall"]) == 4


def test_pixel_gradients_and_vgg16_are_refused_in_one_sentence(command, label_run):
    code, _, err = command("vog", label_run.run_id)
    assert code == 2
    assert "needs the weights of at least 2 epochs" in err
    code, _, err = command("features", label_run.run_id)
    assert code == 2
    assert "VGG-16 features are made of pictures, got volumes" in err
