"""The recorder against the definitions, one sample at a time, and the files it fills."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from coreset_lib.dynamics import not_recorded
from coreset_lib.errors import DamagedRunError
from coreset_lib.recording import recorder as recorder_module
from coreset_lib.recording.recorder import DynamicsRecorder, PlaneFiles, prediction_dtype
from coreset_lib.runs.paths import RunPaths


def planes_by_loops(logits, label):
    """docs/methods.md for one sample, with Python's floats."""
    biggest = max(logits)
    exponentials = [math.exp(value - biggest) for value in logits]
    p = [value / sum(exponentials) for value in exponentials]
    error = [value - (k == label) for k, value in enumerate(p)]
    return {
        "error_norm": math.sqrt(sum(value**2 for value in error)),
        "label_probability": p[label],
        "margin": p[label] - max(value for k, value in enumerate(p) if k != label),
        "entropy": -sum(value * math.log(value) for value in p if value > 0),
    }


def recorded(logits, labels, **options):
    recorder = DynamicsRecorder(
        torch.as_tensor(labels), len(logits[0]), keep_probabilities=True, **options
    )
    recorder.record(torch.arange(len(labels)), torch.as_tensor(logits, dtype=torch.float32))
    return recorder.finish_epoch()


@settings(deadline=None, max_examples=60)
@given(
    st.integers(2, 5).flatmap(
        lambda n: st.tuples(
            st.lists(
                st.lists(
                    st.floats(-60, 60, width=32, allow_subnormal=False), min_size=n, max_size=n
                ),
                min_size=1,
                max_size=5,
            ),
            st.integers(0, n - 1),
        )
    )
)
def test_planes_equal_the_definitions(case):
    logits, label = case
    rows = recorded(logits, [label] * len(logits))
    for sample, values in enumerate(logits):
        for name, expected in planes_by_loops(values, label).items():
            assert rows[name][sample] == pytest.approx(expected, abs=1e-6), name
        assert rows["prediction"][sample] == int(np.argmax(values))
    assert (rows["error_norm"] >= 0).all()
    assert (rows["error_norm"] <= math.sqrt(2) + 1e-6).all()


def test_planes_have_the_agreed_types():
    rows = recorded([[1.0, 0.0]], [0])
    floats = ("error_norm", "label_probability", "margin", "entropy")
    assert all(rows[name].dtype == np.float32 for name in floats)
    assert rows["prediction"].dtype == np.uint8
    assert rows["probabilities"].dtype == np.float16
    assert rows["probabilities"].shape == (1, 2)


def test_many_classes_take_a_wider_prediction_with_room_for_the_sentinel():
    assert prediction_dtype(255) == np.uint8
    assert prediction_dtype(256) == np.uint16
    logits = np.zeros((2, 300), np.float32)
    logits[0, 299] = logits[1, 255] = 1
    assert recorded(logits, [0, 0])["prediction"].tolist() == [299, 255]


def test_a_sample_that_was_not_recorded_is_nan_with_a_sentinel():
    recorder = DynamicsRecorder(torch.tensor([0, 1, 1]), 2, keep_probabilities=True)
    recorder.record(torch.tensor([2, 0]), torch.tensor([[0.0, 5.0], [5.0, 0.0]]))
    rows = recorder.finish_epoch()
    for name, values in rows.items():
        if name == "prediction":
            assert values.tolist() == [0, not_recorded(np.uint8), 1]
        else:
            assert np.isnan(values[1]).all(), name
            assert np.isfinite(values[[0, 2]]).all(), name


def test_an_overflown_logit_is_a_gap_in_every_plane():
    rows = recorded([[math.inf, 0.0], [0.0, math.inf], [1.0, 0.0]], [0, 0, 0])
    assert np.isnan(rows["error_norm"]).tolist() == [True, True, False]
    assert rows["prediction"].tolist() == [255, 255, 0]


def test_each_epoch_starts_with_nothing_recorded():
    recorder = DynamicsRecorder(torch.tensor([0, 1]), 2, keep_probabilities=False)
    recorder.record(torch.tensor([0, 1]), torch.zeros(2, 2))
    recorder.start_epoch()
    rows = recorder.finish_epoch()
    assert np.isnan(rows["error_norm"]).all()
    assert "probabilities" not in rows


def test_rows_do_not_depend_on_the_block_size(monkeypatch):
    logits = np.random.default_rng(0).normal(size=(11, 3))
    whole = recorded(logits, [0] * 11)
    monkeypatch.setattr(recorder_module, "BLOCK_LOGITS", 6)
    for name, values in recorded(logits, [0] * 11).items():
        np.testing.assert_array_equal(values, whole[name])


@pytest.fixture
def paths(tmp_path):
    paths = RunPaths(tmp_path / "a-run")
    paths.dynamics.mkdir(parents=True)
    return paths


def open_files(paths, **changes):
    sizes = {"n_epochs": 3, "n_samples": 4, "n_classes": 2} | changes
    return PlaneFiles(paths, ("error_norm", "prediction", "probabilities"), **sizes)


def rows_of(value):
    return {
        "error_norm": np.full(4, value, np.float32),
        "prediction": np.full(4, value, np.uint8),
        "probabilities": np.full((4, 2), value, np.float16),
    }


def test_plane_files_are_plain_npy_arrays_of_full_shape(paths):
    files = open_files(paths)
    files.write_epoch(1, rows_of(1))
    files.write_epoch(2, rows_of(2))
    error_norm = np.load(paths.plane("error_norm"))
    assert error_norm.dtype == np.float32
    assert error_norm.tolist() == [[0] * 4, [1] * 4, [2] * 4]
    assert np.load(paths.plane("prediction")).dtype == np.uint8
    assert np.load(paths.plane("probabilities")).shape == (3, 4, 2)


def test_a_resumed_run_keeps_the_rows_that_are_there(paths):
    open_files(paths).write_epoch(0, rows_of(5))
    open_files(paths, n_written=1).write_epoch(1, rows_of(6))
    assert np.load(paths.plane("error_norm"))[:2].tolist() == [[5] * 4, [6] * 4]


def test_a_run_from_the_start_makes_its_planes_anew(paths):
    paths.plane("error_norm").write_bytes(b"half a header")
    open_files(paths)
    assert np.load(paths.plane("error_norm")).shape == (3, 4)


@pytest.mark.parametrize("damage", ["missing", "truncated", "garbage", "shape", "type"])
def test_a_plane_that_lost_its_epochs_is_not_replaced_by_zeros(paths, damage):
    open_files(paths).write_epoch(0, rows_of(5))
    path = paths.plane("error_norm")
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-5])
    elif damage == "garbage":
        path.write_bytes(b"not an array")
    else:
        dtype = np.float64 if damage == "type" else np.float32
        np.save(path, np.zeros((3, 4 if damage == "type" else 5), dtype))
    with pytest.raises(DamagedRunError, match=r"run a-run is damaged: plane error_norm.npy must"):
        open_files(paths, n_written=1)


def test_rows_of_another_size_never_reach_the_file(paths):
    files = open_files(paths)
    with pytest.raises(AssertionError):
        files.write_epoch(0, rows_of(1) | {"error_norm": np.zeros(3, np.float32)})
