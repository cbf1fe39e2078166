"""The MedMNIST sets: what they are, repeated from `medmnist.INFO`.

Written out, so that a file can be read where the package (and with it torch and torchvision)
is not installed.
"""

from dataclasses import dataclass

from coreset_lib.configs import IMAGE_SIZES, VOLUME_SIZES
from coreset_lib.datasets.labeled_images import MULTI_LABEL


@dataclass(frozen=True)
class MedMNISTSet:
    """One official set; sizes of train, val and test as published.

    ``is_volumetric`` is true where a sample is a volume and not a picture. ``has_sides`` is
    false where images have no left and right, no top and bottom: under a microscope, on skin.
    """

    title: str
    task: str
    n_channels: int
    split_sizes: tuple[int, int, int]
    class_names: tuple[str, ...]
    licence: str = "CC BY 4.0"
    is_volumetric: bool = False
    has_sides: bool = True

    @property
    def is_multi_label(self) -> bool:
        """Whether an image carries any number of labels."""
        return self.task == MULTI_LABEL

    @property
    def image_sizes(self) -> tuple[int, ...]:
        """Sides in pixels, or voxels, at which the set is published."""
        return VOLUME_SIZES if self.is_volumetric else IMAGE_SIZES


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
        has_sides=False,
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
        has_sides=False,
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
        has_sides=False,
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
        has_sides=False,
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
    "organmnist3d": MedMNISTSet(
        "OrganMNIST3D: abdominal CT, organs",
        "multi-class",
        1,
        (971, 161, 610),
        (
            "liver",
            "kidney-right",
            "kidney-left",
            "femur-right",
            "femur-left",
            "bladder",
            "heart",
            "lung-right",
            "lung-left",
            "spleen",
            "pancreas",
        ),
        is_volumetric=True,
    ),
    "nodulemnist3d": MedMNISTSet(
        "NoduleMNIST3D: chest CT, lung nodules",
        "binary-class",
        1,
        (1_158, 165, 310),
        ("benign", "malignant"),
        is_volumetric=True,
    ),
    "adrenalmnist3d": MedMNISTSet(
        "AdrenalMNIST3D: shapes of adrenal glands",
        "binary-class",
        1,
        (1_188, 98, 298),
        ("normal", "hyperplasia"),
        is_volumetric=True,
    ),
    "fracturemnist3d": MedMNISTSet(
        "FractureMNIST3D: chest CT, rib fractures",
        "multi-class",
        1,
        (1_027, 103, 240),
        ("buckle rib fracture", "nondisplaced rib fracture", "displaced rib fracture"),
        is_volumetric=True,
    ),
    "vesselmnist3d": MedMNISTSet(
        "VesselMNIST3D: shapes of brain vessels",
        "binary-class",
        1,
        (1_335, 191, 382),
        ("vessel", "aneurysm"),
        is_volumetric=True,
    ),
    "synapsemnist3d": MedMNISTSet(
        "SynapseMNIST3D: electron microscopy of synapses",
        "binary-class",
        1,
        (1_230, 177, 352),
        ("inhibitory synapse", "excitatory synapse"),
        is_volumetric=True,
        has_sides=False,
    ),
}
