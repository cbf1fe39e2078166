"""Columns of a table that tell a class."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from coreset_lib.datasets import dataset_report, load_dataset

Check = Callable[[str, Sequence[str]], list[str]]
N_IMAGES = 60


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return a function that gives what is said of a column; images are ill and well by turns."""

    def said(column: str, cells: Sequence[str]) -> list[str]:
        rng = np.random.default_rng(2)
        lines = [f"path,label,{column}"]
        for number, cell in enumerate(cells):
            pixels = rng.integers(0, 256, (28, 28), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"{number}.png")
            lines.append(f"{number}.png,{('ill', 'well')[number % 2]},{cell}")
        (tmp_path / "table.csv").write_text("\n".join(lines))
        report = dataset_report(load_dataset(str(tmp_path / "table.csv"), image_size=28))
        found = [text for text in report.warnings if "column of the table" in text]
        assert not found or report.readiness == "look"
        return found

    return said


def test_a_scanner_for_each_class_is_named(check: Check) -> None:
    (text,) = check("scanner", [("Alpha", "Beta")[n % 2] for n in range(N_IMAGES)])
    assert "by scanner (ill: Alpha, well: Beta)" in text


def test_a_scanner_that_both_classes_share_is_not(check: Check) -> None:
    assert check("scanner", [("Alpha", "Beta")[n // 2 % 2] for n in range(N_IMAGES)]) == []


def test_numbers_of_images_are_no_property(check: Check) -> None:
    assert check("lesion", [f"L{n % 2}{n // 6}" for n in range(N_IMAGES + 12)]) == []


def test_another_writing_of_the_label_is_none(check: Check) -> None:
    assert check("diagnosis", [("pos", "neg")[n % 2] for n in range(N_IMAGES)]) == []


def test_a_column_that_is_mostly_blank_tells_nothing(check: Check) -> None:
    cells = ["" if n % 2 or n % 4 else "Alpha" for n in range(N_IMAGES)]
    assert check("scanner", cells) == []
