"""Whether a class can be told by the form of its files: a network may then learn the source."""

import os
from collections import Counter, defaultdict
from collections.abc import Sequence

from coreset_lib.datasets.files.file_record import FileRecord
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.datasets.sources.listing import PARTS

FEWEST_FILES = 20
FEWEST_OF_A_FORM = 3
LARGEST_ACCURACY = 0.9
SMALLEST_GAIN = 0.25
LARGEST_SHARE = 0.8
OTHER_SHARE = 0.1


def form_warnings(dataset: LabeledImages) -> list[str]:
    """Say which properties of the files tell their classes apart.

    Notes
    -----
    A property is named if guessing the class by it is right for `LARGEST_ACCURACY` of the files
    and for `SMALLEST_GAIN` more than guessing the largest class, or if one class has it in
    `LARGEST_SHARE` of its files while all others have it in `OTHER_SHARE` at most. Forms of
    fewer than `FEWEST_OF_A_FORM` files tell nothing.
    """
    if dataset.origin is None or dataset.is_multi_label:
        return []
    labels = [int(label) for part in PARTS for label in getattr(dataset, part).labels]
    files = [(f, labels[f.rows[0][1]]) for f in dataset.origin.files if f.rows]
    if len(files) < FEWEST_FILES or dataset.origin.kind == "arrays":
        return []
    classes = [label for _, label in files]
    found: list[str] = []
    for word, forms in _properties([file for file, _ in files]).items():
        if tells_classes(forms, classes):
            found.append(f"{word} ({class_examples(forms, classes, dataset.class_names)})")
    if not found:
        return []
    return [
        f"Classes can be told by the form of their files, without a look at the image: by "
        f"{'; '.join(found)}. A network may learn the source instead of the finding."
    ]


def _properties(files: Sequence[FileRecord]) -> dict[str, list[str]]:
    """Return for each property its value for every file."""
    return {
        "size": [f"{f.height}x{f.width}" for f in files],
        "bits": [f"{f.bits} bits" for f in files],
        "colour": ["colour" if f.rows[0][0] == 3 else "grey" for f in files],
        "file format": [os.path.splitext(f.path)[1].lower() or "no ending" for f in files],
        "modality": [f.modality or "none" for f in files],
    }


def tells_classes(forms: Sequence[str], classes: Sequence[int]) -> bool:
    """Whether a property goes together with the classes."""
    if len(set(classes)) < 2 or len(set(forms)) < 2:
        return False
    by_form: dict[str, Counter[int]] = defaultdict(Counter)
    for form, label in zip(forms, classes, strict=True):
        by_form[form][label] += 1
    usual = {form: counts for form, counts in by_form.items() if counts.total() >= FEWEST_OF_A_FORM}
    right = sum(max(counts.values()) for counts in usual.values())
    sizes = Counter(classes)
    accuracy, baseline = right / len(classes), max(sizes.values()) / len(classes)
    if accuracy >= LARGEST_ACCURACY and accuracy - baseline >= SMALLEST_GAIN:
        return True
    return any(_is_of_one_class(counts, sizes) for counts in usual.values())


def _is_of_one_class(counts: Counter[int], sizes: Counter[int]) -> bool:
    """Whether a form is that of most files of one class and of hardly any of the others."""
    shares = sorted((counts[label] / size for label, size in sizes.items()), reverse=True)
    return shares[0] >= LARGEST_SHARE and shares[1] <= OTHER_SHARE


def class_examples(forms: Sequence[str], classes: Sequence[int], names: Sequence[str]) -> str:
    """Write the most frequent form of the first few classes."""
    by_class: dict[int, Counter[str]] = defaultdict(Counter)
    for form, label in zip(forms, classes, strict=True):
        by_class[label][form] += 1
    texts = [
        f"{names[label]}: {counts.most_common(1)[0][0]}"
        for label, counts in sorted(by_class.items())[:4]
    ]
    return ", ".join(texts)
