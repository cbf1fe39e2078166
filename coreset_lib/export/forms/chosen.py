"""The samples of a coreset as its table names them, joined with what their run knows of them."""

import csv
import hashlib
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coreset_lib.datasets import LabeledImages, load_configured
from coreset_lib.errors import CoresetError
from coreset_lib.export.archive import export_name
from coreset_lib.export.provenance import Export
from coreset_lib.runs.resume import check_same_dataset, plain_config
from coreset_lib.runs.store import Run

KINDS = ("coreset", "selection")
WHOLE = ("index", "label", "rank", "forgetting_events")
TEXTS = ("sample_id", "class_name", "labels", "source", "cluster", "review_status")


@dataclass(frozen=True, eq=False)
class ChosenSamples:
    """A coreset on its way to another program.

    Attributes
    ----------
    export : Export
        The table as it was written, with its provenance.
    run : Run
    indices : int64 array, shape (chosen,)
        Positions in the full training split, ascending.
    rows : tuple of dict, one per index
        The columns of the table; ids, classes and sources as the run has them, without the
        apostrophe that a table may carry for spreadsheets.
    """

    export: Export
    run: Run
    indices: NDArray[np.int64]
    rows: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        """File name without ending: strategy, rate and hash."""
        return export_name(self.export)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table, in its order."""
        return tuple(self.rows[0])

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of class 0, 1, ..."""
        return self.run.manifest.dataset.class_names

    @property
    def is_multi_label(self) -> bool:
        """Whether a sample carries any number of labels."""
        return bool(self.run.manifest.dataset.label_names)

    @cached_property
    def dataset(self) -> LabeledImages:
        """The images that the run was trained on.

        Raises
        ------
        CoresetError
            If they are not where they were, or have changed.
        """
        dataset = load_configured(plain_config(self.run.paths), cache=self.run.paths.cache)
        check_same_dataset(self.run, dataset.fingerprint())
        return dataset

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return iter(zip(self.indices.tolist(), self.rows, strict=True))


def chosen_samples(export: Export, run: Run) -> ChosenSamples:
    """Return the samples that the table of a coreset names.

    Parameters
    ----------
    export : Export
        Of :func:`~coreset_lib.export.coresets.export_coreset` or ``export_selection``.
    run : Run
        The one that its provenance names.

    Raises
    ------
    CoresetError
        If it was changed, is another kind of table, or names samples that the run does not have.
    """
    if hashlib.sha256(export.csv).hexdigest() != export.provenance.get("sha256"):
        raise CoresetError(
            "the coreset's table has been changed since it was written, so that its provenance "
            "is of another one. Give the CSV as it was written, or rebuild it."
        )
    if export.provenance.get("kind") not in KINDS:
        raise CoresetError(
            f"table must be a coreset or a selection of samples, got one of "
            f"{export.provenance.get('kind')}. Make one with: coreset-lens select"
        )
    samples = run.samples()
    rows = sorted(_read_rows(export.csv), key=lambda row: row["index"])
    indices = np.array([row["index"] for row in rows], dtype=np.int64)
    _check_indices(indices, len(samples))
    return ChosenSamples(export, run, indices, tuple(_joined(rows, samples.iloc[indices])))


def _read_rows(content: bytes) -> list[dict[str, Any]]:
    """Read the table: whole numbers, scores as floats, everything else as text."""
    try:
        lines = csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True)
        return [{name: _cell(name, text) for name, text in line.items()} for line in lines]
    except (ValueError, TypeError, csv.Error):
        raise CoresetError(
            "the coreset's table cannot be read. Give the CSV as it was written."
        ) from None


def _cell(name: str, text: str) -> Any:
    """Return the value of a cell; raises ValueError or TypeError for what is not of its kind."""
    if name in WHOLE:
        return int(text)
    if name in TEXTS:
        return str(text)
    return float(text) if text else math.nan


def _check_indices(indices: NDArray[np.int64], n_samples: int) -> None:
    """Raise CoresetError unless each index is a sample of the run, once."""
    is_good = len(indices) > 0 and indices[0] >= 0 and indices[-1] < n_samples
    if not is_good or len(np.unique(indices)) != len(indices):
        raise CoresetError(
            f"the coreset's table must name samples from 0 to {n_samples - 1}, each once. Give "
            "the CSV as it was written, with its provenance."
        )


def _joined(rows: list[dict[str, Any]], samples: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield each row with the texts of the run, once the ids are the same."""
    texts = [name for name in TEXTS if name in samples]
    known_rows = pd.DataFrame(samples, columns=texts).to_dict("records")
    for row, known in zip(rows, known_rows, strict=True):
        if row.get("sample_id", "").removeprefix("'") != known["sample_id"].removeprefix("'"):
            raise CoresetError(
                f"sample {row['index']} must be {known['sample_id']} in this run, got "
                f"{row.get('sample_id', 'none')!r}. Give the CSV as it was written."
            )
        yield row | {name: str(known[name]) for name in texts if name in row}
