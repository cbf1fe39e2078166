"""A folder of images split into train, val and test."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from coreset_lib.errors import CoresetError
from coreset_lib.export.forms.folder import write_folder
from coreset_lib.export.rebuild import rebuild
from coreset_lib.runs.store import RunStore


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_torchvision_reads_the_coreset_and_the_whole_of_val_and_test(
    tmp_path, png_run, make_chosen
):
    from torchvision.datasets import ImageFolder

    chosen = make_chosen(png_run)
    out = tmp_path / "out"
    dataset = chosen.dataset
    assert write_folder(chosen, out) == len(chosen.indices) + len(dataset.val) + len(dataset.test)
    train = ImageFolder(out / "train")
    assert len(train) == len(chosen.indices)
    assert len(ImageFolder(out / "val")) == len(dataset.val)
    assert len(ImageFolder(out / "test")) == len(dataset.test)
    for place in files_below(out / "train"):
        name = place.rsplit("/", 1)[-1].removesuffix(".png").rsplit("_", 1)[-1]
        (source,) = (tmp_path / "images").rglob(f"{name}.png")
        assert (out / "train" / place).read_bytes() == source.read_bytes()


def test_the_list_beside_names_every_file_with_its_label(tmp_path, png_run, make_chosen):
    chosen = make_chosen(png_run)
    out = tmp_path / "out"
    write_folder(chosen, out)
    table = pd.read_csv(out / "samples.csv", keep_default_na=False)
    train = table[table["split"] == "train"]
    assert [name.removeprefix("'") for name in train["sample_id"]] == [
        row["sample_id"].removeprefix("'") for row in chosen.rows
    ]
    assert {"'=liver", "kidney"} == set(table["class_name"])
    assert all((out / file).is_file() for file in table["file"])
    training = json.loads((out / "datalist.json").read_text())["training"]
    assert [item["label"] for item in training] == [row["label"] for row in chosen.rows]
    assert all((out / item["image"]).is_file() for item in training)


def test_the_table_in_it_is_rebuilt(tmp_path, png_run, make_chosen):
    chosen = make_chosen(png_run)
    write_folder(chosen, tmp_path / "out")
    store = RunStore(png_run.paths.cache)
    assert rebuild(tmp_path / "out" / f"{chosen.name}.csv", store)[1]


def test_links_lead_to_the_images_themselves(tmp_path, png_run, make_chosen):
    out = tmp_path / "out"
    write_folder(make_chosen(png_run), out, links=True)
    links = list((out / "train").rglob("*.png"))
    assert links
    assert all(path.is_symlink() for path in links)
    assert all(os.path.realpath(path).startswith(str(tmp_path / "images")) for path in links)


def test_rows_of_an_array_become_pictures(tmp_path, array_run, make_chosen):
    chosen = make_chosen(array_run)
    out = tmp_path / "out"
    write_folder(chosen, out)
    table = pd.read_csv(out / "samples.csv").query("split == 'train'")
    for file, index in zip(table["file"], chosen.indices, strict=True):
        pixels = np.asarray(Image.open(out / file))
        np.testing.assert_array_equal(pixels, chosen.dataset.train.images[index])


def test_volumes_with_any_number_of_labels_become_arrays(tmp_path, label_run, make_chosen):
    chosen = make_chosen(label_run)
    out = tmp_path / "out"
    write_folder(chosen, out)
    items = json.loads((out / "datalist.json").read_text())["training"]
    split = chosen.dataset.train
    for item, index in zip(items, chosen.indices.tolist(), strict=True):
        np.testing.assert_array_equal(np.load(out / item["image"]), split.images[index])
        assert item["label"] == split.multi_hot[index].tolist()
    labels = pd.read_csv(out / "samples.csv", keep_default_na=False)["labels"]
    assert "top; middle" in set(labels)


def test_a_folder_with_files_is_refused(tmp_path, png_run, make_chosen):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("all my work")
    with pytest.raises(CoresetError, match=r"must be empty"):
        write_folder(make_chosen(png_run), out)
    assert files_below(out) == ["thesis.tex"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path, png_run, make_chosen):
    (tmp_path / "out").write_text("")
    for out in (tmp_path / "out", tmp_path / "out" / "below"):
        with pytest.raises(CoresetError, match=r"must be a folder that can be written"):
            write_folder(make_chosen(png_run), out)


def test_images_that_are_gone_are_told(tmp_path, png_run, make_chosen):
    chosen = make_chosen(png_run)
    _ = chosen.dataset
    for path in (tmp_path / "images").rglob("*.png"):
        path.unlink()
    with pytest.raises(CoresetError, match=r"image .* cannot be read: No such file"):
        write_folder(chosen, tmp_path / "out")


def test_images_that_changed_are_told(tmp_path, png_run, make_chosen):
    chosen = make_chosen(png_run)
    _ = chosen.dataset
    for path in (tmp_path / "images").rglob("*.png"):
        path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(CoresetError, match=r"has changed since it was prepared"):
        write_folder(chosen, tmp_path / "out")
