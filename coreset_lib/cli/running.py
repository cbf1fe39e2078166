"""Commands that train and watch runs: ``train``, ``runs``, ``stop``, ``logs``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from coreset_lib.cli.data import absolute_dataset
from coreset_lib.cli.options import (
    Cache,
    DataRoot,
    Dataset,
    ImageSize,
    RunName,
    cache_folder,
    find_run,
)
from coreset_lib.configs import MODELS, RECORDINGS, TrainingConfig
from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.store import RunStore
from coreset_lib.runs.summary import summarise


def train(
    dataset: Dataset,
    data_root: DataRoot = None,
    image_size: ImageSize = 28,
    model: Annotated[str, typer.Option(help=f"Surrogate: {', '.join(MODELS)}")] = "resnet18",
    epochs: Annotated[int, typer.Option(help="Passes over the training split")] = 200,
    batch_size: Annotated[int, typer.Option(help="Samples per update")] = 256,
    lr: Annotated[float, typer.Option("--lr", help="First learning rate of the cosine")] = 0.1,
    seed: Annotated[int, typer.Option(help="Decides weights and order")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps")] = "auto",
    recording: Annotated[
        str, typer.Option(help=f"When to record: {', '.join(RECORDINGS)}")
    ] = "minibatch",
    background: Annotated[
        bool, typer.Option("--background", help="Return at once; training goes on")
    ] = False,
    cache: Cache = None,
) -> None:
    """Train a surrogate network and record how each sample is learned."""
    from coreset_lib.datasets import load_dataset
    from coreset_lib.runs.create import create_run
    from coreset_lib.training.device import resolve_device

    config = TrainingConfig(
        dataset=absolute_dataset(dataset),
        data_root=None if data_root is None else str(Path(data_root).resolve()),
        image_size=image_size,
        model=model,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=lr,
        final_learning_rate=min(1e-4, lr),
        seed=seed,
        device=device,
        recording=recording,
    )
    resolve_device(device)
    images = load_dataset(config.dataset, data_root=config.data_root, image_size=image_size)
    paths = create_run(cache_folder(cache), config, images)
    if background:
        from coreset_lib.jobs import local

        local.start(paths)
    else:
        _train_here(paths, config.epochs)
    typer.echo(f"run: {paths.root.name}")


def _train_here(paths: RunPaths, n_epochs: int) -> None:
    """Train in this process with a progress bar; Ctrl-C stops after the batch."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from coreset_lib.training.loop import EpochMetrics
    from coreset_lib.training.stopping import stop_on_signals
    from coreset_lib.training.worker import logging_to, train_run

    columns = (
        TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with logging_to(paths), Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=n_epochs)

        def show(metrics: EpochMetrics) -> None:
            text = f"val accuracy {metrics.val_accuracy:.3f}"
            if metrics.epoch == n_epochs:
                text += ", making the embedding and the map"
            progress.update(task, completed=metrics.epoch, description=text)

        status = train_run(paths, on_epoch=show, stop=stop_on_signals(paths))
    for note in status.notes:
        typer.echo(note, err=True)
    if status.state == "stopped":
        typer.echo(f"stopped after {status.epoch} of {status.epochs} epochs", err=True)


def runs(
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects")] = False,
    cache: Cache = None,
) -> None:
    """List the runs, newest first, with what each is doing now."""
    summaries = [summarise(run) for run in RunStore(cache_folder(cache)).runs()]
    if as_json:
        typer.echo(json.dumps([asdict(s) for s in summaries], indent=2, ensure_ascii=False))
        return
    if not summaries:
        typer.echo("no runs yet; start one with: coreset-lens train --dataset phantom")
    for summary in summaries:
        progress = f"{summary.epoch}/{summary.epochs}"
        line = f"{summary.run_id:<56} {summary.state:<12} {progress:>9}  "
        typer.echo((line + (summary.error or summary.step)).rstrip())


def stop(run: RunName, cache: Cache = None) -> None:
    """Stop a run; its complete epochs are kept."""
    from coreset_lib.jobs import local

    found = find_run(cache, run)
    status = local.stop(found)
    if status.state in ("queued", "running"):
        typer.echo(f"run {found.run_id} on {status.host} was asked to stop")
    else:
        typer.echo(f"run {found.run_id} {status.state} after {status.epoch} epochs")


def logs(
    run: RunName,
    lines: Annotated[int, typer.Option(help="How many of the last lines")] = 200,
    cache: Cache = None,
) -> None:
    """Print the end of a run's log."""
    if lines < 1:
        raise CoresetError(f"--lines must be at least 1, got {lines}.")
    found = find_run(cache, run)
    text = found.log_tail(lines)
    typer.echo(text or f"the log of run {found.run_id} is empty")


COMMANDS = (train, runs, stop, logs)
