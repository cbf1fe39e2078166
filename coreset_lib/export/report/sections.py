"""The chapters of a run's report, each from what the run recorded."""

import io
import json
from base64 import b64encode
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from coreset_lib.datasets import LabeledImages
from coreset_lib.datasets.checking.report import dataset_report
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.evaluation.plan import EvaluationPlan
from coreset_lib.evaluation.report import verdict_lines
from coreset_lib.evaluation.results import EvaluationPaths
from coreset_lib.export.provenance import describe_run
from coreset_lib.export.report import markup
from coreset_lib.review.suspicion import SuspicionQueue
from coreset_lib.runs.create import library_versions
from coreset_lib.runs.store import Run
from coreset_lib.scores.forgetting import (
    count_forgetting_events,
    find_never_learned,
    find_not_learned_early,
)
from coreset_lib.scores.population import epoch_quantiles
from coreset_lib.selection import STRATEGIES, SelectionConfig
from coreset_lib.selection.left_out import left_out_by_class, warning_of
from coreset_lib.selection.problem import Coreset

MOST_SUSPECTS = 24
IMAGE_SIDE = 96
TRAIN, VAL, DARK = "#0072B2", "#B34D00", "#1c2430"


def training_section(run: Run) -> list[str]:
    """Say what was trained and how it went."""
    manifest, status, metrics = run.manifest, run.status(), run.metrics()
    known = [
        ("dataset", manifest.dataset.title or manifest.dataset.name),
        ("network", manifest.title or str(manifest.config.get("model", ""))),
        ("epochs recorded", f"{status.epoch} of {status.epochs} ({status.state})"),
        ("seed", manifest.seed),
        ("device", status.device or manifest.device or "not recorded"),
        ("created", manifest.created),
    ]
    if metrics and metrics[-1].get("val_accuracy") is not None:
        accuracy = f"{100 * metrics[-1]['val_accuracy']:.1f} % after the last epoch"
        known.append(("validation accuracy", accuracy))
    parts = [markup.heading("Training"), markup.facts(known)]
    lines = [
        (name, colour, np.array([_number(m.get(f"{key}_accuracy")) for m in metrics]))
        for name, key, colour in (("training", "train", TRAIN), ("validation", "val", VAL))
    ]
    if any(np.isfinite(values).any() for _, _, values in lines):
        parts.append(markup.line_chart("Accuracy, 0 to 1", lines, largest=1.0))
    return parts


def data_section(images: LabeledImages | str, *, with_names: bool = True) -> list[str]:
    """Say what the data check finds, or why it could not be made.

    Without names, what it says of files is counted only: that may name them.
    """
    title = markup.heading("Data check")
    if isinstance(images, str):
        return [title, markup.paragraph(images, "warn")]
    report = dataset_report(images)
    rows = [
        [name, *(split.class_counts[k] for split in report.splits)]
        for k, name in enumerate(report.class_names)
    ]
    columns = ["class", *(split.part for split in report.splits)]
    on_files = () if with_names or report.files is None else report.files.concerns
    warnings = [warning for warning in report.warnings if warning not in on_files]
    if on_files:
        warnings.append(
            f"Points on files and folders, left out here as they may name some: {len(on_files)}. "
            "The page Add data has them."
        )
    return [
        title,
        markup.paragraph(report.readiness_text),
        markup.table(columns, rows, "Images of each class in each split"),
        *(markup.paragraph(warning, "warn") for warning in warnings),
    ]


def dynamics_section(dynamics: TrainingDynamics) -> list[str]:
    """Show how the population was learned, and count what was not."""
    quantiles = epoch_quantiles(dynamics, "error_norm").T
    n, events = dynamics.n_samples, count_forgetting_events(dynamics)
    rows = [
        ["never learned: wrong in every epoch", *_counted(find_never_learned(dynamics), n)],
        ["not learned early: wrong in most of the first ten epochs",
         *_counted(find_not_learned_early(dynamics), n)],
        ["forgotten at least once: right, then wrong again", *_counted(events > 0, n)],
        ["forgotten three times or more", *_counted(events >= 3, n)],
    ]  # fmt: skip
    return [
        markup.heading("How the images were learned"),
        markup.line_chart(
            "Error score of all training images (0 right and sure, 1.41 wrong and sure); areas: "
            "5 to 95 % and 25 to 75 % of them",
            [("median", DARK, quantiles[2])],
            bands=[(quantiles[0], quantiles[4]), (quantiles[1], quantiles[3])],
        ),
        markup.table(["training images", "number", "share"], rows),
    ]


