"""Every form, read back by the library that it is for."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from coreset_lib.export.forms.croissant import croissant_files
from coreset_lib.export.forms.fiftyone import fiftyone_file
from coreset_lib.export.forms.huggingface import huggingface_file
from coreset_lib.export.forms.indices import indices_file
from coreset_lib.export.forms.monai import monai_file

READER = Path(__file__).parent / "fiftyone_reader.py"


def test_pytorch_takes_the_indices(tmp_path, png_run, make_chosen):
    from torch.utils.data import Subset

    chosen = make_chosen(png_run)
    path = tmp_path / "indices.npy"
    path.write_bytes(indices_file(chosen))
    subset = Subset(png_run.labels(), np.load(path).tolist())
    assert [int(label) for label in subset] == [row["label"] for row in chosen.rows]


def test_hugging_face_selects_the_same_samples(tmp_path, png_run, make_chosen, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="needs Hugging Face datasets")
    datasets.disable_progress_bars()
    chosen = make_chosen(png_run)
    path = tmp_path / "coreset.jsonl"
    path.write_bytes(huggingface_file(chosen))
    rows = datasets.load_dataset(
        "json", data_files=str(path), split="train", cache_dir=str(tmp_path / "hf")
    )
    full = datasets.Dataset.from_dict({"sample_id": png_run.samples()["sample_id"].tolist()})
    assert full.select(rows["index"])["sample_id"][:] == rows["sample_id"][:]
    assert rows["index"][:] == chosen.indices.tolist()
    assert rows["class_name"][:] == [row["class_name"] for row in chosen.rows]
    assert "=liver" in set(rows["class_name"])


def test_every_line_for_hugging_face_is_strict_json(png_run, make_chosen):
    chosen = make_chosen(png_run)
    lines = huggingface_file(chosen).decode().splitlines()
    assert [json.loads(line)["index"] for line in lines] == chosen.indices.tolist()


@pytest.mark.filterwarnings("ignore")  # of the libraries under mlcroissant
def test_mlcroissant_reads_every_record(tmp_path, png_run, make_chosen, caplog):
    mlcroissant = pytest.importorskip("mlcroissant")
    chosen = make_chosen(png_run)
    for name, content in croissant_files(chosen).items():
        (tmp_path / name).write_bytes(content)
    found = mlcroissant.Dataset(str(tmp_path / "croissant.json"))
    assert not found.metadata.ctx.issues.errors
    assert not found.metadata.ctx.issues.warnings
    assert "not standard" not in caplog.text
    assert found.metadata.ctx.is_v1_1()
    records = sorted(found.records("coreset"), key=lambda record: record["coreset/index"])
    assert [record["coreset/index"] for record in records] == chosen.indices.tolist()
    assert [record["coreset/rank"] for record in records] == [r["rank"] for r in chosen.rows]
    scores = [record["coreset/aum"] for record in records]
    assert scores == pytest.approx([row["aum"] for row in chosen.rows])  # pandas drops last places


@pytest.mark.filterwarnings("ignore")
def test_mlcroissant_notices_a_table_that_was_changed(tmp_path, png_run, make_chosen):
    mlcroissant = pytest.importorskip("mlcroissant")
    chosen = make_chosen(png_run)
    for name, content in croissant_files(chosen).items():
        (tmp_path / name).write_bytes(content.replace(b"kidney", b"Kidney"))
    with pytest.raises(mlcroissant.GenerationError) as error:
        list(mlcroissant.Dataset(str(tmp_path / "croissant.json")).records("coreset"))
    assert "Hash" in repr(error.value.__cause__)


@pytest.mark.filterwarnings("ignore")  # of MONAI's imports
def test_monai_loads_images_and_labels(tmp_path, png_run, make_chosen):
    monai_data = pytest.importorskip("monai.data")
    transforms = pytest.importorskip("monai.transforms")
    chosen = make_chosen(png_run)
    path = tmp_path / "datalist.json"
    path.write_bytes(monai_file(chosen))
    read = {
        part: monai_data.load_decathlon_datalist(
            str(path), False, part, base_dir=str(tmp_path / "images")
        )
        for part in ("training", "validation", "test")
    }
    assert [item["label"] for item in read["training"]] == [row["label"] for row in chosen.rows]
    splits = {"validation": chosen.dataset.val, "test": chosen.dataset.test}
    for part, split in splits.items():
        assert [item["label"] for item in read[part]] == split.labels.tolist()
        names = zip(read[part], split.sample_ids, strict=True)
        assert all(item["image"].endswith(name) for item, name in names)
    loaded = monai_data.Dataset(read["training"], transforms.LoadImaged(keys="image"))
    for item, index in zip(loaded, chosen.indices, strict=True):
        pixels = np.asarray(item["image"]).T
        np.testing.assert_array_equal(pixels, chosen.dataset.train.images[index])


@pytest.fixture
def read_with_fiftyone(tmp_path):
    """Return a function that lets FiftyOne, in its own environment, read a coreset's file."""
    python = os.environ.get("CORESET_LENS_TEST_FIFTYONE")
    if python is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI=true promises FiftyOne, but CORESET_LENS_TEST_FIFTYONE is not set.")
        pytest.skip("needs FiftyOne: CORESET_LENS_TEST_FIFTYONE names the Python that has it")

    def read(content, images):
        (tmp_path / "fiftyone").mkdir()
        (tmp_path / "fiftyone" / "samples.json").write_bytes(content)
        own = {"HOME": str(tmp_path), "FIFTYONE_DO_NOT_TRACK": "1", "PYTHONPATH": ""}
        done = subprocess.run(
            [python, str(READER), str(tmp_path / "fiftyone"), str(images)],
            env=os.environ | own,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return read


def test_fiftyone_finds_every_image_with_its_label(
    tmp_path, png_run, make_chosen, read_with_fiftyone
):
    chosen = make_chosen(png_run)
    found = read_with_fiftyone(fiftyone_file(chosen), tmp_path / "images")
    for sample, index, row in zip(found, chosen.indices.tolist(), chosen.rows, strict=True):
        assert Path(sample["filepath"]) == tmp_path / "images" / row["source"]
        assert sample["size"] == [28, 28]
        assert sample["label"] == row["class_name"]
        assert sample["tags"] == ["coreset"]
        assert (sample["index"], sample["sample_id"]) == (index, row["sample_id"])
        assert sample["aum"] == row["aum"]


def test_the_entries_for_fiftyone_name_the_rows_of_an_array(array_run, make_chosen):
    chosen = make_chosen(array_run)
    entries = json.loads(fiftyone_file(chosen))["samples"]
    assert [entry["index"] for entry in entries] == chosen.indices.tolist()
    assert [entry["filepath"] for entry in entries] == [row["source"] for row in chosen.rows]
