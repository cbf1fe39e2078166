"""Commands that look at datasets: ``datasets``, ``check``, ``prepare``."""

import os
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from coreset_lib.cli.options import (
    Blank,
    Cache,
    DataRoot,
    Dataset,
    Ending,
    GreyWindow,
    GroupBy,
    ImageFolder,
    ImageSize,
    KeepPatientIds,
    LabelColumn,
    LabelsPerImage,
    LeaveCopiesOut,
    PathColumn,
    SkipBad,
    Uncertain,
    cache_folder,
)
from coreset_lib.cli.progress import preparation_bar
from coreset_lib.cli.report_text import report_lines
from coreset_lib.datasets.dataset_list import DEFAULT_SIZE
from coreset_lib.datasets.files.grey_window import FROM_FILE
from coreset_lib.datasets.sources import named_source

if TYPE_CHECKING:
    from coreset_lib.datasets import DatasetReport
    from coreset_lib.datasets.sources.choices import ReadingChoices


def datasets(data_root: DataRoot = None, cache: Cache = None) -> None:
    """List the known datasets: present or not, size, classes, licence."""
    del cache  # taken by every command
    from coreset_lib.datasets import list_datasets

    row = "{:<20} {:<8} {:>24} {:>8} {:<8} {}"
    typer.echo(
        row.format("name", "present", "train/val/test", "classes", "colour", "title, licence")
    )
    for info in list_datasets(data_root):
        sizes = "/".join(map(str, info.split_sizes)) if any(info.split_sizes) else "-"
        colour = {0: "-", 1: "grey", 3: "RGB"}[info.n_channels]
        colour += " 3-D" if info.is_volumetric else ""
        about = "; ".join(filter(None, (info.title, info.licence)))
        about += f" ({info.problem})" if info.problem else ""
        present = "yes" if info.is_present else "no"
        typer.echo(row.format(info.name, present, sizes, info.n_classes or "-", colour, about))


def check(
    dataset: Dataset,
    data_root: DataRoot = None,
    image_size: ImageSize = 28,
    grey_window: GreyWindow = "file",
    path_column: PathColumn = "",
    label_column: LabelColumn = "",
    image_folder: ImageFolder = "",
    ending: Ending = "",
    labels_per_image: LabelsPerImage = "",
    uncertain: Uncertain = "",
    blank: Blank = "",
    group_by: GroupBy = "",
    leave_copies_out: LeaveCopiesOut = False,
    cache: Cache = None,
) -> None:
    """Report classes, sizes, copies, leaks and unreadable files, with a verdict."""
    from coreset_lib.datasets import dataset_report, load_dataset
    from coreset_lib.datasets.sources.choices import ReadingChoices

    choices = ReadingChoices(
        path_column=path_column,
        label_column=label_column,
        image_folder=image_folder,
        ending=ending,
        labels_per_image=labels_per_image,
        uncertain=uncertain,
        blank=blank,
        group_by=group_by,
    )
    with preparation_bar() as progress:
        images = load_dataset(
            dataset,
            data_root=data_root,
            image_size=image_size,
            grey_window=grey_window,
            skip_bad=True,  # a report is there to list them
            cache=cache_folder(cache),
            choices=choices,
            leave_copies_out=leave_copies_out,
            progress=progress,
        )
    report = dataset_report(images, cache=cache_folder(cache))
    *lines, conclusion = report_lines(report)
    for line in lines:
        typer.echo(line)
    if report.readiness != "unfit":
        start = _start_of(dataset, data_root, image_size, grey_window)
        read = _choice_words(choices, leave_copies_out=leave_copies_out)
        typer.echo(f"to train: {start}{read}{_training_options(report)}")
    typer.echo(conclusion)


def _start_of(dataset: str, data_root: Path | None, image_size: int, grey_window: str) -> str:
    """Return the beginning of the command that trains on what was checked."""
    words = ["coreset-lens", "train", "--dataset", dataset]
    words += [] if data_root is None else ["--data-root", str(data_root)]
    words += [] if image_size == DEFAULT_SIZE else ["--image-size", str(image_size)]
    words += [] if grey_window == FROM_FILE else ["--grey-window", grey_window]
    return shlex.join(words)


def _choice_words(choices: "ReadingChoices", *, leave_copies_out: bool) -> str:
    """Return the options that say how the dataset is read."""
    words: list[str] = []
    for name, value in asdict(choices).items():
        words += [f"--{name.replace('_', '-')}", value] if value else []
    words += ["--leave-copies-out"] if leave_copies_out else []
    return f" {shlex.join(words)}" if words else ""


def _training_options(report: "DatasetReport") -> str:
    """Return the options that suit a dataset, and why."""
    from coreset_lib.datasets.checking.report import LARGEST_IMBALANCE
    from coreset_lib.datasets.checking.suggestion import may_have_gpu, suggest_training

    suggestion = suggest_training(
        report.splits[0].n_samples,
        max(report.image_size),
        n_channels=report.n_channels,
        has_gpu=may_have_gpu(),
        is_volumetric=report.depth > 0,
    )
    fields = suggestion.fields
    text = f" --model {fields['model']} --epochs {fields['epochs']}"
    text += f" --batch-size {fields['batch_size']} --lr {fields['learning_rate']:g}"
    if report.imbalance_ratio >= LARGEST_IMBALANCE:
        text += " --class-weighted-loss"
    if report.files is not None and report.files.bad:
        text += " --skip-bad"
    return f"{text}  ({suggestion.reason})"


def prepare(
    dataset: Dataset,
    data_root: DataRoot = None,
    image_size: ImageSize = 28,
    grey_window: GreyWindow = "file",
    skip_bad: SkipBad = False,
    keep_patient_ids: KeepPatientIds = False,
    path_column: PathColumn = "",
    label_column: LabelColumn = "",
    image_folder: ImageFolder = "",
    ending: Ending = "",
    labels_per_image: LabelsPerImage = "",
    uncertain: Uncertain = "",
    blank: Blank = "",
    group_by: GroupBy = "",
    cache: Cache = None,
) -> None:
    """Decode the images of a folder or table once; check and train then start at once."""
    from coreset_lib.datasets import load_dataset
    from coreset_lib.datasets.sources.choices import ReadingChoices

    choices = ReadingChoices(
        path_column=path_column,
        label_column=label_column,
        image_folder=image_folder,
        ending=ending,
        labels_per_image=labels_per_image,
        uncertain=uncertain,
        blank=blank,
        group_by=group_by,
    )
    with preparation_bar() as progress:
        images = load_dataset(
            dataset,
            data_root=data_root,
            image_size=image_size,
            grey_window=grey_window,
            skip_bad=skip_bad,
            keep_patient_ids=keep_patient_ids,
            again=True,
            cache=cache_folder(cache),
            choices=choices,
            progress=progress,
        )
    sizes = "/".join(str(len(split)) for split in (images.train, images.val, images.test))
    kind = "volumes" if images.depth else "images"
    typer.echo(f"{images.name}: {sizes} {kind} of {images.form_text} are ready")
    left_out = images.origin.bad if images.origin else ()
    for source, reason in left_out:
        typer.echo(f"left out: {source} {reason}", err=True)


def absolute_dataset(dataset: str, data_root: Path | None = None) -> str:
    """Return a path in full, so that a process elsewhere finds it; names stay as they are."""
    is_in_root = data_root is not None and os.path.exists(data_root / dataset)
    is_name = named_source(dataset) is not None
    is_path = os.path.exists(dataset) and not is_in_root and not is_name
    return os.path.abspath(dataset) if is_path else dataset


COMMANDS = (datasets, check, prepare)
