"""Commands that look at datasets: ``datasets`` and ``check``."""

import os

import typer

from coreset_lib.cli.options import DataRoot, Dataset, ImageSize


def datasets(data_root: DataRoot = None) -> None:
    """List the known datasets: present or not, size, classes, licence."""
    from coreset_lib.datasets import list_datasets

    row = "{:<20} {:<8} {:>24} {:>8} {:<8} {}"
    typer.echo(
        row.format("name", "present", "train/val/test", "classes", "colour", "title, licence")
    )
    for info in list_datasets(data_root):
        sizes = "/".join(map(str, info.split_sizes)) or "-"
        colour = "RGB" if info.n_channels == 3 else "grey"
        about = f"{info.title}; {info.licence}" + (f" ({info.problem})" if info.problem else "")
        present = "yes" if info.is_present else "no"
        typer.echo(row.format(info.name, present, sizes, info.n_classes, colour, about))


def check(dataset: Dataset, data_root: DataRoot = None, image_size: ImageSize = 28) -> None:
    """Load a dataset and report its classes, sizes, copies and leaks."""
    from coreset_lib.datasets import dataset_report, load_dataset

    report = dataset_report(load_dataset(dataset, data_root=data_root, image_size=image_size))
    height, width = report.image_size
    typer.echo(f"{report.name}: {report.title}")
    typer.echo(f"images: {height}x{width}, {'RGB' if report.n_channels == 3 else 'greyscale'}")
    for split in report.splits:
        counts = ", ".join(
            f"{name} {count}"
            for name, count in zip(report.class_names, split.class_counts, strict=True)
        )
        typer.echo(f"{split.part}: {split.n_samples} ({counts})")
    typer.echo(f"largest to smallest class: {report.imbalance_ratio:.1f}")
    typer.echo(
        f"grey values: {report.intensity_min} to {report.intensity_max}, "
        f"mean {report.intensity_mean:.1f}"
    )
    typer.echo(f"fingerprint: {report.fingerprint}")
    for warning in report.warnings:
        typer.echo(f"note: {warning}")
    if not report.warnings:
        typer.echo("nothing stands out")


def absolute_dataset(dataset: str) -> str:
    """Return a path in full, so that a process elsewhere finds it; names stay as they are."""
    return os.path.abspath(dataset) if os.path.isfile(dataset) else dataset


COMMANDS = (datasets, check)
