"""Words for train, val and test, as people spell them in the names of folders and in tables."""

import re

_WORDS = {
    "train": ("train", "training", "trn", "trainval", "entrainement", "entrenamiento"),
    "val": (
        *("val", "valid", "validation", "validate", "validating", "vali", "dev", "devel"),
        *("development", "tune", "tuning", "validierung"),
    ),
    "test": ("test", "testing", "tst", "eval", "evaluation", "holdout", "heldout", "holdoutset"),
}
_PART_OF = {word: part for part, words in _WORDS.items() for word in words}
_FILLERS = {
    *("set", "sets", "data", "dataset", "dataset", "split", "subset", "partition", "part"),
    *("folder", "dir", "image", "images", "img", "imgs", "png", "jpg", "jpeg", "dicom", "dcm"),
    *("files", "input", "inputs", "the", "final", "pictures", "cases", "samples"),
}
_GLUED = re.compile(r"(.+?)(?:set|data|dataset|split|images|imgs|img)")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")


def part_of(name: str) -> str:
    """Return "train", "val" or "test" where a name is a word for it, else "".

    Parameters
    ----------
    name : str
        For example ``Train``, ``training_set``, ``valid``, ``TestData``, ``hold-out``, ``val2017``.
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    for text in (spaced, name):
        words = re.findall(r"[a-z]+|[0-9]+", text.lower())
        kept = [word for word in words if word not in _FILLERS and not _YEAR.fullmatch(word)]
        if part := _part("".join(kept)):
            return part
    return ""


def _part(word: str) -> str:
    """Return the split of one word, also with a word such as set glued to it."""
    glued = _GLUED.fullmatch(word)
    return _PART_OF.get(word) or (_PART_OF.get(glued[1], "") if glued else "")


def is_plain(name: str) -> bool:
    """Whether a name is one of the usual words, which nobody needs to be told about."""
    return name.lower() in ("train", "training", "val", "valid", "validation", "test", "testing")
