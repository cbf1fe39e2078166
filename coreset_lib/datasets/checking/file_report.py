"""What a report says of the image files of a dataset and of their patients."""

from collections import Counter
from dataclasses import dataclass

from coreset_lib.datasets.labeled_images import LabeledImages, Origin
from coreset_lib.datasets.sources.listing import PARTS

MOST_EXAMPLES = 10


@dataclass(frozen=True, kw_only=True)
class FileSummary:
    """The files that a dataset was prepared from.

    Attributes
    ----------
    n_files : int
        Files in use.
    smallest, largest : tuple of int
        Height and width of the images with the fewest and the most pixels.
    bits : tuple of int
        Bits per pixel that occur.
    low, high : float
        Extreme values of the originals, in the units of the modality.
    modalities : dict
        DICOM modality and number of files; empty if no file is DICOM.
    identity_removed, burned_in : dict
        DICOM PatientIdentityRemoved and BurnedInAnnotation: YES, NO or "not stated", and
        the number of files.
    bad : tuple of (str, str)
        Source and reason of each file that cannot be used.
    notes : tuple of str
        How splits were made and what was passed over.
    concerns : tuple of str
        Those of the notes that ask for a look.
    """

    n_files: int
    smallest: tuple[int, int]
    largest: tuple[int, int]
    bits: tuple[int, ...]
    low: float
    high: float
    modalities: dict[str, int]
    identity_removed: dict[str, int]
    burned_in: dict[str, int]
    bad: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    concerns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SharedPatients:
    """Patients with images in two splits; ``n_images`` counts those in ``part``."""

    reference: str
    part: str
    n_patients: int
    n_images: int


def summarise_files(origin: Origin) -> FileSummary:
    """Return what is known of the files without opening them again."""
    files = origin.files
    forms = sorted(((f.height, f.width) for f in files), key=lambda form: form[0] * form[1])
    dicom = [f for f in files if f.modality or f.identity_removed or f.burned_in or f.patient]
    return FileSummary(
        n_files=len(files),
        smallest=forms[0] if forms else (0, 0),
        largest=forms[-1] if forms else (0, 0),
        bits=tuple(sorted({f.bits for f in files})),
        low=min((f.low for f in files), default=0.0),
        high=max((f.high for f in files), default=0.0),
        modalities=dict(Counter(f.modality or "not stated" for f in dicom)),
        identity_removed=dict(Counter(f.identity_removed or "not stated" for f in dicom)),
        burned_in=dict(Counter(f.burned_in or "not stated" for f in dicom)),
        bad=origin.bad,
        notes=origin.notes,
        concerns=origin.concerns,
    )


def shared_patients(dataset: LabeledImages) -> tuple[SharedPatients, ...]:
    """Return which splits share patients; empty where no patients are known."""
    ids = {part: list(getattr(dataset, part).patient_ids) for part in PARTS}
    found: list[SharedPatients] = []
    for low, high in (("train", "val"), ("train", "test"), ("val", "test")):
        both = (set(ids[low]) & set(ids[high])) - {""}
        if both:
            n_images = sum(patient in both for patient in ids[high])
            found.append(
                SharedPatients(reference=low, part=high, n_patients=len(both), n_images=n_images)
            )
    return tuple(found)


def count_patients(dataset: LabeledImages) -> int:
    """Return how many patients are known over all splits."""
    return len({p for part in PARTS for p in getattr(dataset, part).patient_ids} - {""})


def patient_warnings(shared: tuple[SharedPatients, ...]) -> list[str]:
    """Say which patients are on both sides."""
    return [
        f"{s.n_patients} patient{' has' if s.n_patients == 1 else 's have'} images in "
        f"{s.reference} and {s.part} ({s.n_images} of {s.part}): {s.part} results will look "
        "better than they are."
        for s in shared
    ]


def file_warnings(files: FileSummary) -> list[str]:
    """Say what the files need: mending, or a look at their privacy."""
    warnings = list(files.concerns)
    if files.bad:
        count = len(files.bad)
        subject = "1 file cannot be used: mend it, or agree to leave it out."
        several = f"{count} files cannot be used: mend them, or agree to leave them out."
        warnings.append(subject if count == 1 else several)
    exposed = sum(n for flag, n in files.identity_removed.items() if flag != "YES")
    if exposed:
        warnings.append(
            f"{exposed} DICOM file{' does' if exposed == 1 else 's do'} not say that the "
            "patient's identity was removed: treat the files as identifiable."
        )
    if burned := files.burned_in.get("YES", 0):
        warnings.append(
            f"{burned} DICOM file{' says' if burned == 1 else 's say'} that text, perhaps a "
            "name, is burned into the pixels: do not show or share these images."
        )
    return warnings
