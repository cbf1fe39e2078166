"""Where a CSV comes from: enough to compute it again and compare byte for byte."""

import hashlib
import json
import operator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.atomic import csv_bytes, write_output
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.export.tables import coreset_table, score_table
from coreset_lib.runs.create import library_versions
from coreset_lib.runs.records import Manifest
from coreset_lib.runs.store import Run, RunStore
from coreset_lib.scores import compute_score
from coreset_lib.scores.score import ScoreValues
from coreset_lib.selection import STRATEGIES, SelectionConfig, select_coreset
from coreset_lib.selection.problem import Selection

SCHEMA_VERSION = 1
PRIVATE_OPTIONS = ("data_root", "dataset")
CHOICES = {
    "coreset": "selection",
    "scores": "score_options",
    "selection": "samples",
    "labels": "reviews",
}


@dataclass(frozen=True)
class Export:
    """A CSV and its provenance, ready to be written or downloaded."""

    csv: bytes
    provenance: dict[str, Any]

    def provenance_bytes(self) -> bytes:
        """Return the provenance as JSON."""
        return (json.dumps(self.provenance, indent=2, ensure_ascii=False) + "\n").encode()

    def write(self, path: Path) -> Path:
        """Write the CSV and, beside it, its provenance; return where that is.

        Raises
        ------
        CoresetError
            If either cannot be written.
        """
        beside = provenance_path(path)
        write_output(path, self.csv)
        write_output(beside, self.provenance_bytes())
        return beside


def provenance_path(csv: Path) -> Path:
    """Return where the provenance of a CSV lies: ``<name>.provenance.json`` beside it.

    Raises
    ------
    CoresetError
        If the path ends in no file name.
    """
    if not csv.name:
        raise CoresetError(f"CSV must be a file, got {csv}. Give a name such as coreset.csv.")
    return csv.with_name(f"{csv.stem}.provenance.json")


def export_scores(run: Run, score: ScoreValues, dynamics: TrainingDynamics) -> Export:
    """Return the table of one score of all samples, with provenance."""
    csv = csv_bytes(score_table(run.samples(), score))
    details = {"score": score.name, "score_options": score.plain_options()}
    return Export(csv, _provenance("scores", run, dynamics, csv, details))


def export_coreset(
    run: Run, config: SelectionConfig, dynamics: TrainingDynamics | None = None
) -> Export:
    """Choose a coreset and return its table, with provenance.

    Parameters
    ----------
    run : Run
    config : SelectionConfig
    dynamics : TrainingDynamics, optional
        The run's dynamics, where they are open already.
    """
    dynamics = run.dynamics() if dynamics is None else dynamics
    score = None
    if STRATEGIES[config.strategy].needs_score and config.score is not None:
        score = compute_score(dynamics, config.score, config.score_options)
    selection = select_coreset(
        dynamics, config, score=score, features=lambda: run.features(config.features)
    )
    csv = csv_bytes(coreset_table(run.samples(), dynamics, selection, score))
    details = {
        "selection": config.as_dict()
        | {
            "score": score.name if score else None,
            "score_options": score.plain_options() if score else {},
        },
        "report": dict(selection.report),
        "n_selected": len(selection.indices),
    }
    return Export(csv, _provenance("coreset", run, dynamics, csv, details))


def export_selection(
    run: Run,
    indices: NDArray[np.int64],
    score: ScoreValues | None = None,
    dynamics: TrainingDynamics | None = None,
) -> Export:
    """Return samples that a person selected as a table like a coreset's, with provenance.

    Parameters
    ----------
    run : Run
    indices : int64 array, shape (selected,)
        Positions in the full training split, each once; all of them are in the provenance.
    score : ScoreValues, optional
        Gives rank and a column of its own.
    dynamics : TrainingDynamics, optional
        The run's dynamics, where they are open already.

    Raises
    ------
    CoresetError
        If nothing is selected, or something that is not a sample of the run, or one twice.
    """
    dynamics = run.dynamics() if dynamics is None else dynamics
    chosen = _checked_samples(indices, dynamics.n_samples)
    csv = csv_bytes(coreset_table(run.samples(), dynamics, Selection(chosen, {}), score))
    samples = {
        "indices": chosen.tolist(),
        "score": score.name if score else None,
        "score_options": score.plain_options() if score else {},
    }
    details = {"samples": samples, "n_selected": len(chosen)}
    return Export(csv, _provenance("selection", run, dynamics, csv, details))


def rebuild(csv: Path, store: RunStore) -> tuple[Export, bool]:
    """Compute a CSV again from the provenance beside it.

    Returns
    -------
    Export
        What the recorded choices give now.
    bool
        Whether it is the same, byte for byte, as the file was when it was made, and the
        file on disk still is.

    Raises
    ------
    CoresetError
        If the CSV, its provenance or its run is missing or unreadable.
    """
    record = read_provenance(csv)
    run = store.find(record["run"]["run_id"])
    dynamics = _dynamics_as_recorded(run, record)
    if record["kind"] == "labels":
        export = _labels_again(run, record["reviews"])
    elif record["kind"] == "coreset":
        export = export_coreset(run, _selection_config(record["selection"]), dynamics)
    elif record["kind"] == "selection":
        export = _selection_again(run, record["samples"], dynamics)
    else:
        score = compute_score(dynamics, str(record.get("score")), record["score_options"])
        export = export_scores(run, score, dynamics)
    on_disk = hashlib.sha256(csv.read_bytes()).hexdigest()
    return export, on_disk == record["sha256"] == export.provenance["sha256"]


