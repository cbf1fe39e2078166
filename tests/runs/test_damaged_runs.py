"""Every file of a run missing, truncated, garbage or of the wrong shape: one sentence each."""

import json

import numpy as np
import pytest

from coreset_lib.errors import DamagedRunError


def name_damage(damage):
    """Return a short name for a case."""
    return f"{damage.dtype}{damage.shape}" if isinstance(damage, np.ndarray) else str(damage)


@pytest.fixture
def run(tmp_path, make_run):
    return make_run(tmp_path)


def open_all(run):
    """Do what a page does with a run."""
    run.manifest  # noqa: B018
    run.status()
    run.metrics()
    run.samples()
    run.dynamics()
    run.embedding()
    run.umap()


def check_damaged(run, file):
    with pytest.raises(DamagedRunError) as caught:
        open_all(run)
    message = str(caught.value)
    assert message.startswith(f"run {run.run_id} is damaged: {file} cannot be used (")
    assert "\n" not in message


def test_the_run_is_readable_before_it_is_damaged(run):
    open_all(run)


@pytest.mark.parametrize("file", ["manifest.json", "status.json", "samples.csv"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00garbage", b"[1, 2]", b'"text"'])
def test_a_record_that_is_missing_or_garbage_is_damage(run, file, content):
    path = run.paths.root / file
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    check_damaged(run, file)


@pytest.mark.parametrize("file", ["manifest.json", "status.json", "samples.csv"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.97])
def test_a_truncated_record_is_damage(run, file, share):
    path = run.paths.root / file
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    check_damaged(run, file)


def test_a_sample_table_cut_inside_its_last_cell_is_damage(run):
    path = run.paths.samples
    path.write_bytes(path.read_bytes()[:-3])
    check_damaged(run, "samples.csv")


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("manifest.json", {"schema_version": 0}),
        ("manifest.json", {"schema_version": None}),
        ("manifest.json", {"dataset": "tiny"}),
        ("manifest.json", {"planes": 7}),
        ("status.json", {"schema_version": 0}),
        ("status.json", {"state": "sleeping"}),
        ("status.json", {"epoch": -1}),
        ("status.json", {"epoch": "some"}),
        ("status.json", {"heartbeat": []}),
    ],
)
def test_a_record_with_a_wrong_field_is_damage(run, file, changes):
    path = run.paths.root / file
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    check_damaged(run, file)


def test_more_epochs_than_rows_are_damage(run):
    path = run.paths.status
    path.write_text(json.dumps(json.loads(path.read_text()) | {"epoch": 7}))
    with pytest.raises(DamagedRunError, match=r"error_norm.npy cannot be used"):
        run.dynamics()


@pytest.mark.parametrize("name", ["error_norm", "prediction", "probabilities"])
@pytest.mark.parametrize(
    "damage",
    [
        None,
        b"",
        b"garbage",
        "truncated",
        np.zeros((6, 59), np.float32),
        np.zeros(60, np.float32),
        np.zeros((6, 60, 2), np.float32),
        np.zeros((6, 60), np.complex64),
        np.zeros((6, 60), "U1"),
    ],
    ids=name_damage,
)
def test_a_plane_that_is_missing_or_of_another_form_is_damage(run, name, damage):
    path = run.paths.plane(name)
    content = path.read_bytes()
    path.unlink()
    if isinstance(damage, np.ndarray):
        np.save(path, damage)
    elif damage is not None:
        path.write_bytes(content[:-40] if damage == "truncated" else damage)
    check_damaged(run, f"{name}.npy")


@pytest.mark.parametrize(
    "labels",
    [
        np.zeros(59, np.int64),
        np.zeros((60, 1), np.int64),
        np.full(60, 3),
        np.full(60, -1),
        np.full(60, 0.5),
        np.full(60, "a"),
    ],
    ids=name_damage,
)
def test_labels_of_another_form_or_range_are_damage(run, labels):
    np.save(run.paths.labels, labels)
    check_damaged(run, "labels.npy")


def test_labels_come_from_the_table_where_their_twin_is_missing(run):
    expected = run.labels()
    run.paths.labels.unlink()
    assert run.labels().tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("column", "value"), [("label", "many"), ("label", "9"), ("label", "0.5"), ("index", "77")]
)
def test_a_wrong_cell_in_the_sample_table_is_damage(run, column, value):
    header, first, *rest = run.paths.samples.read_text().splitlines()
    cells = first.split(",")
    cells[header.split(",").index(column)] = value
    run.paths.samples.write_text("\n".join([header, ",".join(cells), *rest, ""]))
    check_damaged(run, "samples.csv")


@pytest.mark.parametrize("attribute", ["embedding", "umap"])
@pytest.mark.parametrize(
    "damage",
    [b"garbage", np.zeros((59, 2), np.float32), np.zeros(60), np.array(1.0)],
    ids=name_damage,
)
def test_an_embedding_of_another_form_is_damage(run, attribute, damage):
    path = getattr(run.paths, attribute)
    if isinstance(damage, bytes):
        path.write_bytes(damage)
    else:
        np.save(path, damage)
    check_damaged(run, path.name)


@pytest.mark.parametrize("tail", [b'{"epoch": 7', b"\xff\xfe", b"5\n", b"\n"])
def test_a_line_of_metrics_that_is_not_whole_is_left_out(run, tail):
    lines = run.paths.metrics.read_bytes().splitlines(keepends=True)
    run.paths.metrics.write_bytes(b"".join(lines[:4]) + tail)
    assert [record["epoch"] for record in run.metrics()] == [1, 2, 3, 4]


def test_metrics_of_an_epoch_that_is_not_complete_are_left_out(run):
    with run.paths.metrics.open("a") as file:
        file.write('{"epoch": 7}\n')
    assert len(run.metrics()) == 6


def test_pickled_objects_are_never_loaded(run):
    np.save(run.paths.plane("error_norm"), np.array([{"a": 1}], dtype=object), allow_pickle=True)
    check_damaged(run, "error_norm.npy")
