"""Where a CSV comes from: enough to compute it again and compare byte for byte."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from coreset_lib.atomic import write_output
from coreset_lib.errors import CoresetError
from coreset_lib.runs.create import library_versions
from coreset_lib.runs.records import Manifest
from coreset_lib.runs.store import Run
from coreset_lib.scores import SCORES
from coreset_lib.selection import STRATEGIES

SCHEMA_VERSION = 1
PRIVATE_OPTIONS = ("data_root", "dataset")


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


def plugins_used(score: str | None, strategy: str | None = None) -> dict[str, Any]:
    """Name the other packages that a CSV cannot be computed without; nothing if there are none."""
    found = (SCORES.plugin(score), STRATEGIES.plugin(strategy))
    plugins = [plugin.as_dict() for plugin in found if plugin is not None]
    return {"plugins": plugins} if plugins else {}


def make_export(
    kind: str, run: Run, csv: bytes, details: Mapping[str, Any], *, n_epochs: int
) -> Export:
    """Return a CSV with a description of what it is and where it comes from.

    Parameters
    ----------
    kind : str
        One of :data:`coreset_lib.export.rebuild.KINDS`.
    run : Run
    csv : bytes
    details : mapping
        The choices that it was made by, in plain values.
    n_epochs : int
        Recorded epochs that it was made from.
    """
    provenance = {
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "sha256": hashlib.sha256(csv).hexdigest(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": describe_run(run, n_epochs),
        "versions": library_versions(),
        **details,
    }
    return Export(csv, provenance)


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
        **({"plugins": list(manifest.plugins)} if manifest.plugins else {}),
        **(_own_words(manifest) if manifest.is_recorded else {}),
    }


def _own_words(manifest: Manifest) -> dict[str, Any]:
    """Return how the author of a recorded run describes it."""
    return {"origin": manifest.origin, "title": manifest.title, "recipe": manifest.recipe}
