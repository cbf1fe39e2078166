"""Every mistake of a user: exit 2, one line on stderr, nothing written."""

import socket

import numpy as np
import pytest

from coreset_lib.cli import _run
from coreset_lib.runs.store import RunStore


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def refused(capsys, cache):
    """Run a command that must be refused and return its one line."""

    def run(*arguments, cache_option=True):
        cache_arguments = ["--cache", str(cache)] if cache_option else []
        code = _run([*map(str, arguments), *cache_arguments])
        printed = capsys.readouterr()
        assert code == 2, printed
        assert printed.out == ""
        assert len(printed.err.splitlines()) == 1, printed.err
        assert printed.err.startswith("coreset-lens: ")
        assert "Traceback" not in printed.err
        return printed.err

    return run


@pytest.fixture
def run(cache, make_run):
    return make_run(cache, epochs=8)


def npz_with(path, dataset, **changes):
    """Write the dataset with some arrays replaced, or left out where None."""
    arrays = {}
    for part in ("train", "val", "test"):
        split = getattr(dataset, part)
        arrays[f"{part}_images"] = split.images
        arrays[f"{part}_labels"] = split.labels[:, None].astype(np.int64)
    arrays = {k: v for k, v in (arrays | changes).items() if v is not None}
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("command", ["train", "check"])
def test_an_unknown_dataset_is_answered_with_what_there_is(refused, command):
    line = refused(command, "--dataset", "pneumoniamnst", cache_option=command == "train")
    assert "Did you mean pneumoniamnist" in line
    assert "phantom" in line


@pytest.mark.parametrize("name", ["gone.npz", "x" * 400, ""])
def test_an_absent_file_is_named(refused, tmp_path, name):
    refused("train", "--dataset", tmp_path / name if name else "")


def test_an_absent_data_root_is_named(refused, tmp_path):
    line = refused("train", "--dataset", "breastmnist", "--data-root", tmp_path / "nowhere")
    assert "nowhere" in line


def test_a_truncated_file_is_refused(refused, tmp_path, tiny_dataset):
    path = npz_with(tmp_path / "half.npz", tiny_dataset)
    path.write_bytes(path.read_bytes()[:-2000])
    assert "half.npz" in refused("train", "--dataset", path)


def test_a_file_that_is_no_archive_is_refused(refused, tmp_path):
    path = tmp_path / "text.npz"
    path.write_text("not an archive")
    assert "text.npz" in refused("train", "--dataset", path)


@pytest.mark.parametrize(
    "changes",
    [
        {"train_images": None},
        {"train_labels": None},
        {"train_labels": np.full((60, 1), -1)},
        {"train_labels": np.zeros((60, 1), np.int64)},
        {"train_labels": np.zeros((59, 1), np.int64)},
        {"train_labels": np.zeros((60, 2, 2), np.int64)},
        {"train_labels": np.full((60, 1), 0.5)},
        {"train_images": np.zeros((60, 12, 12), np.float32)},
        {"train_images": np.zeros((60, 12), np.uint8)},
        {"val_images": np.zeros((0, 12, 12), np.uint8), "val_labels": np.zeros((0, 1), np.int64)},
    ],
    ids=lambda changes: "-".join(f"{k}={np.shape(v)}" for k, v in changes.items()),
)
def test_a_file_of_another_form_is_refused(refused, tmp_path, tiny_dataset, cache, changes):
    path = npz_with(tmp_path / "odd.npz", tiny_dataset, **changes)
    refused("train", "--dataset", path, "--epochs", 1, "--model", "small_cnn")
    assert RunStore(cache).runs() == []


