"""``import coreset_lib as cl`` as a researcher uses it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

import coreset_lib as cl
from coreset_lib.cli import main
from coreset_lib.datasets import load_dataset
from coreset_lib.datasets.sources.phantom.phantom import PhantomOptions, make_phantom
from coreset_lib.errors import CoresetError

HEAVY = ("torch", "streamlit", "umap", "numba", "pandas", "numpy", "sklearn")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("CORESET_LENS_CACHE", str(folder))
    monkeypatch.setitem(sys.modules, "umap", None)
    return folder


@pytest.fixture
def recorded(cache):
    """A run of 60 samples, recorded with images."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(60) % 3)
    images = rng.integers(0, 80, (60, 28, 28), dtype=np.uint8)
    images[np.arange(60), 4 + 8 * labels] = 250
    own = functional.one_hot(torch.from_numpy(labels))
    speed = torch.rand(60, 1, generator=torch.Generator().manual_seed(0))
    with cl.record(
        "my CNN", labels=labels, images=images, epochs=6, recipe="AdamW 1e-3", umap="none"
    ) as recorder:
        for epoch in recorder:
            recorder.batch(np.arange(60), own * speed * epoch)
    return cl.open_run("latest")


def run_command(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["coreset-lens", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_importing_it_loads_nothing_heavy():
    code = f"import sys, coreset_lib; print([n for n in {HEAVY} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == "[]"


def test_everything_it_names_is_there():
    for name in cl.__all__:
        assert getattr(cl, name) is not None
        assert name in dir(cl)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        cl.nothing  # noqa: B018


def test_the_scores_are_those_of_the_csv(recorded, tmp_path, monkeypatch):
    table = recorded.score("eva", early=(1, 2), late=(4, 6))
    out = tmp_path / "scores.csv"
    arguments = ("score", "latest", "--early", "1-2", "--late", "4-6", "--out", out)
    assert run_command(monkeypatch, *arguments) == 0
    assert table.columns.tolist() == [
        *("index", "sample_id", "label", "class_name", "eva", "rank"),
    ]
    assert table.to_csv(index=False) == out.read_text()


def test_a_coreset_is_saved_and_rebuilt(recorded, tmp_path, monkeypatch, capsys):
    coreset = recorded.select("recommended", rate=0.1, seed=0)
    assert len(coreset) == len(coreset.indices) == len(coreset.table) == 6
    assert (np.diff(coreset.indices) > 0).all()
    assert sorted(coreset.table["index"]) == coreset.indices.tolist()
    assert coreset.report["n_keep"] == 6
    saved = coreset.save(tmp_path / "coreset.csv")
    assert json.loads((tmp_path / "coreset.provenance.json").read_text())["run"]["recipe"]
    assert run_command(monkeypatch, "rebuild", saved) == 0
    assert ": same" in capsys.readouterr().out


def test_the_functions_are_those_of_an_opened_run(recorded):
    pd.testing.assert_frame_equal(cl.score("latest", "el2n"), recorded.score("el2n"))
    one = cl.select(recorded, "top", rate=0.2, score="el2n")
    other = recorded.select("top", rate=0.2, score="el2n")
    assert one.indices.tolist() == other.indices.tolist()


def test_a_run_says_what_it_is(recorded):
    assert recorded.samples.shape == (60, 5)
    assert recorded.dynamics.plane("margin").shape == (6, 60)
    assert recorded.embedding().shape == (60, 3)
    assert recorded.umap() is None
    assert recorded.metrics["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    for text in (repr(recorded), recorded._repr_html_()):
        assert recorded.run_id in text
        assert "AdamW 1e-3" in text
        assert "finished" in text
    assert "coreset of 6 of 60" in repr(recorded.select("top", rate=0.1, score="el2n"))


def test_runs_is_a_table_and_a_package(recorded):
    table = cl.runs()
    assert table.columns[:6].tolist() == [
        *("run_id", "state", "dataset", "model", "epoch", "epochs"),
    ]
    assert table.loc[0, ["run_id", "model"]].tolist() == [recorded.run_id, "my CNN"]
    assert cl.runs.__name__ == "coreset_lib.runs"


def test_no_runs_are_an_empty_table(cache):
    assert cl.runs().empty
    with pytest.raises(CoresetError, match="there are no runs"):
        cl.open_run()


def test_text_in_a_title_is_no_markup(cache):
    with cl.record("<b>x</b>", labels=[0, 1], epochs=1, umap="none") as recorder:
        for _ in recorder:
            recorder.batch([0, 1], np.eye(2))
    assert "<b>" not in cl.open_run()._repr_html_()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: cl.record("x", labels=[0, 1], epochs=1, colour=1), "unexpected keyword.*colour"),
        (lambda: cl.train("phantom", colour=1), "unexpected keyword argument 'colour'"),
        (lambda: cl.train("nothing"), "dataset must be"),
        (lambda: cl.open_run("x"), "not found"),
        (lambda: cl.serve(port=0), "port must be from 1 to 65535"),
    ],
)
def test_mistakes_are_one_sentence(cache, wrong, message):
    with pytest.raises(CoresetError, match=message) as raised:
        wrong()
    assert len(str(raised.value).splitlines()) == 1


