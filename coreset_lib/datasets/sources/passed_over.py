"""Files that a walk through a folder leaves out: counted and named, so that nothing vanishes."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from coreset_lib.datasets.sources.listing import shown

MOST_NAMED = 10
# What lies beside images and is none, as everybody knows.
NO_IMAGES = {
    *(".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".md", ".rst", ".html", ".htm", ".pdf"),
    *(".yaml", ".yml", ".ini", ".log", ".py", ".ipynb", ".sh", ".m", ".r", ".rmd", ".xls", ".xlsx"),
    *(".ods", ".doc", ".docx", ".odt", ".rtf", ".ppt", ".pptx", ".url", ".lnk", ".db", ".cfg"),
    *(".toml", ".css", ".js", ".bib", ".tex", ".md5", ".sha256", ".cff", ".bat", ".rda", ".sql"),
}
_KNOWN_NAMES = ("readme", "license", "licence", "copying", "changelog", "version", "makefile")


@dataclass
class PassedOver:
    """Counts of what was not used."""

    harmless: Counter[str] = field(default_factory=Counter[str])
    unread: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    stray: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    folders: list[str] = field(default_factory=list[str])

    @property
    def n_files(self) -> int:
        """Files that are no image."""
        return sum(self.harmless.values()) + sum(self.unread.values())

    def add(self, name: str, label: str) -> None:
        """Count a file that is no image, or of a kind that is not read."""
        ending = ending_of(name)
        if is_harmless(name):
            self.harmless[ending] += 1
        else:
            self.unread[label, ending] += 1

    def notes(self) -> list[str]:
        """Say what is no image."""
        count = sum(self.harmless.values())
        if not count:
            return []
        subject = "1 file is" if count == 1 else f"{count} files are"
        return [
            f"{subject} no image: passed over.",
            f"Passed over by ending: {_counted(self.harmless.items())}.",
        ]

    def concerns(self, labels: Iterable[str]) -> list[str]:
        """Say what may be an image and was left out, and which classes are lost by it.

        Parameters
        ----------
        labels : iterable of str
            Classes that have images.
        """
        found = list(self.folders[:MOST_NAMED])
        if len(self.folders) > MOST_NAMED:
            found.append(f"{len(self.folders) - MOST_NAMED} more folders were left out.")
        found += self._unread_by_class(set(labels))
        if self.stray:
            count = sum(self.stray.values())
            subject = "1 image lies" if count == 1 else f"{count} images lie"
            found.append(f"{subject} outside the class folders: left out.")
            where = (f"{n} {end} in {place}" for (place, end), n in self.stray.most_common())
            found.append(f"Outside the class folders: {_cut(list(where))}.")
        return found

    def _unread_by_class(self, labels: set[str]) -> list[str]:
        """Return a sentence for each class with files of kinds that are not read."""
        by_class: dict[str, list[tuple[str, int]]] = {}
        for (label, ending), count in self.unread.items():
            by_class.setdefault(label, []).append((ending, count))
        found: list[str] = []
        for label, counts in by_class.items():
            count = sum(n for _, n in counts)
            subject = "1 file" if count == 1 else f"{count} files"
            lost = "" if label in labels else f" No image of class {label} is left: it is missing."
            found.append(
                f"{subject} of class {label} {'is' if count == 1 else 'are'} left out, of kinds "
                f"that are not read: {_counted(counts)}.{lost}"
            )
        return found


def is_harmless(name: str) -> bool:
    """Whether a file is known to be no image by its name."""
    stem, ending = os.path.splitext(name.lower())
    return ending in NO_IMAGES or stem in _KNOWN_NAMES


def ending_of(name: str) -> str:
    """Return how a file's name ends, in small letters, both endings of a packed file."""
    stem, ending = os.path.splitext(name.lower())
    if ending in (".gz", ".bz2", ".xz", ".zip"):
        ending = os.path.splitext(stem)[1][:12] + ending
    return shown(ending[:20]) if ending else "without an ending"


def _counted(counts: Iterable[tuple[str, int]]) -> str:
    """Write endings with their counts, the most frequent first."""
    ordered = sorted(counts, key=lambda pair: (-pair[1], pair[0]))
    return _cut([f"{count} {ending}" for ending, count in ordered])


def _cut(texts: list[str]) -> str:
    """Write texts in a row, a long one cut short."""
    more = len(texts) - MOST_NAMED
    return ", ".join(texts[:MOST_NAMED]) + (f" and {more} more kinds" if more > 0 else "")
