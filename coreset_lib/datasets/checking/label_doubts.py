"""Labels that are perhaps no classes: several in one, uncertain ones, one class written twice."""

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

from coreset_lib.errors import DatasetError

FEWEST_TO_DOUBT = 20
LIKENESS = 0.85
SHORTEST_WORD = 6
MOST_COMPARED = 200
SHOWN = 3
SEPARATORS = ("|", ";", " + ", "&")


def label_concerns(labels: Sequence[str]) -> list[str]:
    """Return what makes labels doubtful as one class per image.

    Parameters
    ----------
    labels : sequence of str, shape (files,)
    """
    counts = Counter(label for label in labels if label)
    return [*_several(counts), *_uncertain(counts), *_written_twice(counts), *_no_class(counts)]


def check_classes(labels: Sequence[str], where: str) -> None:
    """Raise DatasetError where nearly every image has a class of its own.

    Parameters
    ----------
    labels : sequence of str, shape (samples,)
    where : str
        Name of the dataset.
    """
    names = set(labels)
    if len(labels) < FEWEST_TO_DOUBT or 2 * len(names) <= len(labels):
        return
    own = sum(count == 1 for count in Counter(labels).values())
    kind = "numbers, as of a measurement" if all(map(_is_number, names)) else "names of images"
    raise DatasetError(
        f"labels of {where} must be classes that images share, got {len(names)} classes for "
        f"{len(labels)} images, {own} of which have a class of their own: they look like {kind}. "
        "Give a label column with few different values, or put ranges into classes first."
    )


def _several(counts: Counter[str]) -> list[str]:
    """Say which labels are several labels in one."""
    for separator in SEPARATORS:
        joined = [label for label in counts if separator in label]
        alone = {label.strip() for label in counts if separator not in label}
        pieces = {p.strip() for label in joined for p in label.split(separator)}
        if joined and (separator == "|" or pieces & alone):
            number = sum(counts[label] for label in joined)
            return [
                f"{number} images have several labels in one, joined by {separator.strip()} (for "
                f"example {joined[0]}): each combination is read as a class of its own."
            ]
    return []


def _uncertain(counts: Counter[str]) -> list[str]:
    """Say which labels mean that nobody is sure."""
    words = {"-1", "uncertain", "unsure", "unclear", "unknown", "indeterminate", "not sure", "?"}
    found = [label for label in counts if label.lower() in words]
    if "-1" in found and not {"0", "1"} & set(counts):
        found.remove("-1")
    return [
        f"{counts[label]} images have the label {label}, which often means uncertain or not known: "
        "it is read as a class of its own. Leave these rows out, or give them a label."
        for label in found
    ]


def _written_twice(counts: Counter[str]) -> list[str]:
    """Say which classes are perhaps one, written in two ways."""
    names = [label for label, _ in counts.most_common(MOST_COMPARED)]
    found: list[str] = []
    for number, first in enumerate(names):
        for second in names[number + 1 :]:
            if reason := _likeness(first, second):
                found.append(
                    f"Classes {first} and {second} {reason}: they may be one class written twice "
                    f"({counts[first]} and {counts[second]} images)."
                )
    more = len(found) - SHOWN
    return found[:SHOWN] + ([f"{more} more pairs of classes are much alike."] if more > 0 else [])


def _likeness(first: str, second: str) -> str:
    """Return how two names are nearly the same, or nothing."""
    plain = ["".join(c for c in name.casefold() if c.isalnum()) for name in (first, second)]
    if plain[0] == plain[1] and any(letter.isalpha() for letter in plain[0]):
        return "differ only in capitals, spaces or marks"
    short = min(len(first), len(second))
    letters = "".join(plain)
    if short < SHORTEST_WORD or any(c.isdigit() for c in letters) or _differs_at_start(plain):
        return ""
    alike = SequenceMatcher(None, *plain, autojunk=False).ratio() >= LIKENESS
    return "differ only in a letter or two" if alike and abs(len(first) - len(second)) < 2 else ""


def _differs_at_start(plain: list[str]) -> bool:
    """Whether one word is the other with a prefix, such as typical and atypical."""
    return plain[0][:2] != plain[1][:2]


def _no_class(counts: Counter[str]) -> list[str]:
    """Say if many different numbers stand where classes should."""
    fractions = [label for label in counts if _is_number(label) and not _is_whole(label)]
    if len(fractions) <= FEWEST_TO_DOUBT:
        return []
    return [
        f"The labels are {len(counts)} different numbers, as of a measurement: each is read as a "
        "class of its own."
    ]


def _is_number(text: str) -> bool:
    """Whether a label is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_whole(text: str) -> bool:
    """Whether a number has no fraction."""
    try:
        return float(text).is_integer()
    except OverflowError:
        return False
