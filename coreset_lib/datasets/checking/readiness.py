"""Whether a dataset can be trained on, in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coreset_lib.datasets.checking.file_report import FileSummary, SharedPatients

LARGEST_LEAK = 0.1


@dataclass(frozen=True, kw_only=True)
class SplitSummary:
    """Size of one split and of its classes; ``n_blank`` images have one grey value only.

    An image with several labels counts for each of them.
    """

    part: str
    n_samples: int
    class_counts: tuple[int, ...]
    n_blank: int


def judge(
    splits: Sequence[SplitSummary],
    known: Mapping[str, int],
    shared: Sequence[SharedPatients],
    files: FileSummary | None,
    warnings: Sequence[str],
) -> tuple[str, str]:
    """Return "fit", "look" or "unfit", and one or two sentences that say so.

    Parameters
    ----------
    splits : sequence of SplitSummary
    known : mapping of str to int
        Images of val, and of test, that have a copy in train, exact or near.
    shared : sequence of SharedPatients
    files : FileSummary, optional
    warnings : sequence of str
        All that stands out.

    Notes
    -----
    Unfit: a class that cannot be learned because train has none of it; more than half of
    train blank; more than a tenth of val or test known from train. Everything else that
    stands out asks for a look.
    """
    faults = _faults(splits, known, shared)
    if faults:
        return "unfit", f"Not fit for training yet: {'; '.join(faults)}."
    if files is not None and files.bad:
        return "look", "Fit for training once the files that cannot be used are mended or left out."
    if warnings:
        count = "one point" if len(warnings) == 1 else f"{len(warnings)} points"
        return "look", f"Can be trained on, but look at {count} first."
    return "fit", "Fit for training: nothing stands out."


def _faults(
    splits: Sequence[SplitSummary], known: Mapping[str, int], shared: Sequence[SharedPatients]
) -> list[str]:
    """Return what spoils any result."""
    train = splits[0]
    faults: list[str] = []
    unseen = [
        number
        for number, count in enumerate(train.class_counts)
        if not count and any(split.class_counts[number] for split in splits[1:])
    ]
    if unseen:
        classes = "a class" if len(unseen) == 1 else f"{len(unseen)} classes"
        faults.append(f"val or test holds {classes} that train has no image of")
    if 2 * train.n_blank > train.n_samples:
        faults.append("more than half of the training images are blank")
    for split in splits[1:]:
        patients = [s for s in shared if (s.reference, s.part) == ("train", split.part)]
        n_known = max(known[split.part], *(s.n_images for s in patients), 0)
        if n_known > LARGEST_LEAK * split.n_samples:
            share = round(100 * n_known / split.n_samples)
            faults.append(
                f"{share} % of the {split.part} images show what train has seen (copies, or the "
                f"same patients), so no result on {split.part} could be trusted"
            )
    return faults
