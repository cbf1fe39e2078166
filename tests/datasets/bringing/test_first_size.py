"""The image size to begin with, from a few originals."""

import pytest
from PIL import Image

from coreset_lib.datasets.bringing.first_size import size_for, usual_side
from coreset_lib.datasets.sources.choices import NO_CHOICES


def write(folder, side, names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (side, 2 * side)).save(path)


@pytest.mark.parametrize(
    ("side", "size"),
    [(0, 28), (111, 28), (112, 64), (255, 64), (256, 128), (512, 224), (9000, 224)],
)
def test_no_size_shrinks_by_four_or_more_where_one_suffices(side, size):
    assert size_for(side) == size


def test_originals_are_measured_in_folders_and_tables(tmp_path):
    write(tmp_path, 300, ["a/1.png", "b/2.png", "c/deep/3.png"])
    (tmp_path / "a" / "0.png").write_bytes(b"no image")
    assert usual_side(tmp_path, NO_CHOICES) == 300
    table = tmp_path / "list.csv"
    table.write_text("path,label\na/1.png,x\nb/2.png,y\ngone.png,x\n")
    assert usual_side(table, NO_CHOICES) == 300


def test_nothing_is_known_of_empty_folders_strange_tables_and_places_outside(tmp_path):
    assert usual_side(tmp_path, NO_CHOICES) == 0
    (tmp_path / "list.csv").write_text("x\n")
    assert usual_side(tmp_path / "list.csv", NO_CHOICES) == 0
    write(tmp_path / "images", 50, ["a/1.png"])
    assert usual_side(tmp_path / "images", NO_CHOICES, roots=[tmp_path / "other"]) == 0
