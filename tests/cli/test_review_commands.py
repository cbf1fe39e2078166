"""Label decisions on the command line: from a decision to a run with corrected labels."""

import json

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from coreset_lib.cli import _run
from coreset_lib.datasets import load_dataset
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.records import Decision
from coreset_lib.review.store import open_reviews
from coreset_lib.review.suspicion import queue_of_run
from coreset_lib.runs.store import RunStore

TRAINING = ("--model", "small_cnn", "--epochs", 2, "--batch-size", 16, "--device", "cpu")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv("CORESET_LENS_REVIEW_DB", raising=False)
    monkeypatch.setenv("CORESET_LENS_READER", "ada")
    return tmp_path / "cache"


@pytest.fixture
def lens(capsys, cache):
    """Run a command and return (exit status, what it printed, what it complained about)."""

    def run(*arguments):
        code = _run([*map(str, arguments), "--cache", str(cache)])
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return code, printed.out, printed.err

    return run


@pytest.fixture
def run(make_run, cache):
    return make_run(cache)


@pytest.fixture
def readers(lens, run):
    """An admin, a reader and a second reader, added as a person would."""
    for arguments in (("ada", "admin"), ("rita", "reader"), ("sam", "second_reader")):
        assert lens("review", "users", "--add", arguments[0], "--role", arguments[1])[0] == 0


@pytest.fixture
def decide(cache, run, readers):
    """Return ``decide(reader, row, label) -> Event``."""

    def decide(reader, row, label, action="relabel", target=None):
        dataset = ReviewedDataset.of_run(run)
        decision = Decision(
            reader=reader,
            sample_id=dataset.sample_ids[row],
            action=action,
            label=label,
            fingerprint=dataset.fingerprint,
            target=target,
            reason="because",
            confidence=4,
        )
        with open_reviews(cache) as store:
            return store.decide(dataset, decision)

    return decide


def another(run, row):
    names = run.manifest.dataset.class_names
    return names[(run.labels()[row] + 1) % len(names)]


@pytest.fixture
def settled(decide, run):
    """Sample 0 is changed and confirmed, 1 proposed, 2 kept."""
    proposal = decide("rita", 0, another(run, 0))
    decide("sam", 0, None, "confirm", proposal.id)
    decide("rita", 1, another(run, 1))
    decide("rita", 2, None, "keep")
    return run


def test_readers_are_listed_with_their_roles(lens, readers):
    lines = lens("review", "users")[1].splitlines()
    assert [line.split() for line in lines] == [
        ["admin", "ada"],
        ["reader", "rita"],
        ["second_reader", "sam"],
    ]


def test_status_says_how_far_the_review_is(lens, settled):
    code, out, _ = lens("review", "status", "latest")
    assert code == 0
    assert "labels given: 3; changed labels need a second reader" in out
    assert "labels changed for good: 1" in out


def test_the_export_is_the_database_and_can_be_rebuilt(lens, settled, tmp_path):
    out = tmp_path / "corrected.csv"
    code, printed, _ = lens("review", "export", "latest", "--out", out)
    assert code == 0
    assert "2 labels, 1 of them changed" in printed
    table = pd.read_csv(out, dtype=str, keep_default_na=False)
    assert list(table["sample_id"]) == ["train-00000", "train-00002"]
    first = table.iloc[0]
    assert (first["who"], first["why"], first["status"]) == ("rita", "because", "confirmed")
    assert (first["confidence"], first["second_reader"]) == ("4", "sam")
    assert first["new"].removeprefix("'") == another(settled, 0)
    provenance = json.loads((tmp_path / "corrected.provenance.json").read_text())
    assert provenance["kind"] == "labels"
    assert lens("rebuild", out)[1].startswith(f"{out}: same")
    assert "exported" in lens("review", "status", "latest")[1]


def test_a_later_decision_does_not_change_what_was_exported(lens, settled, decide, tmp_path):
    out = tmp_path / "corrected.csv"
    lens("review", "export", "latest", "--out", out, "--include", "all")
    assert pd.read_csv(out)["status"].tolist() == ["confirmed", "proposed", "confirmed"]
    decide("rita", 3, None, "keep")
    assert lens("rebuild", out)[1].startswith(f"{out}: same")


@pytest.mark.usefixtures("without_umap")
def test_training_with_corrected_labels_is_recorded_and_resumes(
    lens, cache, tmp_path, tiny_dataset, save_npz, run
):
    npz = save_npz(tmp_path / "tiny.npz", tiny_dataset)
    classes = load_dataset(str(npz)).class_names
    name = classes[(tiny_dataset.train.labels[4] + 1) % 3]
    table = tmp_path / "corrected.csv"
    table.write_text(f"sample_id,new\ntrain-00004,{name}\n")
    code, printed, err = lens("train", "--dataset", npz, *TRAINING, "--labels", table)
    assert code == 0, err
    assert f"{table}: 1 labels used\n" in printed
    trained = RunStore(cache).find("latest")
    assert trained.labels()[4] == classes.index(name)
    assert len(trained.manifest.config["labels"]) == 64
    assert trained.manifest.dataset.fingerprint != run.manifest.dataset.fingerprint
    table.unlink()  # the run has its own copy
    status = json.loads(trained.paths.status.read_text())
    trained.paths.status.write_text(json.dumps(status | {"state": "stopped"}))
    assert lens("train", "--resume", "latest")[0] == 0


def test_a_diff_names_the_classes_that_change(lens, settled, tmp_path):
    out = tmp_path / "diff.csv"
    code, printed, _ = lens("review", "diff", "latest", "--out", out)
    assert code == 0
    assert "1 of 60 labels change" in printed
    assert printed.count("class ") == 2
    assert len(pd.read_csv(out)) == 1
    export = tmp_path / "corrected.csv"
    lens("review", "export", "latest", "--out", export)
    same = lens("review", "diff", "latest", "--labels", export)[1]
    said = printed.replace(f"{out}: 1 rows\n", "")
    assert same == "corrected.csv: 2 labels used\n" + said


def test_a_diff_refuses_a_table_that_training_would_refuse(lens, run, tmp_path):
    table = tmp_path / "twice.csv"
    first, second = run.manifest.dataset.class_names[:2]
    table.write_text(f"sample_id,new\ntrain-00004,{first}\ntrain-00004,{second}\n")
    code, printed, err = lens("review", "diff", "latest", "--labels", table)
    assert (code, printed) == (2, "")
    assert "line 3 of twice.csv: sample train-00004 has two labels" in err


def test_decisions_made_elsewhere_come_in_once_and_with_their_conflicts(
    lens, settled, run, tmp_path
):
    kept, new = run.manifest.dataset.class_names[run.labels()[1]], another(run, 5)
    table = tmp_path / "elsewhere.csv"
    table.write_text(
        f"sample_id,new,who,when,why\ntrain-00005,{new},sam,2026-01-01,blurred\n"
        f"train-00001,{kept},sam,,\ntrain-00001,{kept},rita,,\n"
    )
    trial = lens("review", "import", "latest", table, "--trial")[1]
    assert "2 of 3 decisions would be recorded" in trial
    report = tmp_path / "report.csv"
    printed = lens("review", "import", "latest", table, "--report", report)[1]
    assert "2 of 3 decisions recorded" in printed
    assert pd.read_csv(report)["outcome"].tolist() == ["new", "conflict", "changed"]
    assert "conflict on train-00001" in lens("review", "status", "latest")[1]
    again = lens("review", "import", "latest", table)[1]
    assert "0 of 3 decisions recorded" in again


def test_the_queue_says_how_many_of_each_class_are_suspect(lens, run, tmp_path):
    out = tmp_path / "queue.csv"
    code, told, warned = lens("review", "queue", "latest", "--out", out, "--per-class")
    assert code == 0
    table = pd.read_csv(out)
    is_other = table["suggested_class"] != table["class_name"]
    assert is_other[table["suspect"]].all()
    queue = queue_of_run(run)
    np.testing.assert_array_equal(table["suspect"], queue.is_suspect[table["index"]])
    np.testing.assert_allclose(table["chance_wrong"], queue.chance_wrong[table["index"]], atol=1e-3)
    assert table["suggested_because"].notna().tolist() == is_other.tolist()
    for name, rows in table.groupby("class_name"):
        count = f"{rows['suspect'].sum()} of {len(rows)} {name.lstrip(chr(39))}"
        assert rows["suspects_in_class"].unique().tolist() == [count]
        assert count in told
        assert (count in warned) == (rows["suspect"].mean() > 0.25)
        assert rows["suspicion"].is_monotonic_decreasing
    assert len(set(table["class_name"][:3])) == 3
    assert "of the 60 most suspicious are expected to be wrong" in told