def suspects_section(
    run: Run, queue: SuspicionQueue, images: LabeledImages | str, *, with_images: bool
) -> list[str]:
    """List the labels that look most wrong; names of files and images only where asked for."""
    names = run.samples()["sample_id"]
    first = queue.order[:MOST_SUSPECTS].tolist()
    classes = queue.dynamics.class_names
    said = [
        f"{names.iloc[index] if with_images else f'row {index}'}: labelled "
        f"{classes[int(queue.dynamics.labels[index])]}. {'; '.join(queue.reasons(index)[:2])}"
        for index in first
    ]
    shown = with_images and not isinstance(images, str)
    sources = [_data_uri(images, index) if shown else "" for index in first]
    rows = [
        [
            found.class_name,
            found.n_samples,
            found.n_suspects,
            _share(found.n_suspects / found.n_samples),
        ]
        for found in queue.class_suspects()
    ]
    about = (
        f"The {len(first)} most suspicious labels; about {queue.expected_wrong(first):.0f} of them "
        "are expected to be wrong. A suspicious label may be hard rather than wrong."
    )
    if not with_images:
        about += " Images and names of files were left out of this report."
    return [
        markup.heading("Suspicious labels"),
        markup.table(["class", "images", "suspect", "share of the class"], rows),
        *(markup.paragraph(warning, "warn") for warning in queue.warnings()),
        markup.paragraph(about),
        markup.tiles(list(zip(sources, said, strict=True))),
    ]


def coreset_section(
    dynamics: TrainingDynamics, config: SelectionConfig, coreset: Coreset
) -> list[str]:
    """Say how a coreset is chosen and what it is made of."""
    full = np.bincount(dynamics.labels, minlength=dynamics.n_classes)
    kept = np.bincount(dynamics.labels[coreset.indices], minlength=dynamics.n_classes)
    rows = [
        [
            name,
            int(full[k]),
            _share(full[k] / full.sum()),
            int(kept[k]),
            _share(kept[k] / kept.sum()),
        ]
        for k, name in enumerate(dynamics.class_names)
    ]
    lost = [dynamics.class_names[k] for k in np.flatnonzero((full > 0) & (kept == 0))]
    left_out = left_out_by_class(coreset.report, dynamics.class_names, full.tolist())
    parts = [
        markup.heading("Coreset"),
        markup.paragraph(
            f"{STRATEGIES[config.strategy].title}: {STRATEGIES[config.strategy].summary} "
            f"{len(coreset.indices):,} of {dynamics.n_samples:,} images "
            f"({_share(config.rate)}), class balance {config.balance}, seed {config.seed}."
        ),
        markup.table(["class", "images", "share", "in the coreset", "share of it"], rows),
    ]
    if any(part.n_left_out for part in left_out):
        counts = [[p.name, p.n_samples, p.n_left_out, _share(p.share)] for p in left_out]
        columns = ["class", "images", "left out as suspects", "share of the class"]
        parts.append(markup.table(columns, counts))
        is_by_neighbours = "version" in coreset.report  # the first version did not name itself
        warning = warning_of(left_out, None if is_by_neighbours else dynamics.n_epochs)
        parts += [markup.paragraph(warning, "warn")] if warning else []
    if lost:
        parts.append(markup.paragraph(f"No image is left of: {', '.join(lost)}.", "warn"))
    return parts


def verdict_section(comparisons: Sequence[tuple[EvaluationPaths, EvaluationPlan]]) -> list[str]:
    """Say what trainings on coresets have shown, with intervals."""
    parts = [markup.heading("Does a coreset do as well?")]
    lines = [verdict_lines(paths, plan) for paths, plan in comparisons]
    if not any(lines):
        return [
            *parts,
            markup.paragraph(
                "No network has been trained on a coreset of this run yet, so it is not known "
                "whether one does better than a random draw of the same size.",
                "warn",
            ),
        ]
    for (_, plan), verdicts in zip(comparisons, lines, strict=True):
        if verdicts:
            about = f"{plan.model}, {plan.epochs} epochs; accuracy on the test split"
            parts += [
                markup.heading(about, level=3),
                *(markup.paragraph(verdict) for verdict in verdicts),
            ]
    return parts


def provenance_section(run: Run, config: SelectionConfig, n_epochs: int) -> list[str]:
    """Say where all numbers come from; places on this computer stay out of it."""
    record = {
        "run": describe_run(run, n_epochs),
        "coreset": config.as_dict(),
        "report_written_with": library_versions(),
    }
    text = json.dumps(record, indent=1, ensure_ascii=False, default=str)
    return [markup.heading("Where the numbers come from"), markup.preformatted(text)]


def _number(value: object) -> float:
    """Return a figure, NaN where it was not recorded."""
    return float(value) if isinstance(value, int | float) else float("nan")


def _counted(is_it: NDArray[np.bool_], n_samples: int) -> tuple[int, str]:
    """Return how many samples and which share."""
    found = int(is_it.sum())
    return found, _share(found / n_samples)


def _share(share: float) -> str:
    """Return a share in percent."""
    return f"{100 * share:.1f} %"


def _data_uri(images: LabeledImages | str, index: int) -> str:
    """Return a small image as it stands in a page; the middle slice of a volume."""
    from PIL import Image

    assert not isinstance(images, str)
    pixels = np.asarray(images.train.images[index])
    if images.depth:
        pixels = pixels[pixels.shape[0] // 2]
    picture = Image.fromarray(pixels)
    picture.thumbnail((IMAGE_SIDE, IMAGE_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"
