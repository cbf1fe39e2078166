"""Prepared images that are cut short while somebody looks at them."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from coreset_lib.datasets import load_dataset
from coreset_lib.datasets.preparing.stored_images import StoredImages
from coreset_lib.errors import DatasetError


@pytest.fixture
def saved(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (40, 6, 6, 3), dtype=np.uint8)
    path = tmp_path / "images.npy"
    np.save(path, values)
    return path, values


def test_every_part_is_what_numpy_gives(saved):
    path, values = saved
    images = StoredImages(path)
    rows = np.array([7, 3, 3, -1])
    for part in (slice(None), slice(4, 9), 5, rows, values[:, 0, 0, 0] > 100):
        np.testing.assert_array_equal(np.asarray(images[part]), values[part])
    np.testing.assert_array_equal(images[10:][rows], values[10:][rows])


def test_whoever_has_them_keeps_them_when_the_file_is_replaced_or_deleted(saved):
    path, values = saved
    images = StoredImages(path)
    path.unlink()
    np.testing.assert_array_equal(np.asarray(images[2:5]), values[2:5])


def test_another_process_opens_the_same_file(saved):
    path, values = saved
    again = pickle.loads(pickle.dumps(StoredImages(path)[3:]))
    np.testing.assert_array_equal(np.asarray(again), values[3:])


def test_a_file_that_was_cut_short_is_a_sentence(saved):
    path, _ = saved
    images = StoredImages(path)
    with path.open("r+b") as file:
        file.truncate(300)
    with pytest.raises(DatasetError, match=r"were damaged while they were in use .*prepares them"):
        images[39]


READ = """
import sys
from pathlib import Path
import numpy as np
from coreset_lib.datasets.preparing.prepared import read_prepared
from coreset_lib.errors import DatasetError

folder = Path(sys.argv[1])
images = read_prepared(folder).images
(file,) = folder.glob("images-*.npy")
with file.open("r+b") as opened:
    opened.truncate(0)
try:
    np.asarray(images)
except DatasetError:
    print("alive")
"""


def test_a_prepared_set_that_is_truncated_does_not_end_the_process(write_folder, cache):
    load_dataset(write_folder())
    (folder,) = [path for path in (cache / "prepared").iterdir() if path.is_dir()]
    done = subprocess.run([sys.executable, "-c", READ, str(folder)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr
