"""What networks make of samples that they were not shown: k trainings, each without a fold."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.atomic import write_array, write_json
from coreset_lib.checks import check_whole
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import load_configured
from coreset_lib.errors import CoresetError
from coreset_lib.features.snapshots import compact
from coreset_lib.runs.lock import training_lock
from coreset_lib.runs.paths import RunPaths
from coreset_lib.runs.reading import open_array
from coreset_lib.runs.records import ACTIVE_STATES
from coreset_lib.runs.resume import check_same_dataset, plain_config
from coreset_lib.runs.store import Run
from coreset_lib.seeds import stream
from coreset_lib.training.device import resolve_device
from coreset_lib.training.targets.target import ResidentDataset, train_target

FOLDS, EPOCHS = 4, 20
MOST_FOLDS = 20


def compute_held_out(
    run: Run,
    *,
    folds: int = FOLDS,
    epochs: int = EPOCHS,
    device: str = "auto",
    on_fold: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[int, int]:
    """Train ``folds`` networks, each without one fold, and keep what they make of it.

    Written are ``embedding_held_out.npy``, shape (samples, at most 64), and
    ``embedding_held_out_probabilities.npy``, shape (samples, classes). Finished folds are kept:
    the same call goes on where one was interrupted.

    Parameters
    ----------
    run : Run
        Not under way.
    folds : int
        From 2 to 20; the classes are spread evenly over them.
    epochs : int
        Of each training, with the run's recipe and seed otherwise.
    device : str
    on_fold : callable
        Told how many folds of how many are done.

    Returns
    -------
    tuple of int
        Samples and folds.

    Raises
    ------
    CoresetError
        If the run is under way, averages others or has too few samples, or its images are gone
        or changed.

    Notes
    -----
    Networks of different folds put the same image in different places: each embeds all samples,
    and is turned (orthogonal Procrustes) onto the first before its fold is taken from it.
    """
    check_whole("folds", folds, least=2, most=MOST_FOLDS)
    check_whole("epochs", epochs, least=1)
    check_may_hold_out(run, folds)
    config = plain_config(run.paths)
    dataset = load_configured(config, cache=run.paths.cache)
    check_same_dataset(run, dataset.fingerprint())
    fold_of = spread_over_folds(run.labels(), folds, seed=config.seed)
    recipe = replace(config, epochs=epochs, keep_checkpoints=0, record_vog=False)
    with training_lock(run.paths):
        _begin(run.paths, {"folds": folds, "epochs": epochs, "seed": config.seed})
        data = ResidentDataset.place(dataset, resolve_device(device))
        for fold in range(folds):
            on_fold(fold, folds)
            if not _fold_file(run.paths, fold, "probabilities").exists():
                _train_without(run.paths, data, recipe, fold_of != fold, fold)
        on_fold(folds, folds)
        _join(run.paths, fold_of, {"folds": folds, "epochs": epochs})
    return len(fold_of), folds


def check_may_hold_out(run: Run, folds: int) -> None:
    """Raise CoresetError if folds of the run cannot be trained."""
    if run.manifest.members:
        raise CoresetError(
            f"run {run.run_id} averages others and has no recipe of its own. "
            f"Choose one of {', '.join(run.manifest.members)}."
        )
    if run.status().state in ACTIVE_STATES:
        raise CoresetError(f"run {run.run_id} is still training. Wait for it or stop it first.")
    n_samples = run.manifest.dataset.n_train
    if n_samples < 2 * folds:
        raise CoresetError(
            f"{folds} folds need at least {2 * folds} samples, got {n_samples}. Take fewer folds."
        )


def spread_over_folds(labels: NDArray[np.int64], folds: int, *, seed: int) -> NDArray[np.int64]:
    """Return the fold of each sample, (samples,): classes in equal shares, else by chance."""
    order = stream(seed, "held out").permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    fold_of = np.empty(len(labels), dtype=np.int64)
    fold_of[order] = np.arange(len(labels)) % folds
    return fold_of


def turn_onto(places: NDArray[Any], fixed: NDArray[Any]) -> NDArray[np.float32]:
    """Turn rows about the origin so that they lie on other rows as well as they can."""
    left, _, right = np.linalg.svd(places.T.astype(np.float64) @ fixed.astype(np.float64))
    return (places @ (left @ right)).astype(np.float32)


def _begin(paths: RunPaths, plan: dict[str, Any]) -> None:
    """Keep the folds of the same plan, and forget those of another."""
    file = paths.held_out_plan
    if file.exists() and json.loads(file.read_text()) != plan:
        shutil.rmtree(paths.held_out)
    paths.held_out.mkdir(exist_ok=True)
    write_json(file, plan)


def _fold_file(paths: RunPaths, fold: int, what: str) -> Path:
    """Where a fold's ``embedding`` or ``probabilities`` of all samples lie."""
    return paths.held_out_fold(fold, what)


def _train_without(
    paths: RunPaths,
    data: ResidentDataset,
    recipe: TrainingConfig,
    is_shown: NDArray[np.bool_],
    fold: int,
) -> None:
    """Train on the other folds and keep what the network makes of all samples."""
    found = train_target(data, np.flatnonzero(is_shown), recipe, describe_train=True)
    assert found.embedding is not None
    assert found.train is not None
    kept = compact(found.embedding, found.embedding[:0])
    write_array(_fold_file(paths, fold, "embedding"), kept.train)
    write_array(_fold_file(paths, fold, "probabilities"), found.train.astype(np.float32))


def _join(paths: RunPaths, fold_of: NDArray[np.int64], record: dict[str, Any]) -> None:
    """Take each sample's row from the network that was not shown it."""
    fixed = np.array(open_array(_fold_file(paths, 0, "embedding")), dtype=np.float32)
    embedding = np.empty_like(fixed)
    first = open_array(_fold_file(paths, 0, "probabilities"))
    probabilities = np.empty(first.shape, np.float32)
    for fold in np.unique(fold_of):
        rows = fold_of == fold
        places = np.array(open_array(_fold_file(paths, int(fold), "embedding")), dtype=np.float32)
        embedding[rows] = turn_onto(places, fixed)[rows]
        probabilities[rows] = open_array(_fold_file(paths, int(fold), "probabilities"))[rows]
    write_json(paths.root / "embedding_held_out.json", record)
    write_array(paths.embedding_of("held_out"), embedding)
    write_array(paths.embedding_of("held_out_probabilities"), probabilities)
    shutil.rmtree(paths.held_out)
