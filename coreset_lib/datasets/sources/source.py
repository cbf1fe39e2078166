"""What a source of datasets is asked, and what it answers."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from coreset_lib.configs import IMAGE_SIZES
from coreset_lib.datasets.files.grey_window import FROM_FILE
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.datasets.sources.choices import NO_CHOICES, ReadingChoices
from coreset_lib.datasets.sources.listing import Listing, shown

DEFAULT_SIZE = 28


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """One line of the list of datasets.

    Attributes
    ----------
    name : str
        What to give to `load_dataset`.
    title, task, licence : str
        For people; ``task`` is "binary-class", "multi-class", "ordinal-regression" or
        "multi-label, binary-class".
    is_volumetric : bool
        Whether samples are volumes, which need a network of their own.
    is_wide : bool
        Whether an array holds values of 16 bits, which a grey window makes visible.
    has_sides : bool, optional
        Whether images must not be mirrored; None where nobody has said.
    n_classes, n_channels : int
        0 if the file cannot be read, or has not been looked into.
    class_names : tuple of str
    split_sizes : tuple of int
        Samples of train, val and test.
    available_sizes, present_sizes : tuple of int
        Image sizes in pixels that exist, and those that are here without a download.
    is_present, is_synthetic : bool
    where : str
        Path of the file (where it would be put if absent), or "generated".
    problem : str
        Why the file cannot be read; empty if it can.
    """

    name: str
    title: str
    task: str = ""
    n_classes: int = 0
    class_names: tuple[str, ...] = ()
    n_channels: int = 0
    split_sizes: tuple[int, int, int] = (0, 0, 0)
    available_sizes: tuple[int, ...] = ()
    present_sizes: tuple[int, ...] = ()
    licence: str = ""
    is_present: bool = True
    where: str
    is_synthetic: bool = False
    is_volumetric: bool = False
    is_wide: bool = False
    has_sides: bool | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How a person wants a dataset to be read.

    Attributes
    ----------
    image_size : int
        Height and width in pixels.
    grey_window : str
        Grey window of values of more than 8 bits, see `parse_grey_window`.
    data_root : Path, optional
        Folder with datasets.
    roots : sequence of Path, optional
        The only folders that files may come from; None allows all.
    keep_patient_ids : bool
        Keep columns that name people.
    choices : ReadingChoices
        What a person said where names do not tell.
    """

    image_size: int = DEFAULT_SIZE
    grey_window: str = FROM_FILE
    data_root: Path | None = None
    roots: Sequence[Path] | None = None
    keep_patient_ids: bool = False
    choices: ReadingChoices = NO_CHOICES


class Source:
    """One kind of dataset: those with a name of their own, or files and folders of one form.

    Attributes
    ----------
    suffixes : tuple of str
        How names of its files end, small letters, with the dot.
    may_leave_out_suffix : bool
        Whether a person may leave the suffix out.
    scales_images : bool
        Whether images are scaled to the size that a person chooses.
    choices : tuple of str
        Fields of `ReadingChoices` that mean something to it.
    """

    suffixes: tuple[str, ...] = ()
    may_leave_out_suffix: bool = False
    scales_images: bool = True
    choices: tuple[str, ...] = ()

    def names(self) -> Sequence[str]:
        """Return the datasets that need no path, small letters."""
        return ()

    def takes(self, path: Path) -> bool:
        """Whether a file or folder that exists is to be read by this source."""
        return path.suffix.lower() in self.suffixes and not os.path.isdir(path)

    def is_listed(self, path: Path) -> bool:
        """Whether what it takes looks enough like a dataset to stand in a list of a folder."""
        return os.path.isfile(path)

    def load(self, place: str | Path, options: ReadingOptions) -> LabeledImages | Listing:
        """Return a dataset, or a list of files to be decoded and split.

        Parameters
        ----------
        place : str or Path
            One of `names`, or a path that the source takes.
        options : ReadingOptions

        Raises
        ------
        DatasetError
            If it is absent, damaged or unfit for training.
        """
        raise NotImplementedError

    def list_named(self, data_root: Path | None) -> list[DatasetInfo]:
        """Return a line for each of `names`, whether it is here or not; read no pixels."""
        return []

    def summarise(self, path: Path) -> DatasetInfo:
        """Return a line for a path that the source takes, also if it cannot be read."""
        return DatasetInfo(name=self.name_of(path), title=path.name, where=str(path))

    def name_of(self, path: Path) -> str:
        """Return what a person gives to `load_dataset`, next to the folder that it lies in."""
        return path.stem if self.may_leave_out_suffix else path.name


def image_files_info(path: Path, kind: str) -> DatasetInfo:
    """Return the line of a source that names image files, of which only the name is known."""
    return DatasetInfo(
        name=path.name,
        title=f"{shown(path.name)} ({kind})",
        available_sizes=IMAGE_SIZES,
        present_sizes=IMAGE_SIZES,
        where=str(path),
    )
