"""What a person should know about a dataset before training on it."""

from dataclasses import dataclass
from pathlib import Path

from coreset_lib.datasets.checking.column_warnings import column_warnings
from coreset_lib.datasets.checking.copies import (
    MOST_EXAMPLES,
    Copies,
    CopyPair,
    copy_pairs,
    copy_warnings,
    exact_copies,
    images_in,
    near_copies,
    near_warnings,
    pixel_hashes,
)
from coreset_lib.datasets.checking.file_forms import form_warnings
from coreset_lib.datasets.checking.file_report import (
    FileSummary,
    SharedPatients,
    count_patients,
    file_warnings,
    patient_warnings,
    shared_patients,
    summarise_files,
)
from coreset_lib.datasets.checking.image_quality import QualityNote, quality_notes
from coreset_lib.datasets.checking.left_out import known_groups
from coreset_lib.datasets.checking.readiness import SplitSummary, judge
from coreset_lib.datasets.checking.sizes import size_warnings, suggest_size
from coreset_lib.datasets.labeled_images import LabeledImages, Split

FEWEST_SAMPLES = 10
LARGEST_IMBALANCE = 10


@dataclass(frozen=True, kw_only=True)
class DatasetReport:
    """Sizes, grey values, copies and warnings of a dataset.

    Attributes
    ----------
    splits : tuple of SplitSummary
        Train, val, test.
    imbalance_ratio : float
        Samples of the largest over those of the smallest class present in train.
    depth : int
        Slices of a volume; 0 for pictures.
    has_sides : bool or None
        Whether images must not be mirrored, see `LabeledImages`.
    is_multi_label : bool
        Whether an image carries any number of labels, and counts for each of them.
    intensity_min, intensity_max, intensity_mean : float
        Of all training pixels, 0 to 255.
    repeats : Copies
        Repeated images inside train.
    leaks : tuple of Copies
        Images of val that are in train, of test in train, of test in val.
    near : tuple of Copies
        Images that are nearly the same: inside train, and between splits as in ``leaks``.
        Exact copies are not among them.
    known : dict
        Images of val, and of test, that have a copy in train, exact or near, by split.
    suggested_size : int
        Height and width that keep more of the originals; 0 where the present size is fine.
    n_patients : int
        0 if the source knows of none.
    shared_patients : tuple of SharedPatients
    files : FileSummary or None
        For datasets made of single files.
    quality : tuple of QualityNote
        Images that are dark, bright, blurred or of an odd size beside the others. They turn
        the verdict to "look", and are among the warnings, only where they are a tenth of the set.
    readiness : str
        "fit", "look" (trainable, but read the warnings) or "unfit".
    readiness_text : str
        The same in plain words.
    fingerprint : str
        See `LabeledImages.fingerprint`.
    warnings : tuple of str
        In plain words; empty if nothing stands out.
    """

    name: str
    title: str
    licence: str
    is_synthetic: bool
    class_names: tuple[str, ...]
    n_channels: int
    image_size: tuple[int, int]
    depth: int
    has_sides: bool | None
    is_multi_label: bool
    splits: tuple[SplitSummary, ...]
    imbalance_ratio: float
    intensity_min: int
    intensity_max: int
    intensity_mean: float
    repeats: Copies
    leaks: tuple[Copies, ...]
    near: tuple[Copies, ...]
    known: dict[str, int]
    suggested_size: int
    n_patients: int
    shared_patients: tuple[SharedPatients, ...]
    files: FileSummary | None
    quality: tuple[QualityNote, ...]
    readiness: str
    readiness_text: str
    fingerprint: str
    warnings: tuple[str, ...]

    @property
    def copy_pairs(self) -> tuple[CopyPair, ...]:
        """Copies pair by pair, up to ten of each kind."""
        return copy_pairs((self.repeats, *self.leaks), self.near)