def test_labels_beyond_the_classes_of_a_known_set_are_refused(refused, tmp_path, tiny_dataset):
    npz_with(tmp_path / "pneumoniamnist.npz", tiny_dataset)
    line = refused("train", "--dataset", "pneumoniamnist", "--data-root", tmp_path)
    assert "labels" in line


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--epochs", 0, "epochs must be from 1"),
        ("--batch-size", 1, "batch size must be from 2"),
        ("--lr", 0, "learning rate must be a finite number above 0"),
        ("--lr", "nan", "learning rate must be a finite number"),
        ("--seed", -1, "seed must be from 0"),
        ("--model", "resnet9000", "model must be one of small_cnn, resnet18"),
        ("--device", "abacus", "device must be auto, cpu"),
        ("--device", "cuda:98", "device must be present, got cuda:98"),
        ("--precision", "half", "precision must be one of auto, float32, bfloat16"),
        ("--recording", "twice", "recording must be one of minibatch, eval_pass"),
        ("--image-size", 29, "image size must be one of 28"),
        ("--epochs", "many", "--epochs"),
        ("--colour", "red", "--colour"),
    ],
)
def test_a_wrong_training_option_is_refused_before_a_run_is_made(
    refused, cache, option, value, message
):
    assert message in refused("train", "--dataset", "phantom", option, value)
    assert not cache.exists()


@pytest.mark.parametrize(
    ("early", "late", "message"),
    [
        ("1-4", "4-6", "early window must end before the late window begins"),
        ("1-2", "7-9", "late window must lie within the 8 recorded epochs"),
        ("9-9", "10-11", "early window must lie within the 8 recorded epochs"),
        ("4-3", "5-6", "window must hold at least one epoch"),
        ("", "5-6", "window must look like first-last"),
        ("one-two", "5-6", "window must look like first-last"),
    ],
)
@pytest.mark.usefixtures("run")
def test_wrong_windows_are_refused(refused, tmp_path, early, late, message):
    out = tmp_path / "out.csv"
    windows = ("--early", early, "--late", late, "--out", out)
    assert message in refused("score", "latest", *windows)
    assert message in refused("select", "latest", "--rate", "0.1", *windows)
    assert not out.exists()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--rate", 0, "selection rate must be in (0, 1], got 0"),
        ("--rate", 5, "For 5 % write 0.05."),
        ("--rate", "nan", "selection rate must be in (0, 1], got nan"),
        ("--rate", "half", "--rate"),
        ("--noise-cut", 1, "noise cut must be at least 0 and below 1"),
        ("--balance", "fair", "balance must be one of"),
        ("--strategy", "best", "strategy must be one of"),
        ("--score", "eva9", "score must be one of"),
        ("--option", "early", "must look like name=value"),
        ("--option", "colour=red", "no option 'colour'"),
        ("--seed", -1, "seed must be from 0"),
    ],
)
@pytest.mark.usefixtures("run")
def test_wrong_choices_are_refused(refused, tmp_path, option, value, message):
    rate = () if option == "--rate" else ("--rate", 0.1)
    line = refused("select", "latest", *rate, option, value, "--out", tmp_path / "out.csv")
    assert message in line
    assert not list(tmp_path.glob("out*"))


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("command", ["score", "select", "logs", "stop"])
def test_an_unknown_run_is_named(refused, tmp_path, command):
    more = {
        "score": ("--out", tmp_path / "o.csv"),
        "select": ("--rate", 0.1, "--out", tmp_path / "o.csv"),
    }
    line = refused(command, "1999", *more.get(command, ()))
    assert "run '1999' was not found. The newest runs are" in line


@pytest.mark.parametrize("file", ["manifest.json", "status.json", "dynamics/error_norm.npy"])
def test_a_damaged_run_is_told(refused, run, tmp_path, file):
    (run.paths.root / file).write_bytes(b"garbage")
    line = refused("score", "latest", "--out", tmp_path / "o.csv")
    assert f"run {run.run_id} is damaged" in line


def test_a_run_without_an_epoch_has_nothing_to_score(refused, cache, make_run, tmp_path):
    make_run(cache, recorded=0)
    assert "at least one complete epoch" in refused("score", "latest", "--out", tmp_path / "o.csv")


