"""Runs on image files, and coresets of them on their way to other programs."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from coreset_lib.datasets import load_dataset
from coreset_lib.export.coresets import export_coreset
from coreset_lib.export.forms.chosen import chosen_samples
from coreset_lib.selection import SelectionConfig

CLASSES = ("kidney", "=liver")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("CORESET_LENS_CACHE", str(folder))
    monkeypatch.delenv("CORESET_LENS_REVIEW_DB", raising=False)
    return folder


@pytest.fixture
def make_file_run(cache, make_run):
    """Return a factory of runs on the dataset at a path, which can be loaded again."""

    def make(path, **options):
        dataset = load_dataset(path, cache=cache, **options)
        run = make_run(cache, epochs=4, dataset=dataset)
        manifest = json.loads(run.paths.manifest.read_text())
        manifest["config"] |= {"dataset": str(path), **options}
        run.paths.manifest.write_text(json.dumps(manifest))
        return type(run)(run.paths)

    return make


@pytest.fixture
def make_chosen():
    """Return a factory of coresets on their way out."""

    def make(run, rate=0.3, **options):
        config = SelectionConfig(rate=rate, score="aum", **options)
        return chosen_samples(export_coreset(run, config), run)

    return make


def save_png_folder(root, n_samples=40):
    random = np.random.default_rng(0)
    for number in range(n_samples):
        folder = root / CLASSES[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (28, 28), np.uint8)).save(folder / f"{number}.png")
    return root


def save_dicom_folder(root, *, n_studies=12, n_frames=1, without=None):
    """Write four CT images per study, each study of its own patient."""
    random = np.random.default_rng(0)
    for number in range(4 * n_studies):
        study = f"1.2.826.0.1.3680043.8.498.{number % n_studies + 1}"
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = CTImageStorage
        image.SOPInstanceUID = generate_uid(entropy_srcs=["image", str(number)])
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.StudyInstanceUID, image.SeriesInstanceUID = study, f"{study}.1"
        image.PatientName, image.PatientID = f"DOE^JANE{number}", f"SECRET-{number % n_studies}"
        image.Modality, image.PhotometricInterpretation = "CT", "MONOCHROME2"
        image.Rows = image.Columns = 28
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PixelRepresentation, image.SamplesPerPixel = 15, 0, 1
        shape = (28, 28) if n_frames == 1 else (n_frames, 28, 28)
        if n_frames > 1:
            image.NumberOfFrames = n_frames
        image.PixelData = random.integers(0, 4096, shape, np.uint16).tobytes()
        if without is not None:
            delattr(image, without)
        folder = root / CLASSES[number // n_studies % 2]
        folder.mkdir(parents=True, exist_ok=True)
        image.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return root


def save_arrays(path, form=(28, 28)):
    random = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 20), ("val", 6), ("test", 6)):
        arrays[f"{part}_images"] = random.integers(0, 256, (count, *form), np.uint8)
        arrays[f"{part}_labels"] = np.arange(count)[:, None] % 2
    np.savez(path, **arrays)
    return path


@pytest.fixture
def png_run(tmp_path, make_file_run):
    return make_file_run(save_png_folder(tmp_path / "images"))


@pytest.fixture
def dicom_run(tmp_path, make_file_run):
    return make_file_run(save_dicom_folder(tmp_path / "dicoms"))


@pytest.fixture
def array_run(tmp_path, make_file_run):
    return make_file_run(save_arrays(tmp_path / "set.npz"))


@pytest.fixture
def changed():
    """Return an export with something of its provenance replaced."""
    return lambda export, **fields: replace(export, provenance=export.provenance | fields)


@pytest.fixture
def save_dicoms():
    return save_dicom_folder
