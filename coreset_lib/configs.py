"""What a person chooses: the options of a training run."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from coreset_lib.checks import check_choice, check_real, check_whole
from coreset_lib.errors import CoresetError
from coreset_lib.networks import NETWORKS

HIGH_NOISE = 0.5
FEATURES = ("surrogate", "early", "held_out", "pixels", "vgg16", "efficientnet")
RECORDINGS = ("minibatch", "eval_pass")
AUGMENTATIONS = ("none", "shift", "mirror")
LABELS_PER_IMAGE = ("", "one", "several")
MARK_POLICIES = ("", "positive", "negative", "leave-out")
PRECISIONS = ("auto", "float32", "bfloat16")
IMAGE_SIZES = (28, 64, 128, 224)
VOLUME_SIZES = (28, 64)
MOST_CHECKPOINTS = 100
NO_LABEL_NOISE = "none"
LABEL_NOISES = (NO_LABEL_NOISE, "symmetric", "class_dependent", "look_alike")
OLD_NAMES = {"window": "grey_window"}


def parse_label_noise(text: str) -> tuple[str, float]:
    """Read ``kind:rate``, for example ``symmetric:0.2``, or ``none``.

    Raises
    ------
    CoresetError
        If it does not look like that, the kind is unknown or the rate out of range.
    """
    kind, colon, share = (part.strip() for part in text.replace("-", "_").partition(":"))
    try:
        rate = float(share) if colon else 0.0
    except ValueError:
        raise CoresetError(
            f"label noise must look like kind:rate, got {text!r}. For example symmetric:0.2."
        ) from None
    check_label_noise(kind, rate)
    return kind, rate


def check_label_noise(kind: str, rate: float) -> None:
    """Raise CoresetError unless labels can be spoilt in this way, at this rate."""
    check_choice("label noise", kind, LABEL_NOISES)
    if kind == NO_LABEL_NOISE:
        if rate != 0:
            raise CoresetError(f"label noise none must have no rate, got {rate:g}. Leave it out.")
        return
    if not 0 < rate < 1:
        hint = f"For {rate:g} % write {rate / 100:g}." if 1 <= rate < 100 else "Choose up to 0.8."
        raise CoresetError(
            f"rate of {kind} label noise must be above 0 and below 1, got {rate:g}. {hint}"
        )


def high_noise_warning(kind: str, rate: float, n_classes: int | None = None) -> str:
    """Say what wrong labels come to where they are at least half of all; empty below.

    Parameters
    ----------
    kind : str
        One of ``LABEL_NOISES``.
    rate : float
        Share of wrong labels.
    n_classes : int, optional
        Where it is known; with C classes and noise to any of them, the right class is the most
        frequent one among a class's labels up to a rate of 1 − 1/C.
    """
    if kind == NO_LABEL_NOISE or rate < HIGH_NOISE:
        return ""
    said = f"{100 * rate:g} % of the labels are spoilt: more are wrong than right."
    if rate == HIGH_NOISE:
        said = "50 % of the labels are spoilt: as many are wrong as right."
    if kind == "class_dependent":
        return f"{said} Most of a class then bear the name of another: that is what is learned."
    if n_classes is None:
        return f"{said} With C classes and a rate of 1 − 1/C or more nothing can learn them."
    if rate >= 1 - 1 / n_classes:
        return (
            f"{said} With {n_classes} classes and a rate of {100 * (1 - 1 / n_classes):.0f} % or "
            "more the right class is not the most frequent label: nothing can learn it."
        )
    return f"{said} Expect little of a small set."


def check_device(name: str) -> str:
    """Return the name of a device; raises CoresetError for one that there cannot be."""
    if re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,2})?", name) is None:
        raise CoresetError(f"device must be auto, cpu, cuda, cuda:N or mps, got {name[:80]!r}.")
    return name


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Everything that decides what a training run computes, apart from the pixels.

    The defaults are the surrogate recipe of docs/methods.md (EVA sec. 4.1, CCS):
    SGD with Nesterov momentum and a per-iteration cosine from ``learning_rate`` to
    ``final_learning_rate``. ``grey_window``, ``skip_bad`` and ``keep_patient_ids`` say how
    image files become a dataset, ``path_column`` to ``group_by`` how a table is read
    (:class:`coreset_lib.datasets.sources.choices.ReadingChoices`), and ``leave_copies_out``
    whether val and test lose the images that train has copies of. ``class_weighted_loss`` gives
    every class the same say in the loss; ``augmentation`` "shift" moves each training image by
    up to 2 pixels, which is safe where sides matter too, "mirror" mirrors it at random along
    each side, which is refused where they do. ``keep_checkpoints`` is 0, or the number of
    evenly spaced epochs whose weights stay with the run. ``label_noise`` spoils training labels
    on purpose, see :mod:`coreset_lib.datasets.relabelling.label_noise`. ``labels`` is empty, or
    the sha256 of a table of corrected labels, see
    :func:`coreset_lib.datasets.relabelling.label_tables.keep_labels`; it is laid over the
    spoilt ones.
    ``precision`` "auto" is bfloat16 autocast on CUDA and float32 elsewhere, whatever the
    processor; "float32" and "bfloat16" are the same on a CPU and on CUDA.
    """

    dataset: str
    data_root: str | None = None
    image_size: int = 28
    grey_window: str = "file"
    skip_bad: bool = False
    keep_patient_ids: bool = False
    path_column: str = ""
    label_column: str = ""
    image_folder: str = ""
    ending: str = ""
    labels_per_image: str = ""
    uncertain: str = ""
    blank: str = ""
    group_by: str = ""
    leave_copies_out: bool = False
    model: str = "resnet18"
    epochs: int = 200
    batch_size: int = 256
    learning_rate: float = 0.1
    final_learning_rate: float = 1e-4
    momentum: float = 0.9
    weight_decay: float = 5e-4
    seed: int = 0
    device: str = "auto"
    recording: str = "minibatch"
    class_weighted_loss: bool = False
    augmentation: str = "none"
    probability_budget_mb: int = 2048
    record_vog: bool = False
    keep_checkpoints: int = 0
    label_noise: str = NO_LABEL_NOISE
    label_noise_rate: float = 0.0
    label_noise_seed: int = 0
    labels: str = ""
    precision: str = "auto"

    def __post_init__(self) -> None:
        check_choice("model", self.model, NETWORKS)
        check_choice("recording", self.recording, RECORDINGS)
        check_choice("augmentation", self.augmentation, AUGMENTATIONS)
        check_choice("precision", self.precision, PRECISIONS)
        check_choice("labels per image", self.labels_per_image, LABELS_PER_IMAGE)
        check_choice("uncertain", self.uncertain, MARK_POLICIES)
        check_choice("blank", self.blank, MARK_POLICIES)
        if self.image_size not in IMAGE_SIZES:
            sizes = ", ".join(map(str, IMAGE_SIZES))
            raise CoresetError(f"image size must be one of {sizes}, got {self.image_size}.")
        check_whole("epochs", self.epochs, least=1, most=100_000)
        check_whole("batch size", self.batch_size, least=2, most=1_000_000)
        check_real("learning rate", self.learning_rate, above=0, most=100)
        check_real("final learning rate", self.final_learning_rate, above=-1e-12, most=100)
        check_real("momentum", self.momentum, above=-1e-12, most=0.9999)
        check_real("weight decay", self.weight_decay, above=-1e-12, most=10)
        check_whole("seed", self.seed, least=0, most=2**31 - 1)
        check_whole("probability budget", self.probability_budget_mb, least=0)
        self._check_keep_checkpoints()
        check_label_noise(self.label_noise, self.label_noise_rate)
        check_whole("label noise seed", self.label_noise_seed, least=0, most=2**31 - 1)
        if re.fullmatch(r"([0-9a-f]{64})?", self.labels) is None:
            raise CoresetError(
                f"labels must be the sha256 of a table of labels, got {self.labels[:80]!r}. "
                "On the command line give the table itself: --labels corrected.csv"
            )
        check_device(self.device)

    @property
    def kept_epochs(self) -> tuple[int, ...]:
        """Epochs, 1-based, whose weights stay with the run; the last one included."""
        parts = self.keep_checkpoints
        return tuple(part * self.epochs // parts for part in range(1, parts + 1))

    def _check_keep_checkpoints(self) -> None:
        """Raise CoresetError unless so many epochs can be kept."""
        if self.keep_checkpoints == 0:
            return
        check_whole(
            "kept checkpoints (if not 0)", self.keep_checkpoints, least=2, most=MOST_CHECKPOINTS
        )
        if self.keep_checkpoints > self.epochs:
            raise CoresetError(
                f"kept checkpoints must be at most the {self.epochs} epochs, got "
                f"{self.keep_checkpoints}. Keep fewer or train for longer."
            )

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> Self:
        """Return the configuration of a manifest, also of an older one.

        Raises
        ------
        CoresetError
            If the value of an option is not allowed.
        TypeError
            If an option is missing or unknown.
        """
        return cls(**with_new_names(options))

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain values, for the manifest."""
        return asdict(self)


def with_new_names(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return training options with those that had another name once under their new one."""
    return {OLD_NAMES.get(name, name): value for name, value in options.items()}


# What the demo trains: the embedded data, minutes on two cores.
DEMO = TrainingConfig(dataset="phantom", model="small_cnn", epochs=60)
