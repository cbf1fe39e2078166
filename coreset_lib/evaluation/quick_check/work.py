"""Training the networks of a quick check in this process, with a status that others can read."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.atomic import write_json
from coreset_lib.datasets import LabeledImages
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.held_out import hold_out
from coreset_lib.evaluation.metrics import split_metrics
from coreset_lib.evaluation.quick_check.plan import (
    SIDES,
    Indices,
    QuickCheckPaths,
    QuickCheckPlan,
    check_samples,
    finished_pairs,
    pairs_to_train,
    read_quick_check,
)
from coreset_lib.plans import Pace, working
from coreset_lib.runs.images import load_run_images
from coreset_lib.runs.records import Status
from coreset_lib.runs.resume import check_same_dataset
from coreset_lib.runs.store import Run, RunStore
from coreset_lib.seeds import stream
from coreset_lib.selection.budget import class_quotas

OnTraining = Callable[[int, int], None]


def work_on_quick_check(
    cache: Path, paths: QuickCheckPaths, *, on_training: OnTraining = lambda done, total: None
) -> Status:
    """Train the open pairs of a quick check and keep its status true.

    Parameters
    ----------
    cache : Path
    paths : QuickCheckPaths
    on_training : callable
        Told of finished and of all trainings, whenever one is finished.

    Returns
    -------
    Status
        ``finished``.

    Raises
    ------
    CoresetError
        If it cannot go on; the status says why.
    """
    plan, indices = read_quick_check(paths)
    run = RunStore(cache).find(plan.run_id)
    pace = Pace()
    with working(paths, "quick check", 0) as writer:

        def note(done: int, total: int) -> None:
            left = pace.seconds_left(done, total)
            writer.update(step="training", epoch=done, epochs=total, eta_seconds=left)
            on_training(done, total)

        _train_pairs(run, plan, paths, indices, note)
        writer.update(state="finished", step="", eta_seconds=0.0)
    return writer.status


def _train_pairs(
    run: Run, plan: QuickCheckPlan, paths: QuickCheckPaths, indices: Indices, note: OnTraining
) -> None:
    """Train pair after pair until the time of the plan is used."""
    from coreset_lib.training.device import resolve_device
    from coreset_lib.training.running.failures import explained
    from coreset_lib.training.targets.target import ResidentDataset

    dataset, kept = _judged_on_validation(load_run_images(run), run, indices)
    with explained(plan.recipe(run, seed=0, n_samples=len(kept))):
        device = resolve_device(plan.recipe(run, seed=0, n_samples=len(kept)).device)
        data = ResidentDataset.place(dataset, device)
        pairs = finished_pairs(paths)
        while len(pairs) < (total := pairs_to_train(plan, _seconds_of_first(pairs))):
            seed, began, found = len(pairs), time.perf_counter(), {}
            drawn = draw_in_proportion(dataset.train.labels, len(kept), seed=seed)
            for side, samples in zip(SIDES, (kept, drawn), strict=True):
                note(2 * len(pairs) + len(found), 2 * total)
                found[side] = _train(run, plan, dataset, data, samples, seed)
            seconds = time.perf_counter() - began
            record = {"seed": seed, "n_samples": len(kept), "n_val": len(dataset.val)}
            write_json(paths.pair(seed), record | found | {"seconds": seconds})
            pairs = finished_pairs(paths)
        note(2 * len(pairs), 2 * len(pairs))


def _judged_on_validation(
    dataset: LabeledImages, run: Run, indices: Indices
) -> tuple[LabeledImages, Indices]:
    """Return a dataset with a validation split, and the samples among its training split.

    Where there is none, a part of the training samples is held out as in a comparison; what of
    the coreset is among them is left out of it. The test split plays no part.
    """
    check_same_dataset(run, dataset.fingerprint())
    rows = None
    if not len(dataset.val):
        dataset, rows = hold_out(dataset)
    if not len(dataset.val):
        raise CoresetError(
            f"dataset {dataset.name} has no validation split and too few training samples to hold "
            "some out, so that nothing can be judged. Add samples."
        )
    kept = indices if rows is None else np.flatnonzero(np.isin(rows, indices))
    check_samples(kept)
    return replace(dataset, test=dataset.val), kept


def draw_in_proportion(labels: NDArray[np.int64], n_keep: int, *, seed: int) -> Indices:
    """Draw samples at random, each class with its share of the training split.

    Returns
    -------
    int array, shape (n_keep,)
        Without repetition; quotas by :func:`coreset_lib.selection.budget.class_quotas`.
    """
    counts = np.bincount(labels)
    quotas = class_quotas(n_keep, class_counts=counts, available=counts, balance="proportional")
    shuffled = stream(seed, "quick check").permutation(len(labels))
    classes = labels[shuffled]
    return np.concatenate(
        [shuffled[classes == klass][:quota] for klass, quota in enumerate(quotas)]
    )


def _train(
    run: Run,
    plan: QuickCheckPlan,
    dataset: LabeledImages,
    data: Any,
    samples: Indices,
    seed: int,
) -> dict[str, Any]:
    """Train one network; return its figures on the validation split."""
    from coreset_lib.training.targets.target import train_target

    result = train_target(data, samples, plan.recipe(run, seed=seed, n_samples=len(samples)))
    return split_metrics(result.val, dataset.val).as_dict() | {"steps": result.steps}


def _seconds_of_first(pairs: list[dict[str, Any]]) -> float | None:
    """Return what the first pair took; None before it is finished."""
    return float(pairs[0]["seconds"]) if pairs else None