def test_a_training_is_a_run(cache, tmp_path, one_thread):
    phantom = make_phantom(PhantomOptions(n_train=48, n_val=16, n_test=16))
    parts = {
        f"{part}_{kind}": getattr(getattr(phantom, part), kind)
        for part in ("train", "val", "test")
        for kind in ("images", "labels")
    }
    np.savez(tmp_path / "slices.npz", **parts)
    run = cl.train(tmp_path / "slices.npz", model="small_cnn", epochs=2, device="cpu")
    assert run.state == "finished"
    assert len(run.metrics) == 2


@pytest.mark.usefixtures("one_thread")
class TestComparison:
    CHOICES = ("--strategy", "top", "--score", "el2n", "--rates", "0.3", "--seeds", "2")

    def test_without_a_recipe_one_is_asked_for(self, recorded, tmp_path, monkeypatch, capsys):
        out = tmp_path / "results.csv"
        assert run_command(monkeypatch, "evaluate", "latest", *self.CHOICES, "--out", out) == 2
        error = capsys.readouterr().err
        assert "needs a recipe: give --model small_cnn --epochs 20" in error
        assert len(error.splitlines()) == 1
        with pytest.raises(CoresetError, match="needs a recipe"):
            cl.evaluate(recorded, strategies=["top"], scores=["el2n"])

    def test_with_one_it_trains_on_the_recorded_images(
        self, recorded, tmp_path, monkeypatch, capsys
    ):
        out = tmp_path / "results.csv"
        recipe = ("--model", "small_cnn", "--epochs", "2", "--lr", "0.05", "--device", "cpu")
        arguments = ("evaluate", "latest", *self.CHOICES, *recipe, "--out", out)
        assert run_command(monkeypatch, *arguments) == 0
        assert "held out" in capsys.readouterr().err
        record = json.loads(out.with_suffix(".provenance.json").read_text())
        assert record["plan"]["recipe"] == {"learning_rate": 0.05, "device": "cpu"}
        assert {cell["n_samples"] for cell in record["cells"]} == {13, 42}
        assert "held out" in record["held_out"]
        choices = {
            **{"strategies": ["top"], "scores": ["el2n"], "rates": [0.3], "seeds": 2},
            **{"model": "small_cnn", "epochs": 2, "learning_rate": 0.05, "device": "cpu"},
        }
        found = cl.evaluate(recorded, **choices)
        assert set(found.table["figure"]) == {"balanced_accuracy"}
        assert {"recall", "precision", "f1"} <= set(found.figures["figure"])
        by_accuracy = cl.evaluate(recorded, **choices, figure="accuracy")
        assert set(by_accuracy.table["figure"]) == {"accuracy"}
        with pytest.raises(CoresetError, match="no score of this comparison has an option"):
            cl.evaluate(recorded, **choices, score_options={"aggregation": ["sum", "l1"]})
        with pytest.raises(CoresetError, match="figure must be one of"):
            cl.evaluate(recorded, **choices, figure="speed")
        assert set(found.table["strategy"]) == {
            *("top el2n", "random (proportional)", "full set"),
        }
        assert len(found.verdicts) == 3

    def test_given_splits_are_used_as_they_are(self, cache):
        from coreset_lib.evaluation.held_out import hold_out
        from coreset_lib.runs.images import load_run_images
        from coreset_lib.runs.store import RunStore

        images = np.random.default_rng(0).integers(0, 255, (12, 28, 28), dtype=np.uint8)
        labels = np.arange(12) % 2
        others = {"val_images": images[:4], "val_labels": labels[:4]}
        others |= {"test_images": images[4:8], "test_labels": labels[4:8]}
        with cl.record(
            "x", labels=labels, images=images, epochs=1, umap="none", **others
        ) as recorder:
            for _ in recorder:
                recorder.batch(np.arange(12), np.zeros((12, 2)))
        dataset, rows = hold_out(load_run_images(RunStore(cache).find("latest")))
        assert rows is None
        assert (len(dataset.train), len(dataset.val), len(dataset.test)) == (12, 4, 4)


