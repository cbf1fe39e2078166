"""DICOM pixels by the rules of the standard, and what leaves the file beside them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.data
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from coreset_lib.datasets.files.contract import DecodeOptions, UnreadableFile
from coreset_lib.datasets.files.decoding import decode_file
from coreset_lib.datasets.files.dicom import read_frame

REAL = Path(os.environ.get("CORESET_LENS_TEST_DATA", "")) / "dicom"
PYDICOM_FILES = Path(pydicom.data.__file__).parent / "test_files"
RAMP = np.arange(64 * 4, dtype=np.int16).reshape(16, 16)
Write = Callable[..., Path]


@pytest.fixture
def pixels(tmp_path: Path, write_dicom: Write) -> Callable[..., Any]:
    """Return a function that writes 16 x 16 values and returns the decoded image."""

    def decode(values: Any = RAMP, *, window: str = "file", **elements: Any) -> Any:
        path = write_dicom(tmp_path / "x.dcm", values, **elements)
        options = DecodeOptions(image_size=16, grey_window=window)
        frames = [image for image, _ in decode_file(str(path), options)]
        return frames[0] if len(frames) == 1 else frames

    return decode


class TestGrey:
    def test_8_bit_values_stay_as_they_are(self, pixels: Callable[..., Any]) -> None:
        values = RAMP.astype(np.uint8)
        np.testing.assert_array_equal(pixels(values), values)

    def test_the_stored_window_is_used(self, pixels: Callable[..., Any]) -> None:
        image = pixels(WindowCenter=100.5, WindowWidth=101)
        assert image.ravel()[[0, 50, 100, 150, 255]].tolist() == [0, 0, 128, 255, 255]

    def test_the_first_of_several_windows_is_used(self, pixels: Callable[..., Any]) -> None:
        one = pixels(WindowCenter=100.5, WindowWidth=101)
        two = pixels(WindowCenter=[100.5, 7], WindowWidth=[101, 3])
        np.testing.assert_array_equal(one, two)

    def test_rescaling_comes_before_the_window(self, pixels: Callable[..., Any]) -> None:
        image = pixels(RescaleSlope=2, RescaleIntercept=-1000, window="-800,101")
        assert image.ravel()[[50, 100, 125, 200]].tolist() == [0, 129, 255, 255]

    def test_without_a_window_the_range_is_used(self, pixels: Callable[..., Any]) -> None:
        image = pixels(RAMP * 10)
        assert (image.min(), image.max()) == (0, 255)

    def test_padding_does_not_count_for_the_range(self, pixels: Callable[..., Any]) -> None:
        values = RAMP.copy()
        values[0] = -2000
        image = pixels(values, PixelPaddingValue=-2000)
        assert image[1, 0] == 0
        assert image[15, 15] == 255
        assert (pixels(values)[1, 0]) > 200

    def test_monochrome1_is_inverted(self, pixels: Callable[..., Any]) -> None:
        values = RAMP.astype(np.uint8)
        image = pixels(values, PhotometricInterpretation="MONOCHROME1")
        np.testing.assert_array_equal(image, 255 - values)

    @pytest.mark.parametrize("width", [0, -5])
    def test_an_impossible_window_falls_back_to_the_range(
        self, pixels: Callable[..., Any], width: float
    ) -> None:
        image = pixels(WindowCenter=100, WindowWidth=width)
        assert (image.min(), image.max()) == (0, 255)

    def test_a_look_up_table_is_applied(self, pixels: Callable[..., Any]) -> None:
        item = Dataset()
        item.LUTDescriptor = [256, 0, 16]
        item.LUTData = (257 * np.arange(255, -1, -1)).astype("<u2").tobytes()
        values = RAMP.astype(np.uint16)
        image = pixels(values, VOILUTSequence=Sequence([item]))
        np.testing.assert_array_equal(image, 255 - RAMP)

    def test_a_flat_image_of_16_bits_is_grey(self, pixels: Callable[..., Any]) -> None:
        assert (pixels(np.full((16, 16), 700, np.uint16)) == 128).all()


class TestFrames:
    def test_every_frame_is_an_image(self, pixels: Callable[..., Any]) -> None:
        values = np.stack([np.full((16, 16), v, np.uint8) for v in (1, 2, 3)])
        frames = pixels(values, NumberOfFrames=3, Rows=16, Columns=16)
        assert [int(frame[0, 0]) for frame in frames] == [1, 2, 3]

    def test_a_frame_has_its_own_rescaling_and_window(self, pixels: Callable[..., Any]) -> None:
        def group(slope: float, centre: float) -> Dataset:
            rescale, voi, whole = Dataset(), Dataset(), Dataset()
            rescale.RescaleSlope, rescale.RescaleIntercept = slope, 0
            voi.WindowCenter, voi.WindowWidth = centre, 11
            whole.PixelValueTransformationSequence = Sequence([rescale])
            whole.FrameVOILUTSequence = Sequence([voi])
            return whole

        values = np.full((2, 16, 16), 10, np.int16)
        groups = Sequence([group(1, 10.5), group(3, 10.5)])
        frames = pixels(
            values, NumberOfFrames=2, Rows=16, Columns=16, PerFrameFunctionalGroupsSequence=groups
        )
        assert [int(frame[0, 0]) for frame in frames] == [128, 255]

    def test_colour_frames_are_colour(self, tmp_path: Path, write_dicom: Write) -> None:
        values = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
        path = write_dicom(tmp_path / "x.dcm", values)
        ((image, _),) = decode_file(str(path), DecodeOptions(image_size=16))
        np.testing.assert_array_equal(image, values)


class TestPrivacy:
    def test_facts_hold_a_pseudonym_and_no_name(self, tmp_path: Path, write_dicom: Write) -> None:
        path = write_dicom(
            tmp_path / "x.dcm",
            RAMP,
            PatientName="Anna^Secret",
            PatientID="12345",
            PatientIdentityRemoved="NO",
            BurnedInAnnotation="YES",
            Modality="CT",
        )
        ((_, facts),) = decode_file(str(path), DecodeOptions(pseudonym_key="ab" * 32))
        assert facts.patient.startswith("P-")
        assert "12345" not in repr(facts)
        assert "Secret" not in repr(facts)
        assert (facts.identity_removed, facts.burned_in, facts.modality) == ("NO", "YES", "CT")

    def test_a_reason_never_quotes_the_file(self, tmp_path: Path, write_dicom: Write) -> None:
        path = write_dicom(tmp_path / "x.dcm", RAMP, PatientName="Anna^Secret")
        whole = path.read_bytes()
        for cut in range(200, len(whole), 17):
            path.write_bytes(whole[:cut])
            with pytest.raises(UnreadableFile) as caught:
                list(decode_file(str(path), DecodeOptions()))
            assert "Secret" not in str(caught.value)


class TestRefused:
    @pytest.mark.parametrize(
        ("elements", "reason"),
        [
            ({"PixelData": None}, "holds no image"),
            ({"Rows": None}, "does not say how large its image is"),
            ({"Rows": 4}, "has 4 x 16 pixels, fewer than 8 on a side"),
            ({"Rows": 60000, "Columns": 60000}, "has more than 100 million pixels"),
            ({"NumberOfFrames": 10**8}, "has 100000000 frames"),
            ({"PixelData": b"\0" * 100}, "is cut short"),
        ],
    )
    def test_the_reason_is_said(
        self, pixels: Callable[..., Any], elements: dict[str, Any], reason: str
    ) -> None:
        with pytest.raises(UnreadableFile, match=reason):
            pixels(**elements)

    def test_pixels_that_are_no_numbers(self, pixels: Callable[..., Any]) -> None:
        values = np.full((16, 16), np.nan, np.float32)
        with pytest.raises(UnreadableFile, match="no numbers"):
            pixels(values, PixelData=None, FloatPixelData=values.tobytes(), BitsAllocated=32)

    def test_text_with_the_name_of_a_dicom_file(self, tmp_path: Path) -> None:
        (tmp_path / "x.dcm").write_text("hello " * 100)
        with pytest.raises(UnreadableFile):
            list(decode_file(str(tmp_path / "x.dcm"), DecodeOptions()))


def test_a_view_gets_values_in_units_with_the_stored_window(
    tmp_path: Path, write_dicom: Write
) -> None:
    path = write_dicom(
        tmp_path / "x.dcm",
        RAMP,
        RescaleIntercept=-100,
        RescaleSlope=1,
        WindowCenter=40,
        WindowWidth=400,
    )
    frame = read_frame(str(path))
    np.testing.assert_array_equal(frame.values, RAMP.astype(np.float32) - 100)
    assert str(frame.window) == "40,400"
    assert (frame.low, frame.high) == (-100, 155)
    with pytest.raises(UnreadableFile, match="has no frame 2"):
        read_frame(str(path), 1)


def one_by_one(folder: Path) -> dict[str, str]:
    """Decode every file in a folder and return why those that failed did."""
    reasons: dict[str, str] = {}
    for path in sorted(file for file in folder.rglob("*") if file.is_file()):
        try:
            for image, _ in decode_file(str(path), DecodeOptions(image_size=28)):
                assert image.shape[:2] == (28, 28)
                assert image.dtype == np.uint8
        except UnreadableFile as error:
            reasons[path.name] = str(error)
    return reasons


def test_every_test_file_of_pydicom_is_read_or_refused_with_a_reason() -> None:
    n_files = sum(file.is_file() for file in PYDICOM_FILES.rglob("*"))
    reasons = one_by_one(PYDICOM_FILES)
    assert n_files - len(reasons) >= 80
    assert all(reason[0].islower() and "\n" not in reason for reason in reasons.values())
    assert reasons["MR_truncated.dcm"] == "is cut short"
    assert reasons["rtplan.dcm"] == "holds no image"
    assert "for which no decoder is installed" in reasons["JPGExtended.dcm"]


@pytest.mark.skipif(not REAL.is_dir(), reason="CORESET_LENS_TEST_DATA names no folder with dicom")
def test_real_files_of_nine_modalities_are_read_but_for_12_bit_jpeg() -> None:
    reasons = one_by_one(REAL)
    assert all(name.endswith("_JPLY.dcm") for name in reasons)
    assert len(reasons) == 9
    assert all("JPEG Extended" in reason for reason in reasons.values())
