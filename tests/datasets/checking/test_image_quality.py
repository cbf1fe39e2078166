"""Images that stand out as dark, bright, blurred or oddly sized; sets that are so throughout."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from coreset_lib.datasets import LabeledImages, dataset_report, load_dataset
from coreset_lib.datasets.checking.image_quality import quality_notes

Make = Callable[..., LabeledImages]


def scenes(count: int, seed: int = 0, size: int = 16) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = gaussian_filter(rng.normal(size=(count, size, size)), (0, 0.7, 0.7))
    return np.clip(130 + 40 * noise / noise.std(), 0, 255).astype(np.uint8)


def dataset(make: Make, train: np.ndarray) -> LabeledImages:
    labels = [row % 2 for row in range(len(train))]
    return make((train, labels), (scenes(4, 1), [0, 1, 0, 1]), (scenes(4, 2), [0, 1, 0, 1]))


def test_a_usual_set_has_no_notes(make_dataset: Make) -> None:
    assert quality_notes(dataset(make_dataset, scenes(60))) == ()


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("dark", lambda image: image * 0.2),
        ("bright", lambda image: 215 + image * 0.15),
        ("blurred", lambda image: gaussian_filter(image, 2.5)),
    ],
)
def test_what_stands_out_is_named_with_its_class(
    kind: str, change: Callable[[np.ndarray], np.ndarray], make_dataset: Make
) -> None:
    train = scenes(60)
    for row in (8, 31):
        train[row] = change(train[row].astype(float)).astype(np.uint8)
    (note,) = quality_notes(dataset(make_dataset, train))
    assert note.kind == kind
    assert sorted(note.rows) == [8, 31]
    assert set(note.examples) == {"train-00008", "train-00031"}
    assert sum(note.by_class.values()) == 2
    assert len(note.by_class) == 2
    assert "train-00008" in note.text()
    assert not note.is_severe


def test_a_set_that_is_dark_and_blurred_throughout_has_no_notes(make_dataset: Make) -> None:
    dim = gaussian_filter(scenes(60).astype(float), (0, 2, 2)) * 0.2
    both = dataset(make_dataset, dim.astype(np.uint8))
    notes = quality_notes(both)
    assert not {row for note in notes for row in note.rows} & set(range(60))


def test_blank_images_and_small_sets_are_left_to_the_report(make_dataset: Make) -> None:
    train = scenes(60)
    train[5] = 0
    assert quality_notes(dataset(make_dataset, train)) == ()
    assert quality_notes(dataset(make_dataset, scenes(8))) == ()


def test_single_images_do_not_change_the_verdict(make_dataset: Make) -> None:
    plain = dataset_report(dataset(make_dataset, scenes(60)))
    train = scenes(60)
    train[8] = train[8] // 5
    noted = dataset_report(dataset(make_dataset, train))
    assert (noted.readiness, noted.warnings) == (plain.readiness, plain.warnings)
    assert [note.kind for note in noted.quality] == ["dark"]


def test_a_tenth_of_the_set_is_a_warning(make_dataset: Make) -> None:
    train = scenes(60)
    train[:12] //= 5
    report = dataset_report(dataset(make_dataset, train))
    assert any("far darker" in warning for warning in report.warnings)
    assert report.readiness == "look"


def test_files_of_an_odd_size_or_form_are_named(tmp_path: Path) -> None:
    for number, image in enumerate(scenes(40, size=60)):
        folder = tmp_path / "images" / f"kind_{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        large = {3: (12, 12), 6: (60, 15)}.get(number, (60, 60))
        Image.fromarray(image).resize(large).save(folder / f"{number:02}.png")
    notes = quality_notes(load_dataset(tmp_path / "images"))
    (odd,) = [note for note in notes if note.kind == "odd size"]
    assert sorted(name[-6:] for name in odd.examples) == ["03.png", "06.png"]
    assert odd.by_class == {"kind_0": 1, "kind_1": 1}
