"""What a person decides about how files become samples, where names alone do not tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

from coreset_lib.checks import check_choice
from coreset_lib.configs import LABELS_PER_IMAGE, MARK_POLICIES
from coreset_lib.errors import DatasetError

FOLDER = "folder"


@dataclass(frozen=True, kw_only=True)
class ReadingChoices:
    """How a table, or a folder, is to be read; what is empty is guessed from the names.

    Attributes
    ----------
    path_column : str
        Column with the names of the files.
    label_column : str
        Column with the labels; several, with commas, hold a mark (1, 0, -1, blank) each;
        "folder" takes the folder that a file lies in, counted from the table's.
    image_folder : str
        Where the files lie, absolute or from the table's folder.
    ending : str
        What is missing at the end of the names, such as .png.
    labels_per_image : str
        "one" class, or "several" labels: of marks, or of cells such as ``A|B``.
    uncertain, blank : str
        What the mark -1, and an empty cell, mean: "positive", "negative" or "leave-out" the
        row. Empty: rows with -1 are left out, an empty mark among several is negative.
    group_by : str
        What keeps images together in a split: a column, "folder", or a regular expression
        for the name of the file (its first group, else all that matches).
    """

    path_column: str = ""
    label_column: str = ""
    image_folder: str = ""
    ending: str = ""
    labels_per_image: str = ""
    uncertain: str = ""
    blank: str = ""
    group_by: str = ""

    def __post_init__(self) -> None:
        check_choice("labels per image", self.labels_per_image, LABELS_PER_IMAGE)
        check_choice("uncertain", self.uncertain, MARK_POLICIES)
        check_choice("blank", self.blank, MARK_POLICIES)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Return the choices among training options."""
        return cls(**{each.name: options[each.name] for each in fields(cls)})

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The columns with labels, as they were given."""
        return tuple(filter(None, (part.strip() for part in self.label_column.split(","))))

    def check_for(self, kind: str, *, takes: Sequence[str] = ()) -> None:
        """Raise DatasetError where a choice means nothing for this kind of source."""
        for each in fields(self):
            value = getattr(self, each.name)
            if value and each.name not in takes:
                flag = f"--{each.name.replace('_', '-')}"
                raise DatasetError(
                    f"{flag} says how a table of images is read, got {value!r} for {kind}. "
                    "Leave it out."
                )


NO_CHOICES = ReadingChoices()
