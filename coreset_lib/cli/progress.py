"""Long work in the foreground, with a progress bar."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from coreset_lib import workflows
from coreset_lib.runs.records import Status
from coreset_lib.runs.store import Run
from coreset_lib.workflows import Watch

if TYPE_CHECKING:
    from coreset_lib.datasets.labeled_images import LabeledImages
    from coreset_lib.datasets.preparing.prepare import Progress
    from coreset_lib.training.loop import EpochMetrics


@contextmanager
def preparation_bar() -> "Generator[Progress]":
    """Yield what to tell of files decoded; a bar appears with the first of them."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("reading images"),
        MofNCompleteColumn(),
        BarColumn(),
        TimeRemainingColumn(),
    )
    bar = Bar(*columns, console=Console(stderr=True))

    def show(done: int, total: int) -> None:
        if not bar.tasks:
            bar.add_task("", total=total)
            bar.start()
        bar.update(bar.tasks[0].id, completed=done)

    try:
        yield show
    finally:
        if bar.tasks:
            bar.stop()


@contextmanager
def training_bar() -> "Generator[Watch]":
    """Yield who is told of a training in this process; a bar appears once it is begun."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True))

    def begin(status: Status) -> None:
        bar.add_task("", total=status.epochs, completed=status.epoch)
        bar.start()

    def show(metrics: "EpochMetrics") -> None:
        text = f"val accuracy {metrics.val_accuracy:.3f}"
        if metrics.val_auc is not None:
            text = f"val AUC {metrics.val_auc:.3f}, exact match {metrics.val_accuracy:.3f}"
        task = bar.tasks[0]
        if metrics.epoch == task.total:
            text += ", making the embedding and the map"
        bar.update(task.id, completed=metrics.epoch, description=text)

    def show_wait(ahead: list[str]) -> None:
        others = f", {len(ahead)} more before this one" if ahead else ""
        bar.console.print(f"waiting: the device is training another run{others}")

    try:
        yield Watch(on_start=begin, on_epoch=show, on_wait=show_wait)
    finally:
        if bar.tasks:
            bar.stop()


def train_here(run: Run, dataset: "LabeledImages", *, processes: int | None = None) -> bool:
    """Train in this process, with a bar; say what there is to say, and whether it was finished."""
    with training_bar() as watch:
        status = workflows.train_here(run, dataset, processes=processes, watch=watch)
    for note in status.notes:
        typer.echo(note, err=True)
    if status.state == "stopped":
        typer.echo(f"stopped after {status.epoch} of {status.epochs} epochs", err=True)
    return status.state == "finished"