def test_a_finished_run_cannot_be_stopped(refused, run):
    assert "must be queued or running to be stopped" in refused("stop", run.run_id)


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("out", ["nowhere/o.csv", "folder", ".", "/dev/null", "/proc/o.csv"])
def test_an_output_that_cannot_be_written_is_named(refused, tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert (
        "must be a file" in (line := refused("select", "latest", "--rate", 0.1, "--out", out))
        or "cannot be written" in line
    )


def test_a_cache_that_is_a_file_is_told(refused, cache):
    cache.write_text("mine")
    options = ("--model", "small_cnn", "--epochs", 1, "--device", "cpu")
    assert "cannot be written" in refused("train", "--dataset", "phantom", *options)


@pytest.mark.parametrize("lines", [0, -3])
def test_a_wrong_number_of_lines_is_refused(refused, run, lines):
    assert "--lines must be at least 1" in refused("logs", run.run_id, "--lines", lines)


@pytest.mark.parametrize("command", ["demo", "dashboard"])
def test_a_busy_port_is_told_before_anything_is_started(refused, command, cache):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refused(command, "--port", port, "--no-browser")
    assert f"port {port} cannot be used" in line
    assert not cache.exists()


def test_a_port_out_of_range_is_told(refused):
    assert "--port must be from 1 to 65535" in refused("dashboard", "--port", 70000)


@pytest.mark.parametrize("arguments", [["selekt"], ["score"], ["select", "latest"]])
def test_wrong_usage_is_one_line(refused, arguments):
    refused(*arguments, cache_option=False)


def test_a_csv_without_provenance_is_told(refused, tmp_path):
    assert "was not found" in refused("rebuild", tmp_path / "none.csv")
    (tmp_path / "bare.csv").write_text("index\n1\n")
    assert "bare.provenance.json was not found" in refused("rebuild", tmp_path / "bare.csv")
    refused("rebuild", ".")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--preset", "table1"), "--preset must be one of"),
        (("--preset", "eva-windows"), "at least 20 epochs, got 8"),
        (("--preset", "ducs", "--noise-cut", "0.3"), "decides --noise-cut itself"),
        (("--strategy", "best"), "--strategy must be one of"),
        (("--rates", "0.1,many"), "--rates must be numbers"),
        (("--rates", "0"), "rate must be"),
        (("--seeds", "0"), "seeds must be"),
        (("--early", "1-3"), "--late must be given too"),
        (("--early", "5-8", "--late", "1-4"), "no early window ends before a late one"),
    ],
)
def test_a_comparison_that_cannot_be_made_is_refused(refused, run, tmp_path, options, expected):
    out = tmp_path / "out.csv"
    assert expected in refused("evaluate", run.run_id, "--out", out, *options)
    assert not out.exists()


@pytest.mark.parametrize("command", ["vog", "features"])
def test_a_device_that_there_cannot_be_is_told(refused, run, command):
    assert "got 'CPU'" in refused(command, run.run_id, "--device", "CPU")


def test_a_device_file_is_no_table(refused):
    arguments = ("compare", "/dev/full", "/dev/full")
    assert "must be a file" in refused(*arguments, cache_option=False)
    assert "is a folder or device" in refused("train", "--dataset", "x", "--labels", "/dev/full")


def test_an_address_whose_port_is_no_number_is_told(refused):
    database = "postgresql://anna@server:notaport/reviews"
    assert "must be an address" in refused("review", "users", "--database", database)


def test_a_disk_that_is_full_after_the_work_is_told(refused, run, monkeypatch):
    def fill(*_, **__):
        raise OSError(28, "No space left on device", "scores.npy")

    monkeypatch.setattr("coreset_lib.workflows.export_scores", fill)
    said = refused("score", run.run_id, "--out", "core.csv")
    assert "the disk is full at scores.npy" in said


def test_the_review_database_is_not_replaced_by_an_output(refused, run, cache):
    review = cache / "review.sqlite3"
    review.write_bytes(b"SQLite format 3\0")
    said = refused("select", run.run_id, "--rate", 0.1, "--out", review)
    assert "must not replace what is kept in the cache" in said
    assert review.read_bytes() == b"SQLite format 3\0"


def test_an_output_is_refused_before_the_training(refused, run, tmp_path, monkeypatch):
    def train(*_, **__):
        raise AssertionError("it must not come to this")

    monkeypatch.setattr("coreset_lib.cli.evaluating._work", train)
    (tmp_path / "mine.csv").write_text("patient,diagnosis\n")
    for out in (tmp_path / "absent" / "r.csv", tmp_path, tmp_path / "mine.csv"):
        arguments = ("--strategy", "random", "--rates", 0.2, "--out", out)
        assert "output " in refused("evaluate", run.run_id, *arguments)
