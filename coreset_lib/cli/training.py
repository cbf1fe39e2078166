"""Commands that start and resume training: ``train``, ``queue``, ``sbatch``."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from coreset_lib import workflows
from coreset_lib.checks import check_whole
from coreset_lib.cli.data import absolute_dataset
from coreset_lib.cli.options import (
    DATASET_HELP,
    SLURM_ONLY,
    Blank,
    Cache,
    DataRoot,
    Ending,
    GreyWindow,
    GroupBy,
    ImageFolder,
    ImageSize,
    KeepPatientIds,
    LabelColumn,
    LabelsPerImage,
    LeaveCopiesOut,
    Partition,
    PathColumn,
    Requeue,
    RunName,
    SkipBad,
    SlurmLines,
    TimeLimit,
    Uncertain,
    cache_folder,
    check_slurm_options,
    find_run,
    typed_options,
)
from coreset_lib.cli.progress import preparation_bar, train_here
from coreset_lib.configs import (
    AUGMENTATIONS,
    NO_LABEL_NOISE,
    PRECISIONS,
    RECORDINGS,
    TrainingConfig,
    parse_label_noise,
)
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.errors import CoresetError
from coreset_lib.jobs.executor import EXECUTORS
from coreset_lib.jobs.slurm.options import slurm_options
from coreset_lib.networks import NETWORKS
from coreset_lib.runs.store import Run

KEPT_ON_RESUME = (
    *("resume", "background", "executor", "cache", "gpus", "processes", "tensorboard"),
)
MOST_SEEDS = 1000

Gpus = Annotated[
    int | None, typer.Option(help="GPUs, each with a process of its own that trains its share")
]
Processes = Annotated[
    int | None, typer.Option(help="Processes that train a run together  [default: one per GPU]")
]


def train(
    context: typer.Context,
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", help=DATASET_HELP),
    ] = None,
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
    leave_copies_out: LeaveCopiesOut = False,
    model: Annotated[str, typer.Option(help=f"Surrogate: {', '.join(NETWORKS)}")] = "resnet18",
    epochs: Annotated[int, typer.Option(help="Passes over the training split")] = 200,
    batch_size: Annotated[int, typer.Option(help="Samples per update")] = 256,
    lr: Annotated[float, typer.Option("--lr", help="First learning rate of the cosine")] = 0.1,
    seed: Annotated[int, typer.Option(help="Decides weights and order")] = 0,
    seeds: Annotated[
        str | None, typer.Option(help="One run per seed: first-last, or a list with commas")
    ] = None,
    runs: Annotated[
        int, typer.Option(help="Train this many seeds, from --seed on, and average them")
    ] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps")] = "auto",
    precision: Annotated[
        str,
        typer.Option(help=f"{', '.join(PRECISIONS)}; auto: bfloat16 on CUDA, float32 elsewhere"),
    ] = "auto",
    recording: Annotated[
        str, typer.Option(help=f"When to record: {', '.join(RECORDINGS)}")
    ] = "minibatch",
    class_weighted_loss: Annotated[
        bool, typer.Option("--class-weighted-loss", help="Every class has the same say")
    ] = False,
    augmentation: Annotated[
        str, typer.Option(help=f"Of training images: {', '.join(AUGMENTATIONS)}")
    ] = "none",
    record_vog: Annotated[
        bool, typer.Option("--record-vog", help="Record the variance of gradients, for score vog")
    ] = False,
    keep_checkpoints: Annotated[
        int,
        typer.Option(help="Keep the weights of so many epochs, 2 to 100, for score vog_pixel"),
    ] = 0,
    label_noise: Annotated[
        str,
        typer.Option(help="Spoil training labels: symmetric, class-dependent or look-alike, :RATE"),
    ] = NO_LABEL_NOISE,
    label_noise_seed: Annotated[int, typer.Option(help="Decides which labels are spoilt")] = 0,
    labels: Annotated[
        Path | None,
        typer.Option(help="Corrected labels to train with, a CSV of: coreset-lens review export"),
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with a run that ended too early")
    ] = None,
    background: Annotated[
        bool, typer.Option("--background", help="Return at once; training goes on")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write TensorBoard's event files too")
    ] = False,
    executor: Annotated[str, typer.Option(help=", ".join(EXECUTORS))] = "local",
    gpus: Gpus = None,
    processes: Processes = None,
    partition: Partition = None,
    time_limit: TimeLimit = None,
    slurm_option: SlurmLines = None,
    requeue: Requeue = None,
    cache: Cache = None,
) -> None:
    """Train a surrogate network and record how each sample is learned."""
    given = typed_options(context)
    check_slurm_options(given, executor)
    options = slurm_options(
        cache_folder(cache),
        partition=partition,
        gpus=gpus,
        processes=processes,
        time_limit=time_limit,
        lines=slurm_option,
        requeue=requeue,
    )
    work = _Work(
        workflows.Place(executor=executor, slurm=options, gpus=gpus, processes=processes),
        background=background or executor == "slurm",
        event_files=tensorboard,
    )
    if resume is not None:
        _resume(cache, resume, given, work)
        return
    if dataset is None:
        raise CoresetError("train must know what to train on. Give --dataset, or --resume RUN.")
    noise_kind, noise_rate = parse_label_noise(label_noise)
    config = TrainingConfig(
        dataset=absolute_dataset(dataset, data_root),
        data_root=None if data_root is None else str(Path(data_root).resolve()),
        image_size=image_size,
        grey_window=grey_window,
        skip_bad=skip_bad,
        keep_patient_ids=keep_patient_ids,
        path_column=path_column,
        label_column=label_column,
        image_folder=image_folder,
        ending=ending,
        labels_per_image=labels_per_image,
        uncertain=uncertain,
        blank=blank,
        group_by=group_by,
        leave_copies_out=leave_copies_out,
        model=model,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=lr,
        final_learning_rate=min(1e-4, lr),
        seed=seed,
        device=device,
        precision=precision,
        recording=recording,
        record_vog=record_vog,
        class_weighted_loss=class_weighted_loss,
        augmentation=augmentation,
        keep_checkpoints=keep_checkpoints,
        label_noise=noise_kind,
        label_noise_rate=noise_rate,
        label_noise_seed=label_noise_seed,
        labels="" if labels is None else _keep_labels(cache_folder(cache), labels),
    )
    configs = [config]
    if seeds is not None:
        if "seed" in given:
            raise CoresetError("train must get --seed or --seeds, got both. Leave one out.")
        configs = [replace(config, seed=number) for number in parse_seeds(seeds)]
    if runs != 1:
        if seeds is not None:
            raise CoresetError("train must get --runs or --seeds, got both. Leave one out.")
        check_whole("runs", runs, least=1, most=MOST_SEEDS)
        configs = [replace(config, seed=seed + number) for number in range(runs)]
    started = _train_new(cache_folder(cache), configs, work)
    if runs > 1:
        _average(cache_folder(cache), started)


def _keep_labels(cache: Path, labels: Path) -> str:
    """Keep a table of corrected labels, and say which of its rows count."""
    from coreset_lib.datasets.relabelling.label_tables import keep_labels, load_labels, use_in_words

    digest = keep_labels(cache, labels)
    typer.echo(f"{labels}: {use_in_words(load_labels(cache, digest))}")
    return digest


def queue(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A waiting run to move")
    ] = None,
    to: Annotated[int | None, typer.Option("--to", help="Its new place; 1 is next")] = None,
    cache: Cache = None,
) -> None:
    """List the runs that wait for a device, or give one of them another place."""
    from coreset_lib.jobs.device_queue.queue import move
    from coreset_lib.jobs.device_queue.queue import queue as waiting_runs

    if (run is None) != (to is None):
        raise CoresetError("queue must get a run and --to, or neither. For example: RUN --to 1")
    entries = waiting_runs(cache_folder(cache))
    if run is not None and to is not None:
        entries = move(find_run(cache, run), to)
    if not entries:
        typer.echo("no run is waiting")
    for entry in entries:
        typer.echo(f"{entry.position:>3}  {entry.device:<8} {entry.host:<16} {entry.run_id}")


def sbatch(
    run: RunName,
    out: Annotated[Path | None, typer.Option("--out", help="Write the script here")] = None,
    gpus: Gpus = None,
    processes: Processes = None,
    partition: Partition = None,
    time_limit: TimeLimit = None,
    slurm_option: SlurmLines = None,
    requeue: Requeue = None,
    cache: Cache = None,
) -> None:
    """Print or write the Slurm script of a run, to be submitted where Slurm is."""
    from coreset_lib.outputs import write_output

    options = slurm_options(
        cache_folder(cache),
        partition=partition,
        gpus=gpus,
        processes=processes,
        time_limit=time_limit,
        lines=slurm_option,
        requeue=requeue,
    )
    script = workflows.slurm_script(find_run(cache, run), options)
    if out is None:
        typer.echo(script, nl=False)
        return
    write_output(out, script.encode())
    typer.echo(f"{out}: submit it with sbatch")


def parse_seeds(text: str) -> list[int]:
    """Read seeds such as ``0-4`` or ``1,5,7``; raises CoresetError for anything else."""
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last or last - first >= MOST_SEEDS:
            raise CoresetError(
                f"seeds must be first-last or a list with commas, at most {MOST_SEEDS}, "
                f"got {text!r}. For example 0-4 or 1,5,7."
            )
        seeds += range(first, last + 1)
    return list(dict.fromkeys(seeds))


@dataclass(frozen=True)
class _Work:
    """Where runs are trained, and whether they go on without this command."""

    place: workflows.Place
    background: bool
    event_files: bool


def _train_new(cache: Path, configs: list[TrainingConfig], work: _Work) -> list[Run]:
    """Create one run per configuration, train or start them all, and return them."""
    with preparation_bar() as progress:
        runs, images = workflows.create_runs(
            configs,
            cache=cache,
            place=work.place,
            event_files=work.event_files,
            progress=progress,
            tell=_tell,
        )
    _train_or_start(runs, images, work)
    return runs


def _average(cache: Path, runs: list[Run]) -> None:
    """Average the runs if they are finished; else say how to do it once they are."""
    if all(run.status().state == "finished" for run in runs):
        typer.echo(f"run: {workflows.average(runs, cache=cache).run_id}")
    else:
        names = " ".join(run.run_id for run in runs)
        typer.echo(f"once all are finished: coreset-lens ensemble {names}", err=True)


def _resume(cache: Path | None, name: str, given: list[str], work: _Work) -> None:
    """Go on with a run from its last checkpoint, with the options it was started with."""
    changed = [option for option in given if option not in (*KEPT_ON_RESUME, *SLURM_ONLY)]
    if changed:
        flags = ", ".join(f"--{option.replace('_', '-')}" for option in changed)
        raise CoresetError(
            f"a resumed run must keep its options, got {flags}. Leave them out or start a new run."
        )
    run = find_run(cache, name)
    with preparation_bar() as progress:
        images = workflows.open_for_resuming(
            run, place=work.place, event_files=work.event_files, progress=progress, tell=_tell
        )
    _train_or_start([run], images, work)


def _train_or_start(runs: list[Run], images: LabeledImages, work: _Work) -> None:
    """Start runs, or train them here until one is stopped; name them all in the end."""
    try:
        if work.background:
            workflows.start_runs(runs, place=work.place)
            return
        for run in runs:
            if not train_here(run, images, processes=work.place.n_processes):
                return
    finally:
        for run in runs:
            typer.echo(f"run: {run.run_id}")


def _tell(note: str) -> None:
    """Say something that is no result."""
    typer.echo(note, err=True)


COMMANDS = (train, queue, sbatch)