def test_the_example_of_the_documents_runs_as_written(cache, tmp_path, monkeypatch, capsys):
    """Five lines in somebody's loop; on real images where there are any."""
    data = os.environ.get("CORESET_LENS_TEST_DATA")
    if data and Path(data).is_dir():
        dataset = load_dataset("breastmnist", data_root=_folder_of(data, "breastmnist.npz"))
    else:
        dataset = make_phantom(PhantomOptions(n_train=200, n_val=16, n_test=16))
    x, y, names = dataset.train.images, dataset.train.labels, dataset.class_names
    torch.manual_seed(0)
    backbone = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(x[0].size, 16), torch.nn.ReLU()
    )
    net = torch.nn.Sequential(backbone, torch.nn.Linear(16, len(names)))
    optimizer = torch.optim.AdamW(net.parameters(), 1e-3)
    rows = torch.utils.data.TensorDataset(
        torch.arange(len(y)), torch.tensor(x)[:, None] / 255, torch.tensor(y)
    )
    loader = torch.utils.data.DataLoader(rows, 64, shuffle=True)
    with cl.record(
        "my CNN", labels=y, class_names=names, images=x, epochs=20, recipe="AdamW 1e-3"
    ) as recorder:
        for _epoch in recorder:
            hits = 0
            for indices, batch, target in loader:
                logits = net(batch)
                loss = functional.cross_entropy(logits, target)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                hits += int((logits.argmax(1) == target).sum())
                recorder.batch(indices, logits)
            recorder.log(val_accuracy=hits / len(y))
        recorder.embed(backbone)
    run = cl.open_run("latest")
    assert run.state == "finished"
    scores = run.score("eva", early=(1, 10), late=(11, 20))
    assert scores["rank"].tolist() != scores["index"].tolist()
    assert sorted(scores["rank"]) == list(range(1, len(y) + 1))
    coreset = run.select("recommended", rate=0.1, seed=0)
    assert len(coreset.indices) == pytest.approx(0.1 * len(y), abs=1)
    saved = coreset.save(tmp_path / "coreset.csv")
    assert run_command(monkeypatch, "rebuild", saved) == 0
    assert ": same" in capsys.readouterr().out
    assert (run.embedding().shape, run.samples.shape[0]) == ((len(y), 16), len(y))


def _folder_of(root, name):
    """Return the folder below ``root`` that holds a file."""
    return next(Path(root).rglob(name)).parent
