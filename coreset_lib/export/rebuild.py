"""Computing a CSV of any kind again from its provenance, and comparing byte for byte."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.export import (
    coresets,
    corrections,
    evaluation_results,
    refinement_results,
    scores,
)
from coreset_lib.export.archive import read_export
from coreset_lib.export.provenance import SCHEMA_VERSION, Export, describe_run
from coreset_lib.plugins import check_installed
from coreset_lib.runs.store import Run, RunStore

Record = dict[str, Any]
LONGEST_SHOWN = 40
# Of two fields that differ, the one that explains the other is named.
FIRST = ("dataset.fingerprint",)
# The moment and the program of a rebuilding are its own; of the making only the provenance knows.
UNCONFIRMED = ("created", "versions")
# The run is compared with the run, the hash with the file.
TOLD_ANEW = {*UNCONFIRMED, "sha256", "run"}


@dataclass(frozen=True)
class Kind:
    """One kind of CSV: where its record keeps the choices, and how it is made again."""

    choices: str
    again: Callable[[Run, Mapping[str, Any]], Export]


def _from_dynamics(
    again: Callable[[Run, Mapping[str, Any], TrainingDynamics], Export],
) -> Callable[[Run, Mapping[str, Any]], Export]:
    """Give a kind the dynamics that its CSV was made from."""
    return lambda run, record: again(run, record, _dynamics_as_recorded(run, record))


KINDS: dict[str, Kind] = {
    scores.KIND: Kind("score_options", _from_dynamics(scores.scores_again)),
    coresets.CORESET: Kind("selection", _from_dynamics(coresets.coreset_again)),
    coresets.SELECTION: Kind("samples", _from_dynamics(coresets.selection_again)),
    corrections.KIND: Kind("reviews", corrections.labels_again),
    evaluation_results.KIND: Kind("plan", evaluation_results.evaluation_again),
    refinement_results.KIND: Kind("plan", refinement_results.refinement_again),
}


def rebuild(csv: Path, store: RunStore) -> tuple[Export, bool]:
    """Compute a CSV again from the provenance beside it, or in the same ZIP.

    Returns
    -------
    Export
        What the recorded choices give now.
    bool
        Whether it is the same, byte for byte, as the file was when it was made, the file on
        disk still is, and so is all that the provenance says of it.

    Raises
    ------
    CoresetError
        If the CSV, its provenance, its run or, of a comparison or refinement, its finished
        trainings are missing or unreadable, or a package that brought the score or the
        strategy is not installed; also if the provenance says of the run what the run
        itself does not say.
    """
    given = read_rebuildable(csv)
    record = given.provenance
    check_installed(record.get("plugins"))
    run = store.find(record["run"]["run_id"])
    _check_run(run, record)
    export = _again(csv, run, record)
    on_disk = hashlib.sha256(given.csv).hexdigest()
    is_same = on_disk == record["sha256"] == export.provenance["sha256"]
    return export, is_same and _says_the_same(record, export.provenance)


def _again(csv: Path, run: Run, record: Record) -> Export:
    """Compute a CSV again; raises CoresetError where the choices are of the wrong types."""
    try:
        return KINDS[record["kind"]].again(run, record)
    except CoresetError:
        raise
    except (TypeError, KeyError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise CoresetError(
            f"provenance of {csv} holds choices that cannot be read ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:120]}). Restore it from a copy."
        ) from error


def read_rebuildable(path: Path) -> Export:
    """Read a CSV and its provenance, or a ZIP of both; raises CoresetError if unusable."""
    export = read_export(path)
    record = export.provenance
    version = record.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise CoresetError(
            f"provenance of {path} was written by a newer program: it has schema version "
            f"{version}, this one reads {SCHEMA_VERSION}. Update coreset-lens on this computer."
        )
    try:
        is_usable = (
            type(version) is int
            and version == SCHEMA_VERSION
            and record["kind"] in KINDS
            and isinstance(record["sha256"], str)
            and isinstance(record["run"]["run_id"], str)
            and isinstance(record["run"]["epochs"], int)
            and isinstance(record["run"]["dataset"]["fingerprint"], str)
            and isinstance(record[KINDS[record["kind"]].choices], dict)
        )
    except (KeyError, TypeError):
        is_usable = False
    if not is_usable:
        raise CoresetError(f"provenance of {path} cannot be read. Restore it from a copy.")
    return export


def _check_run(run: Run, record: Record) -> None:
    """Raise CoresetError unless the run is all that the provenance says of it."""
    said, n_epochs = record["run"], record["run"]["epochs"]
    if not 0 <= n_epochs <= run.status().epoch:
        raise CoresetError(
            f"run {run.run_id} must have {n_epochs} recorded epochs, got {run.status().epoch}. "
            "Restore the run from a copy."
        )
    found = _flat(json.loads(json.dumps(describe_run(run, n_epochs))))
    given = _flat(said)
    for name in sorted({*found, *given}, key=lambda name: (name not in FIRST, name)):
        is_there = name in found and name in given
        if not is_there or not _agrees(name, given[name], found[name]):
            raise CoresetError(
                f"run {run.run_id} must have {name} {_shown(given.get(name))}, as the provenance "
                f"says, got {_shown(found.get(name))}. It is another run of the same name, or "
                "the provenance was changed: restore the right one."
            )


def _flat(record: Mapping[str, Any], before: str = "") -> Record:
    """Return the values of nested mappings by dotted names."""
    flat: Record = {}
    for name, value in record.items():
        is_nested = isinstance(value, dict) and value
        flat |= _flat(value, f"{before}{name}.") if is_nested else {before + name: value}
    return flat


def _shown(value: Any) -> str:
    """Show a value in a sentence."""
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}.."


def _says_the_same(record: Record, rebuilt: Record) -> bool:
    """Whether choices, counts and reports are equal, and the record says nothing else.

    What a later version added, and the default of a new option, is missing in earlier records.
    """
    found = json.loads(json.dumps(rebuilt))
    names = record.keys() - TOLD_ANEW
    return names <= found.keys() and all(_agrees(name, record[name], found[name]) for name in names)


def _agrees(name: str, given: Any, found: Any) -> bool:
    """Whether two values of a name are equal, but for options that were added."""
    if not (isinstance(given, dict) and isinstance(found, dict)):
        return bool(given == found) and isinstance(given, bool) is isinstance(found, bool)
    may_grow = name.endswith("options")
    if not (given.keys() <= found.keys() if may_grow else given.keys() == found.keys()):
        return False
    return all(_agrees(each, given[each], found[each]) for each in given)


def _dynamics_as_recorded(run: Run, record: Mapping[str, Any]) -> TrainingDynamics:
    """Open the run with as many epochs as it had when the CSV was made."""
    dynamics, wanted = run.dynamics(), record["run"]["epochs"]
    if dynamics.n_epochs < wanted:
        raise CoresetError(
            f"run {run.run_id} must have {wanted} recorded epochs, got {dynamics.n_epochs}. "
            "Restore the run from a copy."
        )
    return replace(dynamics, n_epochs=wanted)
