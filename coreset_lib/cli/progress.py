"""Long work in the foreground, with a progress bar."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from coreset_lib.runs.paths import RunPaths

if TYPE_CHECKING:
    from coreset_lib.datasets.labeled_images import LabeledImages
    from coreset_lib.datasets.preparing.prepare import Progress


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


def train_here(
    paths: RunPaths, n_epochs: int, dataset: "LabeledImages", *, processes: int | None = None
) -> bool:
    """Train in this process once the device is free; Ctrl-C stops after the batch.

    Parameters
    ----------
    paths : RunPaths
        A run just created, or one to resume.
    n_epochs : int
        For the progress bar.
    dataset : LabeledImages
        The run's dataset, known to be the one it was created for.
    processes : int, optional
        How many train it together; by default as many as before, at first one.

    Returns
    -------
    bool
        Whether it was trained to the end; False if it was stopped.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from coreset_lib.jobs.device_queue.waiting import train_in_turn
    from coreset_lib.jobs.states import open_run
    from coreset_lib.runs.lock import training_lock
    from coreset_lib.runs.resume import prepare_start
    from coreset_lib.runs.status import write_status
    from coreset_lib.training.loop import EpochMetrics
    from coreset_lib.training.running.stopping import stop_on_signals
    from coreset_lib.training.running.worker import logging_to

    columns = (
        TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with training_lock(paths), logging_to(paths), Progress(*columns, console=console) as progress:
        status = prepare_start(open_run(paths), processes=processes)
        write_status(paths, status)
        task = progress.add_task("", total=n_epochs, completed=status.epoch)

        def show(metrics: EpochMetrics) -> None:
            text = f"val accuracy {metrics.val_accuracy:.3f}"
            if metrics.val_auc is not None:
                text = f"val AUC {metrics.val_auc:.3f}, exact match {metrics.val_accuracy:.3f}"
            if metrics.epoch == n_epochs:
                text += ", making the embedding and the map"
            progress.update(task, completed=metrics.epoch, description=text)

        def show_wait(ahead: list[str]) -> None:
            others = f", {len(ahead)} more before this one" if ahead else ""
            console.print(f"waiting: the device is training another run{others}")

        status = train_in_turn(
            paths, dataset=dataset, on_epoch=show, on_wait=show_wait, stop=stop_on_signals(paths)
        )
    for note in status.notes:
        typer.echo(note, err=True)
    if status.state == "stopped":
        typer.echo(f"stopped after {status.epoch} of {status.epochs} epochs", err=True)
    return status.state == "finished"
