"""Arrays in files are read as NumPy reads them, and a file that shrinks is an error to catch."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coreset_lib.errors import DamagedRunError
from coreset_lib.runs.reading import open_array, open_plane
from coreset_lib.stored_array import StoredArray

FORMS = ((7,), (6, 300), (5, 40, 3), (0, 4), (4, 0))


@pytest.fixture(scope="module", params=FORMS, ids=str)
def stored(request, tmp_path_factory):
    """A stored array and what it holds."""
    values = np.random.default_rng(0).normal(size=request.param).astype(np.float32)
    path = tmp_path_factory.mktemp("stored") / "plane.npy"
    np.save(path, values)
    return StoredArray(path), values


@given(data=st.data())
def test_every_part_is_what_numpy_gives(stored, data):
    array, values = stored
    rows = st.slices(len(values))
    if len(values):
        rows |= st.integers(-len(values), len(values) - 1)
    row = data.draw(rows)
    np.testing.assert_array_equal(np.asarray(array[row]), values[row])
    first = data.draw(st.integers(0, len(values)))
    np.testing.assert_array_equal(np.asarray(array[first:]), values[first:])
    if values.ndim > 1:
        cells = data.draw(st.slices(values.shape[1]))
        np.testing.assert_array_equal(array[row, cells], values[row, cells])
        np.testing.assert_array_equal(array[first:][:, cells], values[first:][:, cells])
    if values.ndim > 1 and values.size:
        numbers = st.lists(st.integers(0, values.shape[1] - 1), min_size=1, max_size=9)
        picked = np.array(data.draw(numbers))
        np.testing.assert_array_equal(array[:, picked], values[:, picked])
        few = np.ix_(np.arange(len(values))[::2], picked)
        np.testing.assert_array_equal(array[few], values[few])


def test_whole_arrays_and_iteration_agree(stored):
    array, values = stored
    np.testing.assert_array_equal(np.asarray(array), values)
    for got, expected in zip(array, values, strict=True):
        np.testing.assert_array_equal(got, expected)
    assert (array.shape, array.dtype, len(array)) == (values.shape, values.dtype, len(values))


def test_arithmetic_and_methods_are_those_of_an_array(stored):
    array, values = stored
    np.testing.assert_array_equal(array > 0.5, values > 0.5)
    np.testing.assert_array_equal(1 - array[1:], 1 - values[1:])
    np.testing.assert_array_equal(array + array, values + values)
    np.testing.assert_array_equal(np.abs(array), np.abs(values))
    assert array.astype(np.float64).dtype == np.float64
    assert array.sum() == values.sum()
    assert array.size == values.size
    assert array.T.shape == values.T.shape
    assert array.tolist() == values.tolist()
    with pytest.raises(AttributeError):
        array.nonsense  # noqa: B018


def test_copies_and_pickles_of_a_stored_array_read_the_same_file(stored):
    array, values = stored
    for other in (copy.copy(array), copy.deepcopy(array), pickle.loads(pickle.dumps(array))):
        np.testing.assert_array_equal(np.asarray(other), values)


def test_a_file_that_shrinks_while_it_is_open_is_a_damaged_run(tmp_path):
    path = tmp_path / "run" / "dynamics" / "margin.npy"
    path.parent.mkdir(parents=True)
    np.save(path, np.zeros((50, 4000), np.float32))
    plane = open_plane(path)[10:]
    assert plane[:, 5:9].shape == (40, 4)
    whole = path.read_bytes()
    for length in (len(whole) - 1, 4096, 60, 0):
        with path.open("r+b") as file:
            file.truncate(length)
        for read in (lambda: plane[-1], lambda: np.asarray(plane), lambda: plane[:, 1:2]):
            with pytest.raises(DamagedRunError, match=r"run run is damaged: margin\.npy .*numbers"):
                read()
    path.write_bytes(whole)
    assert plane[-1].shape == (4000,)


@pytest.mark.parametrize("cut", [0, 3, 9, 40, 127, 128, 200])
def test_a_cut_file_is_damaged(tmp_path, cut):
    path = tmp_path / "umap.npy"
    np.save(path, np.zeros((30, 2)))
    path.write_bytes(path.read_bytes()[:cut])
    for read in (open_array, open_plane):
        with pytest.raises(DamagedRunError):
            read(path)


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (3, ",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), '''",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999999999999,), }",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        b"{'descr': 'zz', 'fortran_order': False, 'shape': (1,), }",
        b"\xff\xfe\x00(((((",
        b"(" * 60,
    ],
)
def test_a_damaged_header_is_a_damaged_file(tmp_path, header):
    path = tmp_path / "umap.npy"
    filled = header.ljust(117) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(filled).to_bytes(2, "little") + filled + bytes(64))
    for read in (open_array, open_plane):
        with pytest.raises(DamagedRunError, match=r"umap\.npy cannot be used"):
            read(path)


VICTIM = """
import sys
from pathlib import Path
from coreset_lib.errors import DamagedRunError
from coreset_lib.runs.store import Run, RunPaths
dynamics = Run(RunPaths(Path(sys.argv[1]))).dynamics()
for file in Path(sys.argv[1], "dynamics").glob("*.npy"):
    file.open("r+b").truncate(256)
for name in dynamics.planes:
    for read in (lambda: list(dynamics.blocks((name,))), lambda: dynamics.histories(name, [0])):
        try:
            read()
        except DamagedRunError:
            print("damaged")
"""


def test_truncated_planes_leave_the_process_alive(make_run, tmp_path):
    run = make_run(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", VICTIM, str(run.paths.root)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["damaged"] * 2 * len(run.manifest.planes)
