"""Windows against the formulas of DICOM PS3.3 C.11.2, by hand."""

import numpy as np
import pytest

from coreset_lib.datasets.files.grey_window import (
    GREY_WINDOW_PRESETS,
    GreyWindow,
    parse_grey_window,
    range_window,
    to_grey,
)
from coreset_lib.errors import CoresetError


def test_linear_window_of_8_bits_changes_nothing() -> None:
    values = np.arange(256)
    np.testing.assert_array_equal(to_grey(values, GreyWindow(128, 256)), values)


def test_linear_window_follows_the_standards_example() -> None:
    """PS3.3 C.11.2.1.2.1: c 2048, w 4096 maps 0 to 0 and 4095 to 255."""
    assert to_grey(np.array([-5, 0, 4095, 9999]), GreyWindow(2048, 4096)).tolist() == [
        0,
        0,
        255,
        255,
    ]
    assert to_grey(np.array([-1, 0, 1]), GreyWindow(0, 1)).tolist() == [0, 255, 255]


def test_linear_exact_window_ends_where_it_says() -> None:
    window = GreyWindow(50, 100, "LINEAR_EXACT")
    assert to_grey(np.array([0, 25, 50, 100]), window).tolist() == [0, 64, 128, 255]


def test_sigmoid_window_is_half_at_its_centre() -> None:
    window = GreyWindow(40, 400, "SIGMOID")
    expected = [255 / (1 + np.exp(-4 * (x - 40) / 400)) for x in (-160, 40, 240)]
    assert to_grey(np.array([-160, 40, 240]), window).tolist() == [round(e) for e in expected]
    assert to_grey(np.array([-1e9, 1e9]), window).tolist() == [0, 255]


def test_a_range_reaches_from_black_to_white() -> None:
    assert to_grey(np.array([3.0, 7.0]), range_window(3, 7)).tolist() == [0, 255]
    assert to_grey(np.array([3.0, 3.0]), range_window(3, 3)).tolist() == [128, 128]


@pytest.mark.parametrize("text", ["40,400", " 40 , 400 ", "40/400"])
def test_a_pair_is_centre_and_width(text: str) -> None:
    assert parse_grey_window(text) == GreyWindow(40, 400)


def test_presets_and_own_ranges_are_known() -> None:
    assert parse_grey_window("lung") == GreyWindow(*GREY_WINDOW_PRESETS["lung"])
    assert parse_grey_window("file") is None
    assert parse_grey_window("range") is None


@pytest.mark.parametrize("text", ["", "x", "40", "40,0", "40,-3", "nan,3", "1e9,5", "40,400,5"])
def test_anything_else_is_refused_with_the_choices(text: str) -> None:
    with pytest.raises(CoresetError, match="window must be one of file, range, abdomen"):
        parse_grey_window(text)
