"""Where an image lies that a table names: as written, with other slashes, by ending or by name."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from coreset_lib.datasets.sources.listing import ALL_SUFFIXES, is_within, shown, split_ending

MOST_INDEXED = 500_000


class ImageFinder:
    """Finds files for the cells of a table.

    Parameters
    ----------
    folder : str
        Of the table.
    roots : sequence of Path, optional
        The only folders that are searched by name; None allows all.
    ending : str
        What is added to every name that does not end so.
    """

    def __init__(
        self, folder: str, roots: Sequence[Path] | None = None, *, ending: str = ""
    ) -> None:
        self.folder = folder
        self.ending = ending
        self.roots = roots
        self.found_by: Counter[str] = Counter()
        self._by_name: dict[str, str] | None = None

    def find(self, written: str) -> str:
        """Return the path of a file, also if it is not there, and count how it was found."""
        path, how = self._locate(written)
        if how:
            self.found_by[how] += 1
        return path

    def locate(self, written: str) -> str:
        """Return the path of a file without counting how it was found."""
        return self._locate(written)[0]

    def has(self, written: str) -> bool:
        """Whether a cell names a file that is there."""
        return os.path.isfile(self._locate(written)[0])

    def _locate(self, written: str) -> tuple[str, str]:
        """Return the path of a file and how it was found; "" if as written, or not at all."""
        if self.ending and not written.lower().endswith(self.ending.lower()):
            written += self.ending
        plain = os.path.join(self.folder, os.path.expanduser(written))
        if _exists(plain) and not os.path.isdir(plain):
            return plain, ""
        turned = os.path.join(self.folder, written.replace("\\", "/"))
        if turned != plain and _exists(turned):
            return turned, "with / for \\"
        if not turned.lower().endswith(ALL_SUFFIXES):
            for ending in ALL_SUFFIXES:
                if _exists(turned + ending):
                    return turned + ending, f"with the ending {ending}"
        first, _, below = written.replace("\\", "/").partition("/")
        if "/" in below and first == os.path.basename(self.folder):
            inside = os.path.join(self.folder, below)
            if _exists(inside):
                return inside, f"inside the folder {shown(first)} itself"
        above, name = os.path.split(turned)
        if "/" in written.replace("\\", "/") and _exists(above):
            return plain, ""  # another file of this name, in another folder, is another image
        found = self._index().get(name.lower(), "")
        place = os.path.relpath(os.path.dirname(found), self.folder) if found else ""
        return found or plain, f"by name in the folder {shown(place)}" if found else ""

    def notes(self) -> list[str]:
        """Say how many files were found otherwise than as written."""
        return [
            f"{count} image{' was' if count == 1 else 's were'} found {how}."
            for how, count in self.found_by.most_common(3)
        ]

    def _index(self) -> dict[str, str]:
        """Return the images below the folder by name, with ending and without; none that are two.

        Searched once, and only where a table needs it.
        """
        if self._by_name is None:
            self._by_name = {}
            if is_within(self.folder, self.roots):
                self._by_name = self._images_below()
        return self._by_name

    def _images_below(self) -> dict[str, str]:
        """Return the images below the folder by their names."""
        found: dict[str, str] = {}
        for place, _, names in os.walk(self.folder):
            for name in names:
                stem, ending = split_ending(name.lower())
                if ending not in ALL_SUFFIXES:
                    continue
                for key in {name.lower(), stem}:
                    found[key] = "" if key in found else os.path.join(place, name)
            if len(found) > 2 * MOST_INDEXED:
                break
        return found


def _exists(path: str) -> bool:
    """Whether there is something at a path."""
    try:
        os.stat(path)
    except (OSError, ValueError):
        return False
    return True
