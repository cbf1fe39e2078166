"""Image folders as people build them: nothing is lost without a word, nothing taken for another."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from coreset_lib.datasets import dataset_report, load_dataset
from coreset_lib.datasets.sources.folder import list_folder
from coreset_lib.datasets.sources.listing import Listing
from coreset_lib.datasets.sources.split_words import part_of

Write = Callable[..., Path]


@pytest.fixture
def fill(data_root: Path, write_image: Write) -> Callable[..., None]:
    """Return a function that fills a folder of the data with images of noise."""
    random = np.random.default_rng(0)

    def write(folder: str, count: int = 10, name: str = "{}.png") -> None:
        (data_root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = random.integers(0, 256, (28, 28), np.uint8)
            write_image(data_root / folder / name.format(number), pixels)

    return write


def counts(listing: Listing) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for item in listing.items:
        found[item.part, item.label] = found.get((item.part, item.label), 0) + 1
    return found


def said(texts: Sequence[str]) -> str:
    return "\n".join(texts)


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("train", ["train", "Training", "training_set", "TRAIN", "trainset", "TrainData"]),
        ("val", ["val", "valid", "Validation", "dev", "val2017", "validation-set", "ValSet"]),
        ("test", ["test", "testing_set", "eval", "holdout", "hold-out", "Hold Out", "testdata"]),
        ("", ["benign", "trainer", "images", "external_hospital", "valve", "testis", "data"]),
    ],
)
def test_words_for_splits(part: str, names: list[str]) -> None:
    assert [part_of(name) for name in names] == [part] * len(names)


def test_splits_in_other_words_are_splits(data_root: Path, fill: Any) -> None:
    for part in ("training_set", "dev", "test_set"):
        fill(f"{part}/a", 4)
        fill(f"{part}/b", 4)
    listing = list_folder(data_root)
    assert counts(listing) == {(p, c): 4 for p in ("train", "val", "test") for c in "ab"}
    assert "Read as train: training_set." in listing.notes
    assert not listing.concerns


def test_a_folder_beside_the_splits_is_named_and_counted(data_root: Path, fill: Any) -> None:
    for folder in ("train/a", "train/b", "test/a", "test/b", "other clinic/a"):
        fill(folder, 4)
    listing = list_folder(data_root)
    assert len(listing.items) == 16
    assert "other clinic lies beside" in said(listing.concerns)
    assert "4 images in it" in said(listing.concerns)


def test_two_words_for_one_split_ask_for_a_look(data_root: Path, fill: Any) -> None:
    for folder in ("train/a", "val/a", "dev/b"):
        fill(folder, 3)
    listing = list_folder(data_root)
    assert "val and dev were put together as val" in said(listing.concerns).replace(
        "dev and val", "val and dev"
    )


def test_splits_inside_the_classes_are_kept(data_root: Path, fill: Any) -> None:
    for label in "ab":
        fill(f"{label}/Train", 6)
        fill(f"{label}/valid", 3)
        fill(f"{label}/test", 3)
    listing = list_folder(data_root)
    assert counts(listing)["train", "a"] == 6
    assert counts(listing)["val", "b"] == 3


def test_splits_inside_some_classes_only_are_pointed_out(data_root: Path, fill: Any) -> None:
    fill("a/train")
    fill("a/test")
    fill("b")
    listing = list_folder(data_root)
    assert {item.part for item in listing.items} == {""}
    assert "inside class a were not used as splits" in said(listing.concerns)


@pytest.mark.parametrize("wrapper", ["chest_xray", "outer/inner"])
def test_a_folder_in_a_folder_is_looked_into(data_root: Path, fill: Any, wrapper: str) -> None:
    for folder in ("train/a", "train/b", "test/a", "test/b"):
        fill(f"{wrapper}/{folder}", 3)
    listing = list_folder(data_root)
    assert set(counts(listing)) == {(p, c) for p in ("train", "test") for c in "ab"}
    assert wrapper.split("/")[0] in said(listing.notes)


def test_masks_are_no_images_of_the_class(data_root: Path, fill: Any) -> None:
    fill("a", 5)
    fill("a", 5, "{}_mask.png")
    fill("b/images", 5)
    fill("b/masks", 5)
    listing = list_folder(data_root)
    assert counts(listing) == {("", "a"): 5, ("", "b"): 5}
    assert "10 files look like masks" in said(listing.concerns)


def test_a_word_such_as_label_alone_makes_no_mask(data_root: Path, fill: Any) -> None:
    fill("a", 5, "{}_label.png")
    assert len(list_folder(data_root).items) == 5


def test_a_folder_of_masks_beside_the_images_is_left_out(data_root: Path, fill: Any) -> None:
    for folder in ("images/a", "images/b", "masks/a", "masks/b"):
        fill(folder, 3)
    listing = list_folder(data_root)
    assert counts(listing) == {("", "a"): 3, ("", "b"): 3}
    assert "Folder masks looks like masks" in said(listing.concerns)


@pytest.mark.parametrize("ending", ["webp", "jfif", "jp2", "pgm", "gif"])
def test_other_endings_of_images_are_read(data_root: Path, fill: Any, ending: str) -> None:
    fill("a", 12)
    (data_root / "b").mkdir()
    random = np.random.default_rng(1)
    kinds = {"webp": "WEBP", "jfif": "JPEG", "jp2": "JPEG2000", "pgm": "PPM", "gif": "GIF"}
    for number in range(12):
        picture = Image.fromarray(random.integers(0, 256, (28, 28), np.uint8))
        picture.save(data_root / "b" / f"{number}.{ending}", format=kinds[ending])
    report = dataset_report(load_dataset(data_root))
    assert sum(split.n_samples for split in report.splits) == 24
    assert f"b: .{ending}" in said(report.warnings)


def test_a_class_of_files_that_are_not_read_is_named(data_root: Path, fill: Any) -> None:
    fill("a")
    fill("b")
    (data_root / "normal").mkdir()
    for number in range(3):
        (data_root / "normal" / f"{number}.mha.gz").write_bytes(b"volume")
    (data_root / "b" / "one.xyz").write_bytes(b"what")
    report = dataset_report(load_dataset(data_root))
    assert "Folder normal holds no image that can be read (3 .mha.gz)" in said(report.warnings)
    assert "1 file of class b is left out" in said(report.warnings)
    assert "1 .xyz" in said(report.warnings)
    assert report.readiness == "look"


def test_a_class_behind_a_link_out_of_the_allowed_folders_is_named(
    data_root: Path, fill: Any, tmp_path: Path
) -> None:
    fill("a")
    fill("../elsewhere")
    (data_root / "normal").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    listing = list_folder(data_root, roots=[data_root])
    assert "Folder normal of class normal was left out: it is a link out" in said(listing.concerns)


def test_dicom_is_told_by_content(data_root: Path, write_dicom: Write) -> None:
    random = np.random.default_rng(0)
    for number in range(20):
        pixels = random.integers(0, 256, (28, 28), np.uint8)
        name = f"MR.1.2.{number}.MR" if number % 4 < 2 else f"{number}.dcm.anon"
        write_dicom(data_root / "ab"[number % 2] / name, pixels, PatientID=f"p{number}")
    bare = data_root / "a" / "old"
    bare.write_bytes((data_root / "a" / "MR.1.2.0.MR").read_bytes()[132:])
    listing = list_folder(data_root)
    assert len(listing.items) == 21
    assert "21 files were read as DICOM" in said(listing.concerns)


def test_folders_of_patients_are_kept_together(data_root: Path, fill: Any) -> None:
    for number in range(20):
        fill(f"{'ab'[number % 2]}/patient {number}", 3)
    dataset = load_dataset(data_root)
    places: dict[str, set[str]] = {}
    for part in ("train", "val", "test"):
        for source in getattr(dataset, part).sources:
            places.setdefault(source.rsplit("/", 1)[0], set()).add(part)
    assert len(places) == 20
    assert all(len(parts) == 1 for parts in places.values())
    assert dataset.origin is not None
    assert "folder by folder" in said(dataset.origin.notes)


@pytest.mark.parametrize("patient", ["ANONYMOUS", "unknown", "0000", "P1"])
def test_one_patient_id_for_all_is_none(data_root: Path, write_dicom: Write, patient: str) -> None:
    random = np.random.default_rng(0)
    for number in range(40):
        uid = f"2.25.{number // 4 + 1}"
        write_dicom(
            data_root / "ab"[number // 4 % 2] / f"{number}.dcm",
            random.integers(0, 256, (28, 28), np.uint8),
            PatientID=patient,
            SeriesInstanceUID=uid,
        )
    report = dataset_report(load_dataset(data_root))
    assert report.n_patients == 0
    assert "All 40 images carry the same patient id" in said(report.warnings)
    assert report.files is not None
    assert "series by series" in said(report.files.notes)
