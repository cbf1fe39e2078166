"""Commands that start and resume training: ``train``, ``queue``, ``sbatch``."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from coreset_lib.checks import check_whole
from coreset_lib.cli.data import absolute_dataset
from coreset_lib.cli.options import (
    DATASET_HELP,
    SLURM_ONLY,
    Cache,
    DataRoot,
    GreyWindow,
    ImageSize,
    KeepPatientIds,
    Partition,
    Requeue,
    RunName,
    SkipBad,
    SlurmLines,
    TimeLimit,
    cache_folder,
    check_slurm_options,
    find_run,
    typed_options,
)
from coreset_lib.cli.progress import preparation_bar, train_here
from coreset_lib.configs import (
    AUGMENTATIONS,
    MODELS,
    NO_LABEL_NOISE,
    RECORDINGS,
    TrainingConfig,
    parse_label_noise,
)
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.errors import CoresetError
from coreset_lib.jobs.executor import EXECUTORS
from coreset_lib.jobs.slurm.options import SlurmOptions, slurm_options
from coreset_lib.runs.ensemble import create_ensemble
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.store import Run
from coreset_lib.runs.tensorboard import check_tensorboard, request_event_files
from coreset_lib.training.processes.ranks import check_shares

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
    window: GreyWindow = "file",
    skip_bad: SkipBad = False,
    keep_patient_ids: KeepPatientIds = False,
    model: Annotated[str, typer.Option(help=f"Surrogate: {', '.join(MODELS)}")] = "resnet18",
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
        typer.Option(help="Spoil training labels: symmetric:RATE or class_dependent:RATE"),
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
    place = _Place(executor, options, gpus, processes, background, tensorboard)
    if resume is not None:
        _resume(cache, resume, given, place)
        return
    if dataset is None:
        raise CoresetError("train must know what to train on. Give --dataset, or --resume RUN.")
    from coreset_lib.datasets.relabelling.label_tables import keep_labels

    noise_kind, noise_rate = parse_label_noise(label_noise)
    config = TrainingConfig(
        dataset=absolute_dataset(dataset, data_root),
        data_root=None if data_root is None else str(Path(data_root).resolve()),
        image_size=image_size,
        window=window,
        skip_bad=skip_bad,
        keep_patient_ids=keep_patient_ids,
        model=model,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=lr,
        final_learning_rate=min(1e-4, lr),
        seed=seed,
        device=device,
        recording=recording,
        record_vog=record_vog,
        class_weighted_loss=class_weighted_loss,
        augmentation=augmentation,
        keep_checkpoints=keep_checkpoints,
        label_noise=noise_kind,
        label_noise_rate=noise_rate,
        label_noise_seed=label_noise_seed,
        labels="" if labels is None else keep_labels(cache_folder(cache), labels),
    )
    configs = [config]
    if seeds is not None:
        if "seed" in given:
            raise CoresetError("train must get --seed or --seeds, got both. Leave one away.")
        configs = [replace(config, seed=number) for number in parse_seeds(seeds)]
    if runs != 1:
        if seeds is not None:
            raise CoresetError("train must get --runs or --seeds, got both. Leave one away.")
        check_whole("runs", runs, least=1, most=MOST_SEEDS)
        configs = [replace(config, seed=seed + number) for number in range(runs)]
    started = _train_new(cache_folder(cache), configs, place)
    if runs > 1:
        _average(cache_folder(cache), started)


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
    from coreset_lib.atomic import write_output
    from coreset_lib.jobs.slurm.executor import sbatch_script
    from coreset_lib.runs.resume import plain_config

    options = slurm_options(
        cache_folder(cache),
        partition=partition,
        gpus=gpus,
        processes=processes,
        time_limit=time_limit,
        lines=slurm_option,
        requeue=requeue,
    )
    found = find_run(cache, run)
    if found.manifest.is_recorded:
        plain_config(found.paths)  # says that there is nothing to train again
    script = sbatch_script([found.paths], options)
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
class _Place:
    """Where runs are trained: by whom, on how many GPUs, by how many processes together."""

    executor: str
    options: SlurmOptions
    gpus: int | None
    processes: int | None
    background: bool
    tensorboard: bool

    def __post_init__(self) -> None:
        if self.gpus and self.processes is not None and self.processes != self.gpus:
            raise CoresetError(
                f"--processes must be the number of GPUs, {self.gpus}, got {self.processes}. "
                "Leave it away."
            )

    @property
    def is_elsewhere(self) -> bool:
        """Whether the runs go on without this command."""
        return self.background or self.executor == "slurm"

    @property
    def n_processes(self) -> int | None:
        """Processes per run that were asked for; None for as many as before."""
        if self.executor == "slurm":
            return self.options.n_processes
        return self.processes if self.gpus is None else max(self.gpus, 1)


def _train_new(cache: Path, configs: list[TrainingConfig], place: _Place) -> list[RunPaths]:
    """Create one run per configuration, start them all, and return them."""
    from coreset_lib.datasets import load_configured
    from coreset_lib.runs.create import create_run

    if place.tensorboard:
        check_tensorboard()
    first = configs[0]
    _check_place(first.device, place)
    with preparation_bar() as progress:
        images = load_configured(first, cache=cache, progress=progress)
    check_shares(first, len(images.train), place.n_processes or 1)
    runs = [create_run(cache, config, images) for config in configs]
    if place.tensorboard:
        for paths in runs:
            request_event_files(paths)
    try:
        if place.is_elsewhere:
            _start(runs, place)
        else:
            _train_one_after_another(runs, first.epochs, images, place.n_processes)
    finally:
        for paths in runs:
            typer.echo(f"run: {paths.root.name}")
    return runs


def _average(cache: Path, members: list[RunPaths]) -> None:
    """Average the runs if they are finished; else say how to do it once they are."""
    runs = [Run(paths) for paths in members]
    if all(run.status().state == "finished" for run in runs):
        typer.echo(f"run: {create_ensemble(cache, runs).root.name}")
    else:
        names = " ".join(run.run_id for run in runs)
        typer.echo(f"once all are finished: coreset-lens ensemble {names}", err=True)


def _train_one_after_another(
    runs: list[RunPaths], epochs: int, images: LabeledImages, processes: int | None
) -> None:
    """Train runs here until one is stopped."""
    for paths in runs:
        if not train_here(paths, epochs, images, processes=processes):
            return


def _resume(cache: Path | None, name: str, given: list[str], place: _Place) -> None:
    """Go on with a run from its last checkpoint, with the options it was started with."""
    from coreset_lib.datasets import load_configured
    from coreset_lib.runs.resume import check_resumable, check_same_dataset, plain_config

    changed = [option for option in given if option not in (*KEPT_ON_RESUME, *SLURM_ONLY)]
    if changed:
        flags = ", ".join(f"--{option.replace('_', '-')}" for option in changed)
        raise CoresetError(
            f"a resumed run must keep its options, got {flags}. Leave them away or start a new run."
        )
    run = find_run(cache, name)
    check_resumable(run)
    config = plain_config(run.paths)
    _check_place(config.device, place)
    with preparation_bar() as progress:
        images = load_configured(config, cache=run.paths.cache, progress=progress)
    check_same_dataset(run, images.fingerprint())
    check_shares(config, len(images.train), place.n_processes or run.status().processes)
    if place.tensorboard:
        request_event_files(run.paths)
    if place.is_elsewhere:
        _start([run.paths], place)
    else:
        train_here(run.paths, config.epochs, images, processes=place.n_processes)
    typer.echo(f"run: {run.run_id}")


def _start(runs: list[RunPaths], place: _Place) -> None:
    """Start runs that go on without this command."""
    from coreset_lib.jobs.processes import local
    from coreset_lib.jobs.slurm import executor as slurm

    if place.executor == "slurm":
        slurm.submit(runs, place.options)
        return
    for paths in runs:
        local.start(paths, processes=place.n_processes)


def _check_place(device: str, place: _Place) -> None:
    """Raise CoresetError where the runs cannot be trained, before anything is created."""
    from coreset_lib.jobs.device_queue.devices import busy_note

    if place.executor == "slurm":
        if device.startswith("cuda") and not place.options.gpus:
            raise CoresetError(f"device {device} needs a GPU, got a job without. Give --gpus 1.")
        return
    from coreset_lib.training.processes.distributed import check_devices

    check_devices(device, gpus=place.gpus or 0, processes=place.n_processes or 1)
    note = busy_note(device)
    if note:
        typer.echo(note, err=True)


COMMANDS = (train, queue, sbatch)
