"""How a dataset changes when labels are corrected."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.states import SampleState


@dataclass(frozen=True, kw_only=True)
class LabelDiff:
    """What is different after a correction.

    Attributes
    ----------
    changed : tuple of (sample_id, old, new)
        In the order of the training split.
    moves : mapping of (old, new) to int
        How many samples went from one class to another, most first.
    before, after : mapping of class name to int
        Sizes of the classes.
    """

    changed: tuple[tuple[str, str, str], ...]
    moves: Mapping[tuple[str, str], int]
    before: Mapping[str, int]
    after: Mapping[str, int]


def decided_labels(states: Mapping[str, SampleState]) -> dict[str, str]:
    """Return the label of every sample that is decided for good."""
    return {s.sample_id: s.label for s in states.values() if s.is_done and s.label is not None}


def label_diff(dataset: ReviewedDataset, labels: Mapping[str, str]) -> LabelDiff:
    """Compare a dataset with corrected labels.

    Parameters
    ----------
    dataset : ReviewedDataset
    labels : mapping of sample id to class name, or set of labels
        Samples that it does not name keep their label.

    Raises
    ------
    ReviewError
        If a sample or class is unknown.
    """
    # Sets of labels are counted as they are: there are too many possible ones to list.
    before = Counter(dict.fromkeys(() if dataset.label_names else dataset.class_names, 0))
    before.update(dataset.text_of(int(code)) for code in dataset.codes)
    after = Counter(before)
    changed: list[tuple[str, str, str]] = []
    for sample in sorted(labels, key=lambda name: dataset.rows.get(name, -1)):
        old, new = dataset.label_of(sample), dataset.check_class(labels[sample])
        if old != new:
            changed.append((sample, old, new))
            after[old] -= 1
            after[new] += 1
    moves = Counter((old, new) for _, old, new in changed)
    return LabelDiff(
        changed=tuple(changed),
        moves=dict(moves.most_common()),
        before=dict(before),
        after=dict(after),
    )
