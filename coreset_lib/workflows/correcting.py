"""Training once more with the labels that a review has decided."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from coreset_lib.cache import default_cache
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets.relabelling.label_tables import (
    keep_label_content,
    parse_label_table,
    use_in_words,
)
from coreset_lib.errors import CoresetError
from coreset_lib.export.provenance import Export
from coreset_lib.runs.resume import plain_config
from coreset_lib.runs.store import Run
from coreset_lib.workflows.permission import check_permission
from coreset_lib.workflows.training import start


def keep_label_table(content: bytes, name: str, *, cache: Path | None = None) -> tuple[str, str]:
    """Keep a table of labels for trainings.

    Parameters
    ----------
    content : bytes
        A CSV, at least with the columns sample_id and new.
    name : str
        What its sender calls it, for messages.
    cache : Path, optional

    Returns
    -------
    str, str
        What a training's option ``labels`` names it by, and which rows count in words.

    Raises
    ------
    CoresetError
        If it is not a label table, or the cache cannot be written.
    """
    check_permission("start or stop work")
    place = Path(name)
    digest = keep_label_content(default_cache() if cache is None else cache, content, place)
    return digest, use_in_words(parse_label_table(content, place))


def corrected_config(run: Run, labels: Export, *, cache: Path | None = None) -> TrainingConfig:
    """Return the training of a run with corrected labels instead of its own.

    Parameters
    ----------
    run : Run
        One that this program trained.
    labels : Export
        The confirmed labels of its review.
    cache : Path, optional

    Raises
    ------
    CoresetError
        If the run has no recipe, was trained with corrected labels already, or the labels cannot
        be kept.
    """
    config = plain_config(run.paths)
    if config.labels:
        raise CoresetError(
            f"run {run.paths.root.name} was trained with corrected labels already, got more of "
            "them. Join both tables by sample and train with: coreset-lens train ... --labels"
        )
    digest, _ = keep_label_table(labels.csv, "corrected labels", cache=cache)
    return replace(config, labels=digest)


def train_corrected(
    run: Run,
    labels: Export,
    *,
    cache: Path | None = None,
    roots: Sequence[Path] | None = None,
) -> Run:
    """Start a training like a run's, with corrected labels, and return the new run.

    Parameters and errors as for :func:`corrected_config` and
    :func:`coreset_lib.workflows.training.start`.
    """
    check_permission("start or stop work")
    return start(corrected_config(run, labels, cache=cache), cache=cache, roots=roots)