def read_provenance(csv: Path) -> dict[str, Any]:
    """Read the provenance beside a CSV; raises CoresetError if it is not usable."""
    beside = provenance_path(csv)
    for path in (csv, beside):
        if not path.is_file():
            raise CoresetError(
                f"file {path} was not found. Give the CSV that select or score wrote, "
                "with its .provenance.json beside it."
            )
    record: dict[str, Any] = {}
    try:
        record = json.loads(beside.read_bytes())
        is_usable = (
            record["schema_version"] == SCHEMA_VERSION
            and record["kind"] in CHOICES
            and isinstance(record["sha256"], str)
            and isinstance(record["run"]["run_id"], str)
            and isinstance(record["run"]["epochs"], int)
            and isinstance(record["run"]["dataset"]["fingerprint"], str)
            and isinstance(record[CHOICES[record["kind"]]], dict)
        )
    except (OSError, ValueError, KeyError, TypeError):
        is_usable = False
    if not is_usable:
        raise CoresetError(f"provenance {beside} cannot be read. Restore it from a copy.")
    return record


def _provenance(
    kind: str, run: Run, dynamics: TrainingDynamics, csv: bytes, details: dict[str, Any]
) -> dict[str, Any]:
    """Describe a CSV and where it comes from."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "sha256": hashlib.sha256(csv).hexdigest(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": describe_run(run, dynamics.n_epochs),
        "versions": library_versions(),
        **details,
    }


def describe_run(run: Run, n_epochs: int) -> dict[str, Any]:
    """Return what a provenance says of a run; local paths of the dataset stay out of it."""
    manifest = run.manifest
    return {
        "run_id": run.run_id,
        "epochs": n_epochs,
        "seed": manifest.seed,
        "recording": manifest.recording,
        "dataset": {
            "name": manifest.dataset.name,
            "fingerprint": manifest.dataset.fingerprint,
            "n_train": manifest.dataset.n_train,
            "is_synthetic": manifest.dataset.is_synthetic,
        },
        "config": {k: v for k, v in manifest.config.items() if k not in PRIVATE_OPTIONS},
        "versions": manifest.versions,
        "git_commit": manifest.git_commit,
        "git_is_dirty": manifest.git_is_dirty,
        **(_own_words(manifest) if manifest.is_recorded else {}),
    }


def _own_words(manifest: Manifest) -> dict[str, Any]:
    """Return how the author of a recorded run describes it."""
    return {"origin": manifest.origin, "title": manifest.title, "recipe": manifest.recipe}


def _dynamics_as_recorded(run: Run, record: dict[str, Any]) -> TrainingDynamics:
    """Open the run with as many epochs as it had when the CSV was made."""
    found = run.manifest.dataset.fingerprint
    if found != record["run"]["dataset"]["fingerprint"]:
        raise CoresetError(
            f"run {run.run_id} must be of the dataset with fingerprint "
            f"{record['run']['dataset']['fingerprint'][:12]}, got {found[:12]}. "
            "It is another run of the same name."
        )
    dynamics, wanted = run.dynamics(), record["run"]["epochs"]
    if dynamics.n_epochs < wanted:
        raise CoresetError(
            f"run {run.run_id} must have {wanted} recorded epochs, got {dynamics.n_epochs}. "
            "Restore the run from a copy."
        )
    return replace(dynamics, n_epochs=wanted)


def _checked_samples(indices: Any, n_samples: int) -> NDArray[np.int64]:
    """Return the samples of a selection, or say what is wrong with them."""
    try:
        chosen = np.array(list(map(operator.index, indices)), dtype=np.int64)
    except (TypeError, OverflowError):
        raise CoresetError("selection must be whole numbers. Restore its file.") from None
    is_inside = len(chosen) > 0 and chosen.min() >= 0 and chosen.max() < n_samples
    if not is_inside or len(np.unique(chosen)) != len(chosen):
        raise CoresetError(
            f"selection must be of at least one of the {n_samples} samples, each once, "
            f"got {len(chosen)} numbers. Select samples of this run."
        )
    return chosen


def _selection_again(run: Run, samples: dict[str, Any], dynamics: TrainingDynamics) -> Export:
    """Export a recorded selection once more."""
    score = None
    if samples.get("score") is not None:
        score = compute_score(dynamics, str(samples["score"]), samples.get("score_options", {}))
    return export_selection(run, samples.get("indices", ()), score, dynamics)


def _labels_again(run: Run, reviews: dict[str, Any]) -> Export:
    """Export recorded label decisions once more, from the review database of the cache."""
    from coreset_lib.export.corrections import labels_again
    from coreset_lib.review.store import open_reviews

    with open_reviews(run.paths.cache) as store:
        return labels_again(run, store, reviews)


def _selection_config(fields: dict[str, Any]) -> SelectionConfig:
    """Read a selection back; raises CoresetError for fields of another version."""
    try:
        return SelectionConfig(**fields)
    except TypeError:
        raise CoresetError(
            f"the selection in the provenance has unknown fields: {', '.join(fields)}. "
            "Use the version that wrote it."
        ) from None
