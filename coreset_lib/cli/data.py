"""Commands that look at datasets: ``datasets``, ``check``, ``prepare``."""

import os
from pathlib import Path

import typer

from coreset_lib.cli.options import (
    Cache,
    DataRoot,
    Dataset,
    GreyWindow,
    ImageSize,
    KeepPatientIds,
    SkipBad,
    cache_folder,
)
from coreset_lib.cli.progress import preparation_bar
from coreset_lib.cli.report_text import report_lines
from coreset_lib.datasets.medmnist_table import MEDMNIST_SETS


def datasets(data_root: DataRoot = None) -> None:
    """List the known datasets: present or not, size, classes, licence."""
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
    window: GreyWindow = "file",
    cache: Cache = None,
) -> None:
    """Report classes, sizes, copies, leaks and unreadable files, with a verdict."""
    from coreset_lib.datasets import dataset_report, load_dataset

    with preparation_bar() as progress:
        images = load_dataset(
            dataset,
            data_root=data_root,
            image_size=image_size,
            window=window,
            skip_bad=True,  # a report is there to list them
            cache=cache_folder(cache),
            progress=progress,
        )
    for line in report_lines(dataset_report(images)):
        typer.echo(line)


def prepare(
    dataset: Dataset,
    data_root: DataRoot = None,
    image_size: ImageSize = 28,
    window: GreyWindow = "file",
    skip_bad: SkipBad = False,
    keep_patient_ids: KeepPatientIds = False,
    cache: Cache = None,
) -> None:
    """Decode the images of a folder or table once; check and train then start at once."""
    from coreset_lib.datasets import load_dataset

    with preparation_bar() as progress:
        images = load_dataset(
            dataset,
            data_root=data_root,
            image_size=image_size,
            window=window,
            skip_bad=skip_bad,
            keep_patient_ids=keep_patient_ids,
            again=True,
            cache=cache_folder(cache),
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
    is_name = dataset.lower() in ("phantom", *MEDMNIST_SETS)
    is_path = os.path.exists(dataset) and not is_in_root and not is_name
    return os.path.abspath(dataset) if is_path else dataset


COMMANDS = (datasets, check, prepare)
