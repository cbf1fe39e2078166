"""What keeps samples together in a split: patient, else study, else series, else folder."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from coreset_lib.datasets.files.pseudonyms import names_nobody

FEWEST_TO_DOUBT = 3


class Ids(NamedTuple):
    """Ids of one sample, "" for unknown; ``group`` is what its source keeps together."""

    patient: str
    study: str = ""
    series: str = ""
    group: str = ""


class GroupKeys(NamedTuple):
    """One key per sample, "" for none, and what a key is; ``patients`` without placeholders.

    ``concerns`` is what a person has to look at, ``notes`` what is good to know.
    """

    keys: list[str]
    unit: str
    patients: list[str]
    notes: list[str]
    concerns: list[str]


def group_keys(
    ids: Sequence[Ids], *, group_word: str = "group", is_group_first: bool = False
) -> GroupKeys:
    """Return what samples are kept together by.

    Parameters
    ----------
    ids : sequence of Ids, shape (samples,)
    group_word : str
        What ``Ids.group`` stands for.
    is_group_first : bool
        Whether groups go before patients, since a person chose them.

    Notes
    -----
    An id that all samples carry tells nobody apart, as anonymisers write it: the next kind is
    taken. A sample without a patient is kept with its study, series or folder.
    """
    notes: list[str] = []
    patients, concerns = _real_patients([each.patient for each in ids])
    columns = {"patient": patients}
    columns |= {"study": [each.study for each in ids], "series": [each.series for each in ids]}
    columns[group_word] = [each.group for each in ids]
    for word in ("study", "series", group_word):
        if _is_one_for_all(columns[word]):
            columns[word] = [""] * len(ids)
    if is_group_first:
        columns = {group_word: columns[group_word], **columns}
    keys: list[str] = []
    used: list[str] = []
    for row in zip(*columns.values(), strict=True):
        word, value = next(((w, v) for w, v in zip(columns, row, strict=True) if v), ("image", ""))
        keys.append(f"{word}:{value}" if value else "")
        used.append(word)
    unit = next((word for word in columns if word in used), "image")
    if unit in ("study", "series"):
        word = "studies" if unit == "study" else "series"
        notes.append(
            f"Images without a patient are kept together by DICOM {unit} "
            f"({len(set(keys) - {''})} {word})."
        )
    return GroupKeys(keys, unit, patients, notes, concerns)


def _real_patients(given: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return patients without what names nobody, and what to say of that."""
    known = {"0"} if "1" in given else set[str]()  # patients numbered from 0
    patients = ["" if names_nobody(p) and p not in known else p for p in given]
    n_nobody = sum(bool(old) and not new for old, new in zip(given, patients, strict=True))
    if _is_one_for_all(given) or _is_one_for_all(patients):
        return [""] * len(given), [
            f"All {len(given)} images carry the same patient id, as anonymisers write it: it was "
            "not used to keep patients together."
        ]
    if not n_nobody:
        return patients, []
    return patients, [
        f"{n_nobody} of {len(given)} images carry a placeholder (such as unknown, NA or 0) instead "
        "of a patient id: no patient was made of it."
    ]


def shared_groups(keys: Sequence[str], parts: Sequence[str], unit: str) -> list[str]:
    """Say which groups lie in several given splits."""
    places: dict[str, set[str]] = {}
    for key, part in zip(keys, parts, strict=True):
        if key and not key.startswith("patient:"):
            places.setdefault(key, set()).add(part)
    shared = {key for key, found in places.items() if len(found) > 1}
    if not shared:
        return []
    count = sum(key in shared for key in keys)
    return [
        f"{count} images of {len(shared)} groups ({unit}) lie in several of the given splits: "
        "results may look better than they are."
    ]


def largest_group(keys: Sequence[str], unit: str) -> str:
    """Say how many of all samples the largest group holds, where that is more than half."""
    counts = Counter(filter(None, keys))
    if not counts or 2 * max(counts.values()) <= len(keys):
        return ""
    return f" {max(counts.values())} of {len(keys)} images belong to one {unit} and stay together."


def _is_one_for_all(values: Sequence[str]) -> bool:
    """Whether every sample, of several, has the same id."""
    return len(values) >= FEWEST_TO_DOUBT and len(set(values)) == 1 and bool(values[0])
