"""Tables as public collections write them, read with one choice at most, and what choices mean."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from coreset_lib.datasets import LabeledImages, load_dataset
from coreset_lib.datasets.labeled_images import Split
from coreset_lib.datasets.sources.choices import ReadingChoices
from coreset_lib.datasets.sources.grouping import group_sentence
from coreset_lib.datasets.sources.preview import guess_table, preview
from coreset_lib.errors import CoresetError, DatasetError
from coreset_lib.label_sets import NO_LABEL

COUNT = 40


class Collection(Protocol):
    """Writes a table with one line for each image, and images under the given names."""

    def __call__(
        self, header: str, row: Callable[[int], str], file: str, *, name: str = "meta.csv"
    ) -> Path: ...


@pytest.fixture
def collection(data_root: Path, write_image: Callable[..., Path]) -> Collection:
    random = np.random.default_rng(0)

    def write(header: str, row: Callable[[int], str], file: str, *, name: str = "meta.csv") -> Path:
        for number in range(COUNT):
            pixels = random.integers(0, 256, (28, 28), np.uint8)
            write_image(data_root / file.format(n=number), pixels)
        path = data_root / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("\n".join([header, *map(row, range(COUNT))]))
        return path

    return write


def splits(dataset: LabeledImages) -> Sequence[Split]:
    return dataset.train, dataset.val, dataset.test


def count(dataset: LabeledImages) -> int:
    return sum(map(len, splits(dataset)))


def notes(dataset: LabeledImages) -> str:
    assert dataset.origin is not None
    return "\n".join(dataset.origin.notes)


def label_sets(dataset: LabeledImages) -> dict[str, set[str]]:
    """Return the labels of each sample by its id."""
    found: dict[str, set[str]] = {}
    for split in splits(dataset):
        assert split.multi_hot is not None
        for name, row in zip(split.sample_ids, split.multi_hot, strict=True):
            found[name] = {dataset.label_names[n] for n in np.flatnonzero(row)}
    return found


class TestPublicCollections:
    def test_ham10000(self, collection: Collection) -> None:
        path = collection(
            "lesion_id,image_id,dx,dx_type,age,sex,localization",
            lambda n: (
                f"HAM_{n // 2:07d},ISIC_{n:07d},{'nv' if n % 4 < 2 else 'mel'},histo,50.0,male,back"
            ),
            "HAM10000_images_part_1/ISIC_{n:07d}.jpg",
        )
        dataset = load_dataset(path)
        assert count(dataset) == COUNT
        assert dataset.class_names == ("mel", "nv")
        for split in splits(dataset):  # both images of a lesion
            assert len(split) % 2 == 0

    def test_isic_2019(self, collection: Collection) -> None:
        path = collection(
            "image,MEL,NV,BCC,UNK",
            lambda n: (
                f"ISIC_{n:07d},{int(n % 3 == 0)}.0,{int(n % 3 == 1)}.0,{int(n % 3 == 2)}.0,0.0"
            ),
            "ISIC_2019_Training_Input/ISIC_{n:07d}.jpg",
        )
        dataset = load_dataset(path, choices=ReadingChoices(label_column="MEL,NV,BCC"))
        assert count(dataset) == COUNT
        assert dataset.class_names == ("bcc", "mel", "nv")
        assert not dataset.is_multi_label

    def test_isic_2020(self, collection: Collection) -> None:
        path = collection(
            "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,diagnosis,"
            "benign_malignant,target",
            lambda n: (
                f"ISIC_{n:07d},IP_{n // 2},male,45.0,torso,unknown,"
                f"{('benign', 'malignant')[n % 4 // 2]},{n % 4 // 2}"
            ),
            "train/ISIC_{n:07d}.jpg",
        )
        dataset = load_dataset(path, choices=ReadingChoices(label_column="benign_malignant"))
        assert dataset.class_names == ("benign", "malignant")
        assert count(dataset) == COUNT

    def test_nih_chest_xray_14(self, collection: Collection) -> None:
        findings = ("No Finding", "Cardiomegaly", "Cardiomegaly|Emphysema", "Effusion")
        path = collection(
            "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,View Position",
            lambda n: f"{n:08d}_000.png,{findings[n % 4]},0,{n},058Y,PA",
            "images/{n:08d}_000.png",
        )
        dataset = load_dataset(path, choices=ReadingChoices(labels_per_image="several"))
        assert dataset.label_names == ("Cardiomegaly", "Effusion", "Emphysema")
        assert dataset.class_names[-1] == NO_LABEL
        found = label_sets(dataset)
        assert found["00000000_000.png"] == set()
        assert found["00000002_000.png"] == {"Cardiomegaly", "Emphysema"}

    def test_chexpert(self, collection: Collection) -> None:
        path = collection(
            "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Edema,Pleural Effusion",
            lambda n: (
                f"CheXpert-v1.0-small/train/patient{n // 2:05d}/study1/view{n % 2}.jpg,Male,50,"
                f"Frontal,AP,,{('1.0', '', '-1.0', '0.0')[n % 4]},{('1.0', '0.0')[n % 2]}"
            ),
            "CheXpert-v1.0-small/train/patient{n:05d}/study1/view0.jpg",
            name="CheXpert-v1.0-small/train.csv",
        )
        root = path.parent / "train"
        for n in range(COUNT):  # two views for each of the first patients
            target = root / f"patient{n // 2:05d}/study1/view{n % 2}.jpg"
            if not target.exists():
                target.write_bytes((root / f"patient{n:05d}/study1/view0.jpg").read_bytes())
        columns = "edema,pleural effusion"
        dataset = load_dataset(path, choices=ReadingChoices(label_column=columns))
        assert dataset.label_names == ("edema", "pleural effusion")
        assert count(dataset) == COUNT * 3 // 4
        assert "10 rows are left out for a mark that is -1 (uncertain)" in notes(dataset)
        choices = ReadingChoices(label_column=columns, uncertain="positive", group_by=r"patient\d+")
        dataset = load_dataset(path, choices=choices)
        assert count(dataset) == COUNT
        assert "Grouped by patient\\d+: 20 groups, largest 2." in notes(dataset)

    def test_rsna_pneumonia(
        self, data_root: Path, write_dicom: Callable[..., Path], write_table: Callable[..., Path]
    ) -> None:
        rows = []
        for n in range(COUNT):
            pixels = np.random.default_rng(n).integers(0, 256, (28, 28), np.uint8)
            write_dicom(
                data_root / "stage_2_train_images" / f"p{n:04d}.dcm", pixels, PatientID=f"p{n}"
            )
            for box in range(1 + n % 2):
                row = {"patientId": f"p{n:04d}", "x": box, "y": 3, "width": 7, "height": 9}
                rows.append({**row, "Target": n % 2})
        dataset = load_dataset(write_table(data_root / "labels.csv", rows))
        assert count(dataset) == COUNT
        assert dataset.class_names == ("0", "1")
        assert "20 more rows of the same images were merged." in notes(dataset)

    def test_aptos(self, collection: Collection) -> None:
        path = collection(
            "id_code,diagnosis", lambda n: f"a{n:04d},{n % 5}", "train_images/a{n:04d}.png"
        )
        dataset = load_dataset(path)
        assert dataset.class_names == ("0", "1", "2", "3", "4")
        assert count(dataset) == COUNT

    def test_covid_19_radiography(self, collection: Collection) -> None:
        path = collection(
            "FILE NAME,FORMAT,SIZE,URL",
            lambda n: f"{('COVID', 'Normal')[n % 2]}-{n},PNG,256*256,https://example.org",
            "COVID/images/COVID-{n}.png",
        )
        for n in range(1, COUNT, 2):
            source = path.parent / f"COVID/images/COVID-{n}.png"
            target = path.parent / f"Normal/images/Normal-{n}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
        dataset = load_dataset(path, choices=ReadingChoices(label_column="folder"))
        assert dataset.class_names == ("COVID", "Normal")
        assert count(dataset) == COUNT


class TestChoices:
    @pytest.fixture
    def table(self, collection: Collection) -> Path:
        return collection(
            "scan,other,finding,second,mark",
            lambda n: f"{n:03d},x,{'ab'[n % 2]},{'cd'[n % 3 > 0]},{('1', '0', '-1', '')[n % 4]}",
            "pictures/deep/{n:03d}.jpeg",
        )

    def test_columns_folder_and_ending_are_those_that_were_chosen(self, table: Path) -> None:
        choices = ReadingChoices(
            path_column="Scan", label_column="second", image_folder="pictures/deep", ending=".jpeg"
        )
        dataset = load_dataset(table, choices=choices)
        assert dataset.class_names == ("c", "d")
        assert count(dataset) == COUNT

    @pytest.mark.parametrize(
        ("policies", "classes", "kept"),
        [
            ({"uncertain": "positive", "blank": "negative"}, ("0", "1"), 40),
            ({"uncertain": "leave-out", "blank": "leave-out"}, ("0", "1"), 20),
            ({"blank": "negative"}, ("0", "1", "-1"), 40),
        ],
    )
    def test_what_a_mark_of_minus_one_and_a_blank_mean(
        self, table: Path, policies: dict[str, str], classes: tuple[str, ...], kept: int
    ) -> None:
        dataset = load_dataset(table, choices=ReadingChoices(label_column="mark", **policies))
        assert dataset.class_names == classes
        assert count(dataset) == kept

    @pytest.mark.parametrize(
        ("choices", "message"),
        [
            ({"path_column": "scann"}, "path column must be one of .*got 'scann'.*mean scan"),
            ({"label_column": "find"}, "label column must be one of"),
            ({"image_folder": "nowhere"}, "image folder of meta.csv must be a folder"),
            ({"label_column": "finding,second"}, "must be 1, 0, -1 or blank"),
            ({"label_column": "finding", "group_by": "["}, "group_by must be a column"),
            ({"label_column": "finding", "group_by": "zzz"}, "gives none of 40 images"),
            (
                {"label_column": "mark", "uncertain": "leave-out", "labels_per_image": "several"},
                "x",
            ),
        ],
    )
    def test_a_choice_that_cannot_be_is_one_sentence(
        self, table: Path, choices: dict[str, str], message: str
    ) -> None:
        if message == "x":
            assert load_dataset(table, choices=ReadingChoices(**choices)).is_multi_label
            return
        with pytest.raises(DatasetError, match=message):
            load_dataset(table, choices=ReadingChoices(**choices))

    def test_choices_of_tables_mean_nothing_for_arrays(
        self, write_npz: Callable[..., Path], write_folder: Callable[..., Path]
    ) -> None:
        for path in (write_npz(), write_folder()):
            with pytest.raises(DatasetError, match="--path-column says how a table"):
                load_dataset(path, choices=ReadingChoices(path_column="x"))

    def test_a_word_that_is_no_choice_is_refused(self) -> None:
        with pytest.raises(CoresetError, match="uncertain must be one of"):
            ReadingChoices(uncertain="maybe")


class TestReaders:
    def test_rows_that_agree_merge_and_others_become_disagreements(
        self, collection: Collection
    ) -> None:
        path = collection(
            "path,label,reader",
            lambda n: (
                f"i/{n:02d}.png,{'ab'[n % 2]},1\ni/{n:02d}.png,{'ab'[n % 2 or n == 0]},2"
                f"\ni/{n:02d}.png,{'ab'[n % 2]},3"
            ),
            "i/{n:02d}.png",
        )
        dataset = load_dataset(path)
        assert count(dataset) == COUNT
        said = {
            name: text
            for split in splits(dataset)
            for name, text in zip(split.sample_ids, split.extra["reader_labels"], strict=True)
            if text
        }
        assert said == {"i/00.png": "a 2; b 1"}
        assert "1 image has rows with different labels" in notes(dataset)

    def test_one_image_in_two_splits_is_refused(self, collection: Collection) -> None:
        path = collection(
            "path,label,split",
            lambda n: f"i/{n:02d}.png,a,train" + ("\ni/00.png,a,test" if n == 5 else ""),
            "i/{n:02d}.png",
        )
        with pytest.raises(
            DatasetError, match=r"path must be in one split, got i/00\.png in train"
        ):
            load_dataset(path)


class TestGroups:
    @pytest.fixture
    def folder(self, data_root: Path, write_image: Callable[..., Path]) -> Path:
        random = np.random.default_rng(0)
        for n in range(60):
            name = f"case{n // 3:02d}_{n % 3}.png"
            pixels = random.integers(0, 256, (28, 28), np.uint8)
            write_image(data_root / "cells" / "ab"[n % 2] / f"batch{n // 2 % 6}" / name, pixels)
        return data_root / "cells"

    @pytest.mark.parametrize(
        ("group_by", "sentence"),
        [
            (r"case\d+", "20 groups, largest 3"),
            (r"(case0\d)_", "10 groups, largest 3, 30 images without a group"),
            ("folder", "12 groups, largest 5"),
        ],
    )
    def test_names_and_folders_keep_images_together(
        self, folder: Path, group_by: str, sentence: str
    ) -> None:
        dataset = load_dataset(folder, choices=ReadingChoices(group_by=group_by))
        assert f"Grouped by {group_by}: {sentence}." in notes(dataset)
        if group_by.startswith("case"):
            places: dict[str, set[int]] = {}
            for number, split in enumerate(splits(dataset)):
                for source in split.sources:
                    places.setdefault(source.split("/")[-1][:6], set()).add(number)
            assert all(len(found) == 1 for found in places.values())

    def test_a_chosen_column_goes_before_patients(self, collection: Collection) -> None:
        path = collection(
            "path,label,patient_id,block",
            lambda n: f"i/{n:02d}.png,{'ab'[n % 2]},{n},{n // 4}",
            "i/{n:02d}.png",
        )
        dataset = load_dataset(path, choices=ReadingChoices(group_by="block"))
        assert "Grouped by block: 10 groups, largest 4." in notes(dataset)
        assert all(len(split) % 4 == 0 for split in splits(dataset))

    def test_given_splits_are_checked_for_shared_groups(self, collection: Collection) -> None:
        path = collection(
            "path,label,split,block",
            lambda n: f"i/{n:02d}.png,{'ab'[n % 2]},{('train', 'val', 'test')[n % 3]},{n // 3}",
            "i/{n:02d}.png",
        )
        dataset = load_dataset(path, choices=ReadingChoices(group_by="block"))
        assert "39 images of 13 groups (block) lie in several of the given splits" in notes(dataset)

    def test_the_sentence_of_the_preview(self) -> None:
        groups = [f"g{n}" for n in range(4795) for _ in range(2)] + ["last"] * 12
        assert group_sentence(groups) == "4,796 groups, largest 12"


class TestPreview:
    def test_the_guess_fills_the_choices(self, collection: Collection) -> None:
        path = collection(
            "who,scan,edema,mass",
            lambda n: f"p{n // 2},{n:03d},{n % 2},{('1', '-1')[n % 3 == 0]}",
            "deep/{n:03d}.png",
        )
        guess = guess_table(path)
        assert guess.columns == ("who", "scan", "edema", "mass")
        assert guess.path == "scan"
        assert guess.labels == ("edema", "mass")

    def test_ten_rows_and_the_groups_are_shown_before_anything_is_read(
        self, collection: Collection, cache: Path
    ) -> None:
        path = collection(
            "path,label,patient_id",
            lambda n: f"i/{n:02d}.png,{'aaab'[n % 4]},{n // 5}" if n else "i/none.png,a,0",
            "i/{n:02d}.png",
        )
        found = preview(path, ReadingChoices())
        assert len(found.items) == 10
        assert [item.label for item in found.items[:2]] == ["a", "b"]
        assert (found.n_items, found.n_missing) == (40, 1)
        assert found.classes == "a 30, b 10"
        assert found.groups == "8 groups, largest 5"
        assert not cache.exists()
