"""Training: start in the background, train here, prepare for elsewhere, resume."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from coreset_lib.cache import default_cache
from coreset_lib.configs import TrainingConfig, high_noise_warning
from coreset_lib.datasets import LabeledImages, load_configured
from coreset_lib.datasets.preparing.prepare import Progress, no_progress
from coreset_lib.jobs.executor import executor_of
from coreset_lib.jobs.processes import local
from coreset_lib.jobs.slurm import executor as slurm
from coreset_lib.jobs.slurm.options import SlurmOptions, slurm_options
from coreset_lib.jobs.states import open_run
from coreset_lib.runs.create import create_run
from coreset_lib.runs.lock import training_lock
from coreset_lib.runs.records import Status
from coreset_lib.runs.resume import (
    check_resumable,
    check_same_dataset,
    plain_config,
    prepare_start,
)
from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import Run
from coreset_lib.runs.tensorboard import check_tensorboard, request_event_files
from coreset_lib.system.signals import answers_restored
from coreset_lib.training.processes.ranks import check_shares
from coreset_lib.workflows.permission import check_permission
from coreset_lib.workflows.place import Place
from coreset_lib.workflows.watch import SILENT, Watch, in_silence

Tell = Callable[[str], None]


def create_runs(
    configs: Sequence[TrainingConfig],
    *,
    cache: Path | None = None,
    place: Place | None = None,
    event_files: bool = False,
    roots: Sequence[Path] | None = None,
    progress: Progress = no_progress,
    tell: Tell = in_silence,
) -> tuple[list[Run], LabeledImages]:
    """Make one run per configuration, ready to be trained; their dataset is loaded once.

    Parameters
    ----------
    configs : sequence of TrainingConfig
        At least one; they differ in nothing but what leaves the dataset the same.
    cache : Path, optional
    place : Place, optional
        Checked before anything is made. By default nothing is checked: a training that cannot
        be says so in its status.
    event_files : bool
        Whether the trainings write TensorBoard's event files too.
    roots : sequence of Path, optional
        Folders that images must lie in; by default anywhere.
    progress : callable
        Told of files decoded and of all files.
    tell : callable
        Told in one sentence that somebody else uses the device, or that most labels are spoilt.

    Returns
    -------
    list of Run, LabeledImages

    Raises
    ------
    CoresetError
        If the place lacks the device, the dataset cannot be used, or the cache not be written.
    """
    check_permission("start or stop work")
    first, folder = configs[0], default_cache() if cache is None else cache
    if event_files:
        check_tensorboard()
    _check_place(place, first.device, tell)
    dataset = load_configured(first, cache=folder, roots=roots, progress=progress)
    warning = high_noise_warning(first.label_noise, first.label_noise_rate, dataset.n_classes)
    if warning:
        tell(warning)
    if place is not None:
        check_shares(first, len(dataset.train), place.n_processes or 1)
    runs = [open_run(create_run(folder, config, dataset)) for config in configs]
    if event_files:
        for run in runs:
            request_event_files(run.paths)
    return runs, dataset


def start_runs(runs: Sequence[Run], *, place: Place | None = None) -> None:
    """Start runs that go on without this process.

    Parameters
    ----------
    runs : sequence of Run
        Just created, or stopped, interrupted or failed ones, which then resume.
    place : Place, optional
        By default the executor that each was started with, with the cache's Slurm settings.

    Raises
    ------
    CoresetError
        If a run is finished or under way, no process can be started, or Slurm refuses.
    """
    check_permission("start or stop work")
    if place is None:
        for run in runs:
            executor_of(run).start(run.paths)
    elif place.is_slurm:
        slurm.submit([run.paths for run in runs], place.slurm)
    else:
        for run in runs:
            local.start(run.paths, processes=place.n_processes)


def start(
    config: TrainingConfig,
    *,
    cache: Path | None = None,
    place: Place | None = None,
    event_files: bool = False,
    roots: Sequence[Path] | None = None,
    progress: Progress = no_progress,
) -> Run:
    """Start a training that goes on without this process, and return its run.

    Parameters and errors as for :func:`create_runs` and :func:`start_runs`.
    """
    runs, _ = create_runs(
        [config],
        cache=cache,
        place=place,
        event_files=event_files,
        roots=roots,
        progress=progress,
    )
    start_runs(runs, place=place)
    return runs[0]


def train(
    config: TrainingConfig,
    *,
    cache: Path | None = None,
    place: Place | None = None,
    event_files: bool = False,
    progress: Progress = no_progress,
    watch: Watch = SILENT,
) -> Run:
    """Train in this process, once the device is free, and return the run.

    Parameters and errors as for :func:`create_runs` and :func:`train_here`.
    """
    place = place or Place()
    runs, dataset = create_runs(
        [config], cache=cache, place=place, event_files=event_files, progress=progress
    )
    train_here(runs[0], dataset, processes=place.n_processes, watch=watch)
    return runs[0]


def train_here(
    run: Run, dataset: LabeledImages, *, processes: int | None = None, watch: Watch = SILENT
) -> Status:
    """Train a run in this process once the device is free; Ctrl-C stops after the batch.

    Parameters
    ----------
    run : Run
        Just created, or one to resume.
    dataset : LabeledImages
        The run's dataset, known to be the one it was created for.
    processes : int, optional
        How many train it together; by default as many as before, at first one.
    watch : Watch
        Who is told how it goes.

    Returns
    -------
    Status
        finished or stopped.

    Raises
    ------
    CoresetError
        If the run is finished or under way, or training failed.
    """
    from coreset_lib.jobs.device_queue.waiting import train_in_turn
    from coreset_lib.training.running.stopping import stop_on_signals
    from coreset_lib.training.running.worker import logging_to

    paths = run.paths
    with training_lock(paths), logging_to(paths), answers_restored():
        status = prepare_start(open_run(paths), processes=processes)
        write_status(paths, status)
        watch.on_start(status)
        return train_in_turn(
            paths,
            dataset=dataset,
            on_epoch=watch.on_epoch,
            on_wait=watch.on_wait,
            stop=stop_on_signals(paths),
        )


def prepare(
    config: TrainingConfig,
    *,
    cache: Path | None = None,
    roots: Sequence[Path] | None = None,
    progress: Progress = no_progress,
) -> Run:
    """Make a run that somebody trains elsewhere, for example by :func:`slurm_script`.

    Parameters and errors as for :func:`create_runs`.
    """
    check_permission("start or stop work")
    runs, _ = create_runs([config], cache=cache, roots=roots, progress=progress)
    write_status(runs[0].paths, replace(runs[0].status(), state="stopped"))
    return runs[0]


def slurm_script(run: Run, options: SlurmOptions | None = None) -> str:
    """Return the script that trains a run in Slurm, to be submitted where Slurm is.

    Parameters
    ----------
    run : Run
    options : SlurmOptions, optional
        By default those of the cache's settings file.

    Raises
    ------
    CoresetError
        If the run was recorded: there is nothing to train again.
    """
    if run.manifest.is_recorded:
        plain_config(run.paths)
    return slurm.sbatch_script([run.paths], options or slurm_options(run.paths.cache))


def resume(
    run: Run,
    *,
    place: Place | None = None,
    here: bool = False,
    event_files: bool = False,
    roots: Sequence[Path] | None = None,
    progress: Progress = no_progress,
    tell: Tell = in_silence,
    watch: Watch = SILENT,
) -> Status:
    """Go on with a run from its last checkpoint, with the options it was started with.

    Parameters
    ----------
    run : Run
        A stopped, interrupted or failed one.
    place : Place, optional
        By default where it was started before.
    here : bool
        Train in this process instead of without it.
    event_files, roots, progress, tell
        As for :func:`create_runs`.
    watch : Watch
        As for :func:`train_here`.

    Returns
    -------
    Status

    Raises
    ------
    CoresetError
        If it is finished or under way, its dataset has changed, or it cannot be started.
    """
    check_permission("start or stop work")
    dataset = open_for_resuming(
        run, place=place, event_files=event_files, roots=roots, progress=progress, tell=tell
    )
    if here:
        processes = None if place is None else place.n_processes
        return train_here(run, dataset, processes=processes, watch=watch)
    start_runs([run], place=place)
    return run.status()


def open_for_resuming(
    run: Run,
    *,
    place: Place | None = None,
    event_files: bool = False,
    roots: Sequence[Path] | None = None,
    progress: Progress = no_progress,
    tell: Tell = in_silence,
) -> LabeledImages:
    """Check that a run can go on, and return its dataset; :func:`resume` in two steps.

    Parameters and errors as for :func:`resume`.
    """
    check_resumable(run)
    config = plain_config(run.paths)
    _check_place(place, config.device, tell)
    dataset = load_configured(config, cache=run.paths.cache, roots=roots, progress=progress)
    check_same_dataset(run, dataset.fingerprint())
    processes = None if place is None else place.n_processes
    check_shares(config, len(dataset.train), processes or run.status().processes)
    if event_files:
        request_event_files(run.paths)
    return dataset


def _check_place(place: Place | None, device: str, tell: Tell) -> None:
    """Raise CoresetError if runs cannot be trained there; tell who else uses the device."""
    from coreset_lib.jobs.device_queue.devices import busy_note

    if place is None:
        return
    place.check(device)
    note = None if place.is_slurm else busy_note(device)
    if note:
        tell(note)
