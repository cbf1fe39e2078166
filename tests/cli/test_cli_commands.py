"""Every command on good input: what it prints, what it writes, how it ends."""

import json
import signal
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest
import typer

from coreset_lib.cli import _run, app
from coreset_lib.cli.serving import _has_demo_run
from coreset_lib.configs import DEMO
from coreset_lib.runs.store import RunStore


@pytest.fixture(autouse=True)
def _usual_signals():
    """Training in the foreground takes over Ctrl-C; the tests want it back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def lens(capsys, cache):
    """Run a command that must end well and return what it printed, line by line."""

    def run(*arguments):
        code = _run([*map(str, arguments), "--cache", str(cache)])
        printed = capsys.readouterr()
        assert code == 0, printed.err
        assert "Traceback" not in printed.err
        return printed.out.splitlines()

    return run


@pytest.fixture
def npz(tmp_path, tiny_dataset, save_npz):
    return save_npz(tmp_path / "tiny.npz", tiny_dataset)


def commands_of(group):
    """Yield every command below a group."""
    for command in group.commands.values():
        yield from commands_of(command) if hasattr(command, "commands") else [command]


def test_every_command_takes_the_cache():
    commands = list(commands_of(typer.main.get_command(app)))
    assert len(commands) > 30
    without = [c.name for c in commands if not any("--cache" in p.opts for p in c.params)]
    assert without == []


def test_it_says_its_version(capsys):
    assert _run(["--version"]) == 0
    assert capsys.readouterr().out == f"coreset-lens {version('coreset-lens')}\n"


def test_without_windows_it_says_where_the_pages_would_put_them(tmp_path, cache, make_run, capsys):
    run = make_run(cache, epochs=60)
    error = run.paths.plane("error_norm")
    still = np.load(error)
    still[10:] = still[10]  # nothing moves any more after ten epochs
    np.save(error, still)
    expected = "without --late the window is 21-30 whatever the run; the pages begin with 11-20"
    given = ("--early", "1-10", "--late", "21-30")
    for command in (("score",), ("select", "--rate", "0.5")):
        name, *options = command
        for windows in ((), given):
            out = ("--out", str(tmp_path / f"{name}{len(windows)}.csv"), "--cache", str(cache))
            assert _run([name, "latest", *options, *windows, *out]) == 0
            assert (expected in capsys.readouterr().err) == (windows == ())


@pytest.mark.usefixtures("without_umap")
def test_from_training_to_a_rebuilt_coreset(tmp_path, lens, npz, cache):
    options = ("--model", "small_cnn", "--epochs", 4, "--batch-size", 16, "--device", "cpu")
    *_, last = lens("train", "--dataset", npz, *options, "--precision", "bfloat16")
    assert last.startswith("run: ")
    run_id = last.removeprefix("run: ")
    run = RunStore(cache).find("latest")
    assert run.run_id == run_id
    assert run.status().state == "finished"
    assert run.manifest.config["precision"] == "bfloat16"
    windows = ("--early", "1-2", "--late", "3-4")
    scores, coreset = tmp_path / "scores.csv", tmp_path / "coreset.csv"
    said = lens("score", "latest", "--score", "eva", *windows, "--out", scores)
    assert str(scores) in said[0]
    assert said[1].startswith("of the score, ")
    assert len(pd.read_csv(scores)) == 60
    lines = lens("select", run_id, "--rate", "0.1", *windows, "--out", coreset)
    assert "6 of 60 samples" in lines[0]
    assert len(pd.read_csv(coreset)) == 6
    verdict, digest, told = lens("rebuild", coreset)
    assert (verdict, digest) == (f"{coreset}: same", lines[1])
    assert told.startswith("not compared, as the provenance alone tells them: created and versions")
    chosen = ("--strategy", "recommended", "--rate", "0.2", "--out", tmp_path / "recommended.csv")
    said = lens("select", run_id, *chosen)[1]
    assert said.startswith("left out, as early neighbours say another class: ")
    assert lens("rebuild", tmp_path / "recommended.csv")[0].endswith(": same")
    assert lens("rebuild", scores)[0] == f"{scores}: same"
    assert any("epoch 4: train loss" in line for line in lens("logs", run_id[:20]))


def test_a_demo_run_from_before_an_option_is_found_again(cache, make_run):
    run = make_run(cache)
    manifest = json.loads(run.paths.manifest.read_text())
    manifest["config"] = DEMO.as_dict()
    for missing in ((), ("precision",)):
        for option in missing:
            del manifest["config"][option]
        run.paths.manifest.write_text(json.dumps(manifest))
        assert _has_demo_run(RunStore(cache))
    manifest["config"]["precision"] = "bfloat16"
    run.paths.manifest.write_text(json.dumps(manifest))
    assert not _has_demo_run(RunStore(cache))


def test_runs_as_json_has_the_agreed_fields(lens, cache, make_run):
    assert lens("runs", "--json") == ["[]"]
    run = make_run(cache)
    broken = make_run(cache)
    broken.paths.manifest.write_text("garbage")
    records = {r["run_id"]: r for r in json.loads("\n".join(lens("runs", "--json")))}
    good, bad = records[run.run_id], records[broken.run_id]
    expected = {"state": "finished", "dataset": "tiny", "model": "small_cnn"}
    assert good | expected | {"epoch": 6, "epochs": 6} == good
    assert bad["state"] == "damaged"
    assert "manifest.json" in bad["error"]
    table = "\n".join(lens("runs"))
    assert run.run_id in table
    assert "6/6" in table
    assert "damaged" in table


def test_an_empty_cache_tells_how_to_start(lens):
    assert "coreset-lens train --dataset phantom" in lens("runs")[0]


def test_select_takes_every_option(tmp_path, lens, cache, make_run):
    make_run(cache)
    out = tmp_path / "c.csv"
    choice = ("--strategy", "top", "--score", "forgetting", "--option", "never_learned=zero")
    more = ("--balance", "equal", "--noise-cut", "0.2", "--seed", 3, "--rate", 0.3)
    lens("select", "latest", *choice, *more, "--out", out)
    record = json.loads((tmp_path / "c.provenance.json").read_text())["selection"]
    assert record["balance"] == "equal"
    assert record["noise_cut"] == 0.2
    assert record["seed"] == 3
    assert record["score_options"] == {"never_learned": "zero"}
    assert pd.read_csv(out)["label"].value_counts().tolist() == [6, 6, 6]


def test_select_forces_samples_in_and_out(tmp_path, lens, cache, make_run):
    ids = make_run(cache).samples()["sample_id"].tolist()
    first, out = tmp_path / "first.csv", tmp_path / "c.csv"
    lens("select", "latest", "--rate", "0.1", "--out", first)
    (tmp_path / "in.txt").write_text("\n".join(ids[:3]))
    before = set(pd.read_csv(first)["sample_id"]) - set(ids[:3])
    (tmp_path / "out.txt").write_text("\n".join(sorted(before)))
    lists = ("--include", tmp_path / "in.txt", "--exclude", tmp_path / "out.txt")
    said = lens("select", "latest", "--rate", "0.2", *lists, "--out", out)
    assert f"forced in: 3; kept out: {len(before)}" in said
    kept = set(pd.read_csv(out)["sample_id"])
    assert set(ids[:3]) <= kept
    assert not before & kept
    assert "same" in lens("rebuild", out)[0]


@pytest.mark.parametrize(
    ("include", "exclude", "sentence"),
    [
        ("nobody", "", "is not among the"),
        ("{0}", "{0}", "must be forced in or kept out, got both"),
        ("{all}", "", "that are forced in. Raise the rate"),
        ("", "\n", "names no sample"),
    ],
)
def test_select_says_what_is_wrong_with_a_list(
    tmp_path, cache, make_run, capsys, include, exclude, sentence
):
    ids = make_run(cache).samples()["sample_id"].tolist()
    flags = []
    for flag, text in (("--include", include), ("--exclude", exclude)):
        if text:
            path = tmp_path / flag.strip("-")
            path.write_text(text.format(*ids[:1], all="\n".join(ids)))
            flags += [flag, str(path)]
    arguments = ["select", "latest", "--rate", "0.1", "--out", str(tmp_path / "c.csv")]
    assert _run([*arguments, *flags, "--cache", str(cache)]) == 2
    printed = capsys.readouterr().err
    assert sentence in printed
    assert "Traceback" not in printed
    assert not (tmp_path / "c.csv").exists()


def test_rebuild_of_an_edited_file_ends_with_1(tmp_path, lens, cache, make_run, capsys):
    make_run(cache)
    out = tmp_path / "c.csv"
    lens("select", "latest", "--rate", "0.1", "--out", out)
    out.write_text(out.read_text() + "\n")
    assert _run(["rebuild", str(out), "--cache", str(cache)]) == 1
    assert "NOT the same" in capsys.readouterr().out


def test_datasets_and_check_tell_of_the_embedded_and_of_own_files(capsys, npz):
    assert _run(["datasets", "--data-root", str(npz.parent)]) == 0
    listed = capsys.readouterr().out
    assert "phantom" in listed
    assert "pneumoniamnist" in listed
    assert "60/20/20" in listed
    assert _run(["check", "--dataset", str(npz)]) == 0
    report = capsys.readouterr().out
    assert "train: 60 (" in report
    assert "fingerprint: " in report


def test_check_ends_with_what_to_type_next_and_a_verdict(capsys, npz, write_copies):
    assert _run(["check", "--dataset", str(npz)]) == 0
    *_, command, verdict = capsys.readouterr().out.splitlines()
    assert command.startswith(f"to train: coreset-lens train --dataset {npz} --model small_cnn")
    assert "60 training images" in command
    assert verdict == "verdict: Fit for training: nothing stands out."
    assert _run(["check", "--dataset", str(write_copies)]) == 0
    lines = capsys.readouterr().out.splitlines()
    copies = [line for line in lines if line.startswith("exact copy, for example: ")]
    assert copies[0].endswith("train-00003 (train), test-00000 (test)")
    assert len(copies) == 3
    assert not any(line.startswith("to train") for line in lines)


@pytest.fixture
def write_copies(tmp_path, tiny_dataset):
    """A file whose test images are all in train, from row 3 on."""
    parts = {part: getattr(tiny_dataset, part) for part in ("train", "val", "test")}
    arrays = {f"{part}_images": split.images for part, split in parts.items()}
    labels = {f"{part}_labels": split.labels for part, split in parts.items()}
    arrays["test_images"] = parts["train"].images[3:23]
    labels["test_labels"] = parts["train"].labels[3:23]
    np.savez(tmp_path / "copies.npz", **arrays, **labels)
    return tmp_path / "copies.npz"


@pytest.mark.parametrize("command", ["train", "runs", "stop", "logs", "score", "select", "rebuild"])
def test_every_command_has_help(capsys, command):
    assert _run([command, "--help"]) == 0
    assert "--cache" in capsys.readouterr().out


def test_the_installed_command_prints_one_line_and_ends_with_2(subprocess_environment, tmp_path):
    code = "from coreset_lib.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "logs", "nothing", "--cache", str(tmp_path)],
        env=subprocess_environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("coreset-lens: run 'nothing' was not found")
    assert len(done.stderr.splitlines()) == 1
