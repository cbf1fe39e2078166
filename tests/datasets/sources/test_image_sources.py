"""The same images as folder, table, DICOM and arrays are the same dataset."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import LabeledImages, load_dataset
from coreset_lib.errors import DatasetError
from coreset_lib.runs.create import create_run
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.store import Run
from coreset_lib.scores import compute_score
from coreset_lib.training.running.worker import train_run

Write = Callable[..., Path]
CLASSES = ("left lung", "right lung", "spleen")
SIZES = {"train": 36, "val": 12, "test": 15}


KINDS: dict[str, tuple[tuple[int, ...], Any, int]] = {
    "grey": ((28, 28), np.uint8, 256),
    "colour": ((28, 28, 3), np.uint8, 256),
    "16-bit": ((28, 28), np.uint16, 4096),
}


def images(kind: str) -> dict[str, Any]:
    random = np.random.default_rng(0)
    form, dtype, end = KINDS[kind]
    return {
        **{f"{p}_images": random.integers(0, end, (n, *form), dtype) for p, n in SIZES.items()},
        **{f"{p}_labels": random.integers(0, 3, n) for p, n in SIZES.items()},
    }


@pytest.fixture
def four_forms(
    data_root: Path, write_npz: Write, write_image: Write, write_dicom: Write, write_table: Write
) -> Callable[..., dict[str, LabeledImages]]:
    """Return a function that writes the same images in four forms and loads each."""

    def write(kind: str, **options: Any) -> dict[str, LabeledImages]:
        arrays = images(kind)
        rows: list[dict[str, str]] = []
        for part in SIZES:
            for n, pixels in enumerate(arrays[f"{part}_images"]):
                label = CLASSES[arrays[f"{part}_labels"][n]]
                png = write_image(data_root / "png" / part / label / f"{n}.png", pixels)
                write_dicom(data_root / "dcm" / part / label / f"{n}.dcm", pixels)
                rows.append(
                    {"path": str(png.relative_to(data_root)), "label": label, "split": part}
                )
        table = write_table(data_root / "table.tsv", rows, "\t")
        return {
            "npz": load_dataset(write_npz(class_names=np.array(CLASSES), **arrays), **options),
            "folder": load_dataset(data_root / "png", **options),
            "DICOM": load_dataset(data_root / "dcm", **options),
            "table": load_dataset(table, **options),
        }

    return write


@pytest.mark.parametrize(
    ("kind", "window"),
    [("grey", "file"), ("colour", "file"), ("16-bit", "file"), ("16-bit", "900,1500")],
)
def test_four_forms_of_the_same_images_have_one_fingerprint(
    four_forms: Callable[..., dict[str, LabeledImages]], kind: str, window: str
) -> None:
    forms = four_forms(kind, grey_window=window)
    assert len({dataset.fingerprint() for dataset in forms.values()}) == 1
    assert {dataset.class_names for dataset in forms.values()} == {CLASSES}


def test_four_forms_of_the_same_images_record_the_same_planes_and_get_the_same_scores(
    four_forms: Callable[..., dict[str, LabeledImages]], tmp_path: Path, without_umap: None
) -> None:
    found = [train(dataset, tmp_path / name) for name, dataset in four_forms("grey").items()]
    expected, *others = found
    assert set(expected) >= {"error_norm", "margin", "probabilities", "eva", "forgetting", "aum"}
    for other in others:
        assert set(other) == set(expected)
        for name, values in expected.items():
            np.testing.assert_array_equal(other[name], values, err_msg=name)


def train(dataset: LabeledImages, cache: Path) -> dict[str, Any]:
    """Train for a few epochs; return all planes and some scores, by name."""
    config = TrainingConfig(
        dataset="x", model="small_cnn", epochs=4, batch_size=16, learning_rate=0.05, device="cpu"
    )
    paths = create_run(cache, config, dataset)
    train_run(paths, dataset=dataset)
    run = Run(RunPaths(paths.root))
    windows = {"early": "1-2", "late": "3-4"}
    scores = {
        name: compute_score(run.dynamics(), name, windows if name == "eva" else {}).values
        for name in ("eva", "el2n", "forgetting", "aum", "tdds")
    }
    return {**{name: np.load(paths.plane(name)) for name in run.manifest.planes}, **scores}


def picture(dataset: LabeledImages, source: str) -> Any:
    """Return the pixels of one image, in whichever split it is."""
    for split in (dataset.train, dataset.val, dataset.test):
        if source in split.sources:
            return split.images[list(split.sources).index(source)]
    raise KeyError(source)


class TestFolder:
    def test_images_numbered_once_keep_their_order_whatever_their_class(
        self, write_folder: Write
    ) -> None:
        for name in ("2.png", "10.png", "1.png"):
            path = write_folder(count=12) / "b" / name
            path.write_bytes((path.parent / "001.png").read_bytes())
        dataset = load_dataset(write_folder(count=12))
        numbers = [int(Path(name).stem) for name in dataset.train.sample_ids]
        assert numbers == sorted(numbers)

    def test_classes_are_in_natural_order(self, data_root: Path, write_image: Write) -> None:
        random = np.random.default_rng(0)
        for number in range(36):
            pixels = random.integers(0, 256, (28, 28), np.uint8)
            write_image(data_root / f"grade {number % 12}" / f"{number}.png", pixels)
        names = load_dataset(data_root).class_names
        assert names == tuple(f"grade {number}" for number in range(12))

    def test_folders_inside_a_class_belong_to_it(self, write_folder: Write) -> None:
        folder = write_folder()
        (folder / "a" / "series 1").mkdir()
        (folder / "a" / "000.png").rename(folder / "a" / "series 1" / "000.png")
        dataset = load_dataset(folder)
        assert dataset.class_names == ("a", "b")
        sources = [s for p in (dataset.train, dataset.val, dataset.test) for s in p.sources]
        assert "a/series 1/000.png" in sources

    def test_given_splits_are_kept_and_missing_ones_taken_from_train(
        self, write_folder: Write
    ) -> None:
        folder = write_folder(count=60)
        for part, numbers in (("train", range(48)), ("test", range(48, 60))):
            for n in numbers:
                target = folder / part / "ab"[n % 2] / f"{n:03d}.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                (folder / "ab"[n % 2] / f"{n:03d}.png").rename(target)
        dataset = load_dataset(folder)
        assert dataset.origin is not None
        assert all(source.startswith("test/") for source in dataset.test.sources)
        assert len(dataset.test) == 12
        assert len(dataset.val) in (4, 5)
        assert all(source.startswith("train/") for source in dataset.val.sources)
        assert any("No val was given" in note for note in dataset.origin.notes)

    def test_what_is_no_image_is_passed_over_and_said(self, write_folder: Write) -> None:
        folder = write_folder()
        (folder / "a" / "notes.txt").write_text("hello")
        (folder / "a" / ".DS_Store").write_text("x")
        (folder / "stray.png").write_bytes((folder / "a" / "000.png").read_bytes())
        origin = load_dataset(folder).origin
        assert origin is not None
        assert "1 file is no image: passed over." in origin.notes
        assert "1 image lies outside the class folders: left out." in origin.notes

    def test_a_link_back_to_its_own_folder_is_not_followed(self, write_folder: Write) -> None:
        folder = write_folder()
        (folder / "a" / "again").symlink_to(folder / "a", target_is_directory=True)
        dataset = load_dataset(folder)
        assert sum(map(len, (dataset.train, dataset.val, dataset.test))) == 30

    def test_a_folder_with_a_table_points_to_it(self, data_root: Path) -> None:
        (data_root / "labels.csv").write_text("path,label\n")
        with pytest.raises(DatasetError, match=r"Did you mean the table labels\.csv in it"):
            load_dataset(data_root)


class TestPixels:
    @pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "tiff"])
    def test_every_lossless_format_keeps_every_pixel(
        self, data_root: Path, write_image: Write, suffix: str
    ) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (24, 28, 28), np.uint8)
        for number, image in enumerate(pixels):
            write_image(data_root / "ab"[number % 2] / f"{number:02d}.{suffix}", image)
        dataset = load_dataset(data_root)
        rows = [int(Path(name).stem) for name in dataset.train.sample_ids]
        np.testing.assert_array_equal(dataset.train.images, pixels[rows])

    def test_a_wrong_extension_does_no_harm(self, write_folder: Write) -> None:
        folder = write_folder()
        (folder / "a" / "000.png").rename(folder / "a" / "000.jpg")
        assert load_dataset(folder).n_channels == 1

    def test_grey_images_in_a_colour_set_are_repeated(
        self, write_folder: Write, write_image: Write
    ) -> None:
        folder = write_folder()
        colour = np.random.default_rng(9).integers(0, 256, (28, 28, 3), np.uint8)
        write_image(folder / "a" / "900.png", colour)
        dataset = load_dataset(folder)
        assert dataset.n_channels == 3
        grey = [n for n, s in enumerate(dataset.train.sources) if "900" not in s]
        images = np.asarray(dataset.train.images)[grey]
        np.testing.assert_array_equal(images, images[..., :1].repeat(3, axis=3))

    def test_colour_files_of_grey_images_are_grey(
        self, write_folder: Write, write_image: Write
    ) -> None:
        folder = write_folder()
        pixels = np.asarray(Image.open(folder / "a" / "000.png").convert("RGB"))
        write_image(folder / "a" / "000.png", pixels)
        assert load_dataset(folder).n_channels == 1

    def test_other_forms_are_scaled_to_fit_and_padded_with_black(
        self, write_folder: Write, write_image: Write
    ) -> None:
        folder = write_folder()
        write_image(folder / "a" / "000.png", np.full((40, 80), 200, np.uint8))
        write_image(folder / "b" / "001.png", np.full((80, 40), 200, np.uint8))
        dataset = load_dataset(folder)
        wide, tall = picture(dataset, "a/000.png"), picture(dataset, "b/001.png")
        assert (wide[7:21] == 200).all()
        assert not wide[:7].any()
        assert not wide[21:].any()
        np.testing.assert_array_equal(tall, wide.T)

    def test_16_bit_images_use_their_own_range_or_a_window(
        self, write_folder: Write, write_image: Write
    ) -> None:
        folder = write_folder()
        ramp = np.linspace(1000, 3000, 28 * 28).astype(np.uint16).reshape(28, 28)
        write_image(folder / "a" / "000.png", ramp)
        for window, expected in (("range", (0, 255)), ("2000,4001", (64, 191))):
            dataset = load_dataset(folder, grey_window=window)
            image = picture(dataset, "a/000.png")
            assert (image.min(), image.max()) == expected

    def test_transparent_pixels_are_black(self, write_folder: Write, write_image: Write) -> None:
        folder = write_folder(count=30)
        pixels = np.full((28, 28, 4), 255, np.uint8)
        pixels[:14, :, 3] = 0
        write_image(folder / "a" / "000.png", pixels)
        image = picture(load_dataset(folder), "a/000.png")
        assert not image[:14].any()
        assert (image[14:] == 255).all()

    def test_pages_of_a_tiff_are_samples(self, write_folder: Write) -> None:
        folder = write_folder()
        pages = [Image.fromarray(np.full((28, 28), v, np.uint8)) for v in (10, 20, 30)]
        pages[0].save(folder / "a" / "900.tif", save_all=True, append_images=pages[1:])
        dataset = load_dataset(folder)
        ids = [i for p in (dataset.train, dataset.val, dataset.test) for i in p.sample_ids]
        assert {f"a/900.tif#{number:04d}" for number in (1, 2, 3)} <= set(ids)
