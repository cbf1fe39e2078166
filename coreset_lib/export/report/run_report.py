"""The report itself: all chapters of a run in one file."""

from collections.abc import Sequence
from pathlib import Path

from coreset_lib.datasets import LabeledImages
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.plan import EvaluationPlan
from coreset_lib.evaluation.results import EvaluationPaths
from coreset_lib.export.coresets import coreset_of_run
from coreset_lib.export.report import markup, sections
from coreset_lib.review.suspicion import queue_of_run
from coreset_lib.runs.images import load_run_images
from coreset_lib.runs.store import Run
from coreset_lib.selection import SelectionConfig

RATE = 0.1


def usual_selection(run: Run) -> SelectionConfig:
    """Return the coreset that a report shows by itself: a tenth, recommended where it can be."""
    if run.paths.embedding.exists():
        return SelectionConfig(strategy="recommended", score=None, rate=RATE)
    return SelectionConfig(strategy="random", score=None, rate=RATE, balance="proportional")


def report_of_run(
    run: Run,
    *,
    selection: SelectionConfig | None = None,
    comparisons: Sequence[tuple[EvaluationPaths, EvaluationPlan]] = (),
    with_images: bool = False,
    roots: Sequence[Path] | None = None,
) -> bytes:
    """Return a run's report as one HTML page that loads nothing.

    Parameters
    ----------
    run : Run
        With at least one recorded epoch.
    selection : SelectionConfig, optional
        The coreset to show; by default :func:`usual_selection`.
    comparisons : sequence of (EvaluationPaths, EvaluationPlan)
        Whose verdicts to tell.
    with_images : bool
        Whether the most suspicious images and the names of their files are in it.
    roots : sequence of Path, optional
        Folders that images must lie in; by default anywhere.

    Raises
    ------
    CoresetError
        If nothing is recorded yet, the run is damaged, or the coreset cannot be chosen.
    """
    dynamics = run.dynamics()
    config = usual_selection(run) if selection is None else selection
    coreset, _ = coreset_of_run(run, config, dynamics)
    images = _images(run, roots)
    title = f"Report of the run {run.run_id}"
    named = run.manifest.dataset
    synthetic = ["The data are synthetic."] if named.is_synthetic else []
    parts = [
        markup.heading(title, level=1),
        *(markup.paragraph(text, "warn") for text in synthetic),
        *sections.training_section(run),
        *sections.data_section(images, with_names=with_images),
        *sections.dynamics_section(dynamics),
        *sections.suspects_section(
            run, queue_of_run(run, dynamics=dynamics), images, with_images=with_images
        ),
        *sections.coreset_section(dynamics, config, coreset),
        *sections.verdict_section(comparisons),
        *sections.provenance_section(run, config, dynamics.n_epochs),
    ]
    return markup.document(title, parts)


def _images(run: Run, roots: Sequence[Path] | None) -> LabeledImages | str:
    """Return the run's images, or one sentence on why they cannot be had."""
    try:
        dataset = load_run_images(run, roots=roots)
    except CoresetError as error:
        return f"The images could not be read, so the data were not checked: {error}"
    if dataset.fingerprint() != run.manifest.dataset.fingerprint:
        return "The dataset has changed since the training, so it was not checked."
    return dataset
