"""The twelve two-dimensional MedMNIST sets: what they are, where they lie, how to get them.

The table repeats `medmnist.INFO`, so that a file can be read where the package (and with
it torch and torchvision) is not installed. Downloads go through the package itself.
"""

import contextlib
import importlib
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from coreset_lib.configs import IMAGE_SIZES
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.datasets.npz import load_npz, summarise_npz
from coreset_lib.errors import DatasetError

RECORD = "https://zenodo.org/records/10519652"


@dataclass(frozen=True)
class MedMNISTSet:
    """One official set; sizes of train, val and test as published."""

    title: str
    task: str
    n_channels: int
    split_sizes: tuple[int, int, int]
    class_names: tuple[str, ...]
    licence: str = "CC BY 4.0"


_ORGANS = (
    "bladder",
    "femur-left",
    "femur-right",
    "heart",
    "kidney-left",
    "kidney-right",
    "liver",
    "lung-left",
    "lung-right",
    "pancreas",
    "spleen",
)

MEDMNIST_SETS: dict[str, MedMNISTSet] = {
    "pathmnist": MedMNISTSet(
        "PathMNIST: colon pathology",
        "multi-class",
        3,
        (89_996, 10_004, 7_180),
        (
            "adipose",
            "background",
            "debris",
            "lymphocytes",
            "mucus",
            "smooth muscle",
            "normal colon mucosa",
            "cancer-associated stroma",
            "colorectal adenocarcinoma epithelium",
        ),
    ),
    "chestmnist": MedMNISTSet(
        "ChestMNIST: chest X-ray findings",
        "multi-label, binary-class",
        1,
        (78_468, 11_219, 22_433),
        (
            "atelectasis",
            "cardiomegaly",
            "effusion",
            "infiltration",
            "mass",
            "nodule",
            "pneumonia",
            "pneumothorax",
            "consolidation",
            "edema",
            "emphysema",
            "fibrosis",
            "pleural",
            "hernia",
        ),
    ),
    "dermamnist": MedMNISTSet(
        "DermaMNIST: skin lesions",
        "multi-class",
        3,
        (7_007, 1_003, 2_005),
        (
            "actinic keratoses and intraepithelial carcinoma",
            "basal cell carcinoma",
            "benign keratosis-like lesions",
            "dermatofibroma",
            "melanoma",
            "melanocytic nevi",
            "vascular lesions",
        ),
        "CC BY-NC 4.0",
    ),
    "octmnist": MedMNISTSet(
        "OCTMNIST: retinal OCT",
        "multi-class",
        1,
        (97_477, 10_832, 1_000),
        ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
    ),
    "pneumoniamnist": MedMNISTSet(
        "PneumoniaMNIST: chest X-ray",
        "binary-class",
        1,
        (4_708, 524, 624),
        ("normal", "pneumonia"),
    ),
    "retinamnist": MedMNISTSet(
        "RetinaMNIST: grades of diabetic retinopathy",
        "ordinal-regression",
        3,
        (1_080, 120, 400),
        ("0", "1", "2", "3", "4"),
    ),
    "breastmnist": MedMNISTSet(
        "BreastMNIST: breast ultrasound",
        "binary-class",
        1,
        (546, 78, 156),
        ("malignant", "normal, benign"),
    ),
    "bloodmnist": MedMNISTSet(
        "BloodMNIST: blood cells",
        "multi-class",
        3,
        (11_959, 1_712, 3_421),
        (
            "basophil",
            "eosinophil",
            "erythroblast",
            "immature granulocytes(myelocytes, metamyelocytes and promyelocytes)",
            "lymphocyte",
            "monocyte",
            "neutrophil",
            "platelet",
        ),
    ),
    "tissuemnist": MedMNISTSet(
        "TissueMNIST: kidney cortex cells",
        "multi-class",
        1,
        (165_466, 23_640, 47_280),
        (
            "Collecting Duct, Connecting Tubule",
            "Distal Convoluted Tubule",
            "Glomerular endothelial cells",
            "Interstitial endothelial cells",
            "Leukocytes",
            "Podocytes",
            "Proximal Tubule Segments",
            "Thick Ascending Limb",
        ),
    ),
    "organamnist": MedMNISTSet(
        "OrganAMNIST: abdominal CT, axial", "multi-class", 1, (34_561, 6_491, 17_778), _ORGANS
    ),
    "organcmnist": MedMNISTSet(
        "OrganCMNIST: abdominal CT, coronal", "multi-class", 1, (12_975, 2_392, 8_216), _ORGANS
    ),
    "organsmnist": MedMNISTSet(
        "OrganSMNIST: abdominal CT, sagittal", "multi-class", 1, (13_932, 2_452, 8_827), _ORGANS
    ),
}