def test_the_queue_is_written_with_its_reasons(lens, run, tmp_path):
    out = tmp_path / "queue.csv"
    assert lens("review", "queue", "latest", "--out", out)[0] == 0
    table = pd.read_csv(out)
    assert table["suspicion"].is_monotonic_decreasing
    assert table["place"].tolist() == list(range(1, 61))
    assert table["reasons"].notna().any()


def test_rules_are_an_admins_to_change(lens, run, readers):
    assert "relabel" in lens("review", "rules", "latest")[1]
    assert "always" in lens("review", "rules", "latest", "--second-reading", "always")[1]
    assert "budget: 40" in lens("review", "rules", "latest", "--budget", 40)[1]
    code, _, err = lens("review", "rules", "latest", "--budget", 4, "--as", "rita")
    assert code == 2
    assert "to set rules one must be admin" in err


def test_whoever_gives_a_name_is_said_and_kept_in_the_trail(
    lens, run, cache, readers, tmp_path, monkeypatch
):
    monkeypatch.setattr("getpass.getuser", lambda: "mallory")
    table = tmp_path / "table.csv"
    kept = run.manifest.dataset.class_names[run.labels()[0]]
    table.write_text(f"sample_id,new,who\n{run.samples()['sample_id'][0]},{kept},rita\n")
    told = "recorded under ada, as given by the account mallory"
    for arguments in (
        ("review", "import", "latest", table, "--as", "ada"),
        ("review", "rules", "latest", "--budget", 4, "--as", "ada"),
        ("review", "users", "--add", "nora", "--role", "reader", "--as", "ada"),
        ("review", "export", "latest", "--out", tmp_path / "out.csv", "--as", "ada"),
    ):
        code, _, err = lens(*arguments)
        assert (code, told in err) == (0, True), arguments
    fingerprint = run.manifest.dataset.fingerprint
    signed = "ada (account mallory)"
    with open_reviews(cache) as store:
        (event,) = store.events(fingerprint)
        assert (event.reader, event.recorded_by) == ("rita", signed)
        assert [export.exported_by for export in store.exports(fingerprint)] == [signed]
        with store.engine.connect() as connection:
            for column in ("granted_by FROM grants", "set_by FROM rules"):
                query = text(f"SELECT {column} ORDER BY id DESC LIMIT 1")
                assert connection.execute(query).scalar() == signed
        assert "nora" in store.readers()
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    _, _, err = lens("review", "rules", "latest", "--budget", 5)
    assert "recorded under" not in err


def test_upgrade_says_what_it_did(lens):
    assert "is new, schema 0002" in lens("review", "upgrade")[1]
    assert "is up to date, schema 0002" in lens("review", "upgrade")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("review", "export", "latest", "--out", "x.csv"), "nobody has decided on a label"),
        (("review", "export", "latest", "--out", "x.csv", "--include", "some"), "include must be"),
        (("review", "import", "latest", "absent.csv"), "No such file"),
        (("review", "users", "--add", "eve"), "users must get --add and --role"),
        (("review", "users", "--add", "eve", "--role", "king"), "role must be one of"),
        (("review", "users", "--add", "x", "--role", "reader", "--as", "eve"), "'eve' is not"),
        (("review", "rules", "latest", "--budget", "-3"), "budget must be"),
        (("review", "status", "nothing"), "run 'nothing' was not found"),
        (("review", "status", "latest", "--database", "mysql://x/y"), "must be of SQLite or"),
        (("train", "--dataset", "phantom", "--labels", "absent.csv"), "No such file"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(lens, run, readers, arguments, message):
    code, _, err = lens(*arguments)
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("train-00001,lung,rita,", "label must be one of"),
        ("nothing,kidney,rita,", "sample 'nothing' is not in the training split"),
        ("train-00001,kidney,eve,", "'eve' is not among the readers"),
        ("train-00001,kidney,,", "names no reader"),
        ("train-00001,kidney,rita,9", "confidence must be from 1 to 5"),
    ],
)
def test_an_import_with_a_wrong_row_records_nothing(lens, run, readers, tmp_path, row, message):
    table = tmp_path / "elsewhere.csv"
    table.write_text(f"sample_id,new,who,confidence\ntrain-00000,kidney,rita,3\n{row}\n")
    code, _, err = lens("review", "import", "latest", table)
    assert code == 2
    assert "nothing was recorded: 1 rows" in err
    assert message in err
    assert "labels given: 0" in lens("review", "status", "latest")[1]
