"""Commands that watch, name and stop runs: ``runs``, ``rename``, ``stop``, ``logs``."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from coreset_lib import workflows
from coreset_lib.checks import check_choice
from coreset_lib.cli.options import Cache, RunName, cache_folder, find_run
from coreset_lib.configs import check_device
from coreset_lib.errors import CoresetError
from coreset_lib.runs.leftovers import leftovers_sentence
from coreset_lib.runs.naming import has_tags, read_naming, write_naming
from coreset_lib.runs.records import ACTIVE_STATES
from coreset_lib.runs.summary import summarise

COMPUTED = ("held_out", "pixels", "vgg16", "efficientnet")


def runs(
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects")] = False,
    tag: Annotated[
        list[str] | None, typer.Option(help="Only runs that have this tag; repeatable")
    ] = None,
    cache: Cache = None,
) -> None:
    """List the runs, newest first, with what each is doing now."""
    summaries = [summarise(run) for run in workflows.open_store(cache_folder(cache)).runs()]
    is_empty = not summaries
    summaries = [summary for summary in summaries if has_tags(summary.tags, tag or ())]
    if as_json:
        typer.echo(json.dumps([asdict(s) for s in summaries], indent=2, ensure_ascii=False))
        return
    left = leftovers_sentence(cache_folder(cache))
    if left:
        typer.echo(left, err=True)
    if is_empty:
        typer.echo("no runs yet; start one with: coreset-lens train --dataset phantom")
    elif not summaries:
        typer.echo(f"no run has the tag {' and '.join(tag or ())}")
    for summary in summaries:
        progress = f"{summary.epoch}/{summary.epochs}"
        line = f"{summary.run_id:<56} {summary.state:<12} {progress:>9}  "
        tags = "".join(f" #{word}" for word in summary.tags)
        words = (summary.error or summary.step, summary.name + tags)
        typer.echo((line + "  ".join(filter(None, map(str.strip, words)))).rstrip())


def rename(
    run: RunName,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Its new name; '' takes it away")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Tag to add; repeatable")] = None,
    untag: Annotated[list[str] | None, typer.Option(help="Tag to remove; repeatable")] = None,
    cache: Cache = None,
) -> None:
    """Give a run a name that people read, and tags to find it by."""
    if name is None and not tag and not untag:
        raise CoresetError("rename must get a name, --tag or --untag. For example: RUN --tag pilot")
    found = find_run(cache, run)
    before = read_naming(found.paths)
    absent = [word for word in untag or () if not has_tags(before.tags, [word])]
    if absent:
        raise CoresetError(
            f"--untag must name a tag of run {found.run_id}, got {absent[0]!r}. "
            f"Its tags are: {', '.join(before.tags) or 'none'}."
        )
    kept = [word for word in before.tags if not has_tags(untag or (), [word])]
    naming = replace(before, name=before.name if name is None else name, tags=(*kept, *(tag or ())))
    written = write_naming(found.paths, naming)
    words = [written.name or "no name", *(f"#{word}" for word in written.tags)]
    typer.echo(f"run {found.run_id}: {' '.join(words)}")


def stop(run: RunName, cache: Cache = None) -> None:
    """Stop a run; its complete epochs are kept."""
    found = find_run(cache, run)
    status = workflows.stop(found)
    if status.state in ACTIVE_STATES:
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


def ensemble(
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="Runs to average")],
    cache: Cache = None,
) -> None:
    """Average finished runs that differ in their seed into one run."""
    members = [find_run(cache, name) for name in runs]
    typer.echo(f"run: {workflows.average(members, cache=cache_folder(cache)).run_id}")


def features(
    run: RunName,
    kind: Annotated[str, typer.Option(help=f"What to compute: {', '.join(COMPUTED)}")] = "vgg16",
    weights: Annotated[
        Path | None, typer.Option(help="Weights of VGG-16  [default: torchvision's cache]")
    ] = None,
    side: Annotated[
        int, typer.Option(help="vgg16, efficientnet: pixels to enlarge images to; at least 32")
    ] = 224,
    folds: Annotated[int, typer.Option(help="held_out: networks to train")] = 4,
    epochs: Annotated[int, typer.Option(help="held_out: epochs of each training")] = 20,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps")] = "auto",
    background: Annotated[
        bool, typer.Option("--background", help="Return at once; what it prints goes to the log")
    ] = False,
    cache: Cache = None,
) -> None:
    """Compute further features of a run's images, for --features of select, and for suspicion.

    held_out: by networks that were not shown the image (an interrupted one goes on where it was);
    pixels: principal components; vgg16, efficientnet: networks trained on ImageNet.
    """
    from rich.console import Console
    from rich.progress import Progress

    from coreset_lib.jobs.processes.after_training import start_features

    check_choice("--kind", kind, COMPUTED)
    found = find_run(cache, run)
    check_device(device)
    if background:
        start_features(
            found.paths, kind, weights=weights, side=side, folds=folds, epochs=epochs,
            device=device,
        )  # fmt: skip
        typer.echo(f"run {found.run_id}: started; read on with coreset-lens logs {found.run_id}")
        return
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(kind, total=found.manifest.dataset.n_train)

        def tell(done: int, total: int | None = None) -> None:
            progress.update(task, completed=done, total=total or found.manifest.dataset.n_train)

        if kind == "held_out":
            from coreset_lib.training.after.held_out import compute_held_out

            shape = compute_held_out(found, folds=folds, epochs=epochs, device=device, on_fold=tell)
            said = f"held-out features of {shape[0]} samples by {shape[1]} networks"
        elif kind == "vgg16":
            from coreset_lib.training.after.vgg16 import compute_vgg16

            shape = compute_vgg16(found, weights=weights, side=side, device=device, on_batch=tell)
            said = f"VGG-16 features of {shape[0]} samples, {shape[1]} each"
        elif kind == "efficientnet":
            from coreset_lib.training.after.image_features import compute_efficientnet

            shape = compute_efficientnet(found, side=side, device=device, on_batch=tell)
            said = f"EfficientNet features of {shape[0]} samples, {shape[1]} each"
        else:
            from coreset_lib.training.after.image_features import compute_pixels

            shape = compute_pixels(found)
            said = f"{shape[1]} principal components of the pixels of {shape[0]} samples"
    typer.echo(f"run {found.run_id}: {said}")


def vog(
    run: RunName,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps")] = "auto",
    background: Annotated[
        bool, typer.Option("--background", help="Return at once; what it prints goes to the log")
    ] = False,
    cache: Cache = None,
) -> None:
    """Compute the variance of pixel gradients over a run's kept weights, for score vog_pixel."""
    from rich.console import Console
    from rich.progress import Progress

    from coreset_lib.jobs.processes.after_training import start_after_training
    from coreset_lib.training.after.pixel_vog import compute_pixel_vog, epochs_with_weights

    found = find_run(cache, run)
    check_device(device)
    if background:
        epochs_with_weights(found)
        folder = str(cache_folder(cache).resolve())
        start_after_training(
            found.paths, ["vog", found.run_id, "--device", device, "--cache", folder]
        )
        typer.echo(f"run {found.run_id}: started; read on with coreset-lens logs {found.run_id}")
        return
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("gradients", total=None)
        shape = compute_pixel_vog(
            found,
            device=device,
            on_batch=lambda done, total: progress.update(task, completed=done, total=total),
        )
    typer.echo(f"run {found.run_id}: vog_pixel of {shape[0]} samples over {shape[1]} checkpoints")


COMMANDS = (runs, rename, stop, logs, ensemble, features, vog)