THREE_DIMENSIONAL = (
    "organmnist3d",
    "nodulemnist3d",
    "adrenalmnist3d",
    "fracturemnist3d",
    "vesselmnist3d",
    "synapsemnist3d",
)


def file_name(name: str, image_size: int) -> str:
    """Return the official file name of a set at a size, for example organamnist_64.npz."""
    return f"{name}.npz" if image_size == 28 else f"{name}_{image_size}.npz"


def home_folder() -> Path:
    """Return the folder where the medmnist package keeps its files."""
    return Path(os.path.expanduser("~")) / ".medmnist"


def find_medmnist(name: str, image_size: int, data_root: Path | None) -> Path | None:
    """Return the local file of a set: under ``data_root``, else in ~/.medmnist, else None."""
    folders = [home_folder()] if data_root is None else [data_root, home_folder()]
    for folder in folders:
        path = folder / file_name(name, image_size)
        if os.path.isfile(path):
            return path
    return None


def load_medmnist(name: str, *, data_root: Path | None, image_size: int) -> LabeledImages:
    """Return an official MedMNIST set, downloading it if no local file is found.

    Parameters
    ----------
    name : str
        Key of `MEDMNIST_SETS`.
    data_root : Path, optional
        Folder searched first and downloaded to; ~/.medmnist otherwise.
    image_size : int
        28, 64, 128 or 224.

    Raises
    ------
    DatasetError
        If the set has several labels per image, the size is not offered, the file is
        damaged or of another size, or it is absent and cannot be downloaded.
    """
    known = MEDMNIST_SETS[name]
    _check_single_label(name, known)
    _check_size(name, image_size)
    path = find_medmnist(name, image_size, data_root)
    if path is None:
        path = _download(name, image_size, _download_folder(data_root))
    _check_stored_size(path, image_size)
    return load_npz(path, class_names=known.class_names, title=known.title, licence=known.licence)


def _check_single_label(name: str, known: MedMNISTSet) -> None:
    """Refuse sets whose images carry several findings."""
    if known.task.startswith("multi-label"):
        raise DatasetError(
            f"dataset must have one label per image, got {name}, whose images carry any "
            f"number of {len(known.class_names)} findings. Several labels per image are not "
            "supported yet; choose another set."
        )


def _check_size(name: str, image_size: int) -> None:
    """Refuse sizes that MedMNIST does not offer."""
    if image_size not in IMAGE_SIZES:
        sizes = ", ".join(map(str, IMAGE_SIZES))
        raise DatasetError(f"image size of {name} must be one of {sizes}, got {image_size}.")


def _check_stored_size(path: Path, image_size: int) -> None:
    """Refuse a file whose pixels are not of the size its name promises."""
    height, width = summarise_npz(path).image_size
    if (height, width) != (image_size, image_size):
        raise DatasetError(
            f"{path} must hold images of {image_size} x {image_size} pixels, got "
            f"{height} x {width}. Give the path of the file itself to use it as it is."
        )


def _download_folder(data_root: Path | None) -> Path:
    """Return the data folder, or ~/.medmnist if there is none that can be written to."""
    if data_root is not None and os.access(data_root, os.W_OK):
        return data_root
    return home_folder()


def _download(name: str, image_size: int, folder: Path) -> Path:
    """Fetch the file through medmnist into ``folder``; whole or not at all."""
    target = folder / file_name(name, image_size)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as scratch:
            _fetch(name, image_size, Path(scratch))
            os.replace(Path(scratch) / target.name, target)
    except (ImportError, OSError, RuntimeError) as error:
        raise DatasetError(
            f"{name} at {image_size} pixels must be downloaded first, which did not work here. "
            f"Get {target.name} from {RECORD} and put it into {folder}."
        ) from error
    return target


def _fetch(name: str, image_size: int, scratch: Path) -> None:
    """Let the package download one file and verify its checksum."""
    # The package prints on import when torch is absent, and while it downloads; standard
    # output belongs to the answers of our commands.
    with contextlib.redirect_stdout(sys.stderr):
        package = importlib.import_module("medmnist.dataset")
        info = importlib.import_module("medmnist.info").INFO[name]
        loader = getattr(package, info["python_class"])
        loader(split="train", download=True, root=str(scratch), size=image_size)