def dataset_report(dataset: LabeledImages, *, cache: Path | None = None) -> DatasetReport:
    """Return sizes, grey values, exact copies and warnings of a dataset.

    Parameters
    ----------
    dataset : LabeledImages
        Read once in full.
    cache : Path, optional
        Where copies that were found once are kept: the second look is quick.

    Returns
    -------
    DatasetReport

    Notes
    -----
    Exact copies are found by a 128-bit hash of the pixels, near ones by
    `find_near_copies`. Memory: about 500 bytes per image.
    """
    train, val, test = dataset.train, dataset.val, dataset.test
    parts = (("train", train), ("val", val), ("test", test))
    splits = tuple(_split_summary(part, split, dataset) for part, split in parts)
    hashes = {part: pixel_hashes(split.images) for part, split in parts}
    repeats = exact_copies(("train", train, hashes["train"]), ("train", train, hashes["train"]))
    leaks = tuple(
        exact_copies((low, known, hashes[low]), (high, split, hashes[high]))
        for low, known, high, split in (
            ("train", train, "val", val),
            ("train", train, "test", test),
            ("val", val, "test", test),
        )
    )
    counts = [count for count in splits[0].class_counts if count]
    imbalance = max(counts) / min(counts)
    brightest = int(train.images.max())
    groups = known_groups(dataset, cache=cache)
    near = near_copies(dataset, groups)
    files = None if dataset.origin is None else summarise_files(dataset.origin)
    shared = shared_patients(dataset)
    larger_size = suggest_size(dataset)
    quality = quality_notes(dataset)
    warnings = (
        *([] if files is None else file_warnings(files)),
        *size_warnings(dataset, larger_size),
        *form_warnings(dataset),
        *column_warnings(dataset),
        *patient_warnings(shared),
        *copy_warnings((repeats, *leaks)),
        *near_warnings(near),
        *_class_warnings(dataset, splits),
        *_balance_warning(imbalance, _word_for(dataset)),
        *_pixel_warnings(splits, brightest),
        *(note.text() for note in quality if note.is_severe),
    )
    known = {part: int(groups.is_known(0, n).sum()) for n, part in ((1, "val"), (2, "test"))}
    readiness, readiness_text = judge(splits, known, shared, files, warnings)
    return DatasetReport(
        name=dataset.name,
        title=dataset.title,
        licence=dataset.licence,
        is_synthetic=dataset.is_synthetic,
        class_names=dataset.class_names,
        n_channels=dataset.n_channels,
        image_size=dataset.image_size,
        depth=dataset.depth,
        has_sides=dataset.has_sides,
        is_multi_label=dataset.is_multi_label,
        splits=splits,
        imbalance_ratio=imbalance,
        intensity_min=int(train.images.min()),
        intensity_max=brightest,
        intensity_mean=float(train.images.mean()),
        repeats=repeats,
        leaks=leaks,
        near=near,
        known=known,
        suggested_size=larger_size,
        n_patients=count_patients(dataset),
        shared_patients=shared,
        files=files,
        quality=quality,
        readiness=readiness,
        readiness_text=readiness_text,
        fingerprint=dataset.fingerprint(),
        warnings=warnings,
    )


def _split_summary(part: str, split: Split, dataset: LabeledImages) -> SplitSummary:
    """Count the samples of each class and the images without content."""
    flat = split.images.reshape(len(split), -1)
    counts = [len(split.members(number)) for number in range(dataset.n_classes)]
    return SplitSummary(
        part=part,
        n_samples=len(split),
        class_counts=tuple(counts),
        n_blank=int((flat.min(axis=1) == flat.max(axis=1)).sum()),
    )


def _word_for(dataset: LabeledImages) -> str:
    """Say what samples carry."""
    return "label" if dataset.is_multi_label else "class"


def _class_warnings(dataset: LabeledImages, splits: tuple[SplitSummary, ...]) -> list[str]:
    """Say which classes, or labels, are absent or too small to learn from."""
    warnings: list[str] = []
    word = _word_for(dataset)
    names = dataset.label_names or dataset.class_names  # a set may well lack unlabelled images
    for split in splits:
        counts = list(zip(names, split.class_counts, strict=False))
        absent = [name for name, count in counts if count == 0]
        if absent:
            warnings.append(f"No {split.part} image of {word} {_listed(absent)}.")
        few = [f"{name} ({count})" for name, count in counts if 0 < count < FEWEST_SAMPLES]
        if few and split.part == "train":
            warnings.append(f"Fewer than {FEWEST_SAMPLES} train images of {word} {_listed(few)}.")
    return warnings


def _listed(names: list[str]) -> str:
    """Write names in a row, a long list cut short."""
    more = len(names) - MOST_EXAMPLES
    return ", ".join(names[:MOST_EXAMPLES]) + (f" and {more} more" if more > 0 else "")


def _balance_warning(ratio: float, word: str) -> list[str]:
    """Say if the largest class dwarfs the smallest."""
    if ratio < LARGEST_IMBALANCE:
        return []
    return [
        f"The largest {word} has {ratio:.0f} times as many train images as the smallest: consider "
        f"giving every {word} the same say in the loss when you train."
    ]


def _pixel_warnings(splits: tuple[SplitSummary, ...], brightest: int) -> list[str]:
    """Say which images carry nothing."""
    warnings = [
        f"{images_in(split.n_blank, split.part)} {'is' if split.n_blank == 1 else 'are'} blank "
        "(one grey value)."
        for split in splits
        if split.n_blank
    ]
    if brightest <= 1:
        warnings.append("No pixel is above 1: the images seem scaled to 0-1 instead of 0-255.")
    return warnings
