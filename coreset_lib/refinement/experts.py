"""Who gives the right labels: a simulated expert who knows them, or people through a CSV."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coreset_lib.atomic import csv_bytes, write_bytes, write_json
from coreset_lib.datasets.relabelling import (
    TRAINED_WITH,
    LabelRow,
    check_class,
    read_label_table,
)
from coreset_lib.errors import CoresetError
from coreset_lib.export.tables import disarm_formulas
from coreset_lib.refinement.plan import JUDGED, RefinementPlan, RoundCell
from coreset_lib.refinement.results import RefinementPaths, read_cell, read_judgement
from coreset_lib.runs.store import Run

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class OpenRound:
    """A round whose queries wait for answers: rows of the training split, most useful first."""

    n_round: int
    rows: Rows


def simulated_answers(rows: Rows, true_labels: NDArray[np.int64]) -> list[int]:
    """Return the true label of each row: an expert who is never wrong."""
    return true_labels[rows].tolist()


def read_answers(paths: RefinementPaths, n_round: int, rows: Sequence[int]) -> list[int] | None:
    """Return what people answered for the rows of a round; None if they have not yet."""
    try:
        record = json.loads(paths.answers(n_round).read_bytes())
        return record["labels"] if record["rows"] == list(rows) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def open_round(paths: RefinementPaths, plan: RefinementPlan) -> OpenRound | None:
    """Return the round that waits for people, None if none does."""
    if plan.expert != "people" or not plan.n_rounds:
        return None
    (seed,), (arm,) = plan.seeds, plan.queries
    judgement = read_judgement(paths, seed)
    if judgement is None or read_cell(paths, RoundCell(seed=seed, arm=JUDGED, n_round=0)) is None:
        return None
    rows = judgement["queries"][arm]
    for n_round in range(1, plan.n_rounds + 1):
        if rows and read_answers(paths, n_round, rows) is None:
            return OpenRound(n_round, np.array(rows, dtype=np.int64))
        record = read_cell(paths, RoundCell(seed=seed, arm=arm, n_round=n_round))
        if record is None:
            return None
        rows = record["next"]
    return None


def write_queries(path: Path, run: Run, asked: OpenRound) -> None:
    """Write the queries of a round as a table to fill in.

    Columns: sample_id, old (the given class), new (empty, for the answer), source, round.
    """
    samples = run.samples().iloc[asked.rows]
    table = pd.DataFrame(
        {
            "sample_id": samples["sample_id"].to_numpy(),
            "old": samples["class_name"].to_numpy(),
            "new": "",
            "source": samples["source"].to_numpy(),
            "round": asked.n_round,
        }
    )
    write_bytes(path, csv_bytes(disarm_formulas(table, ("sample_id", "old", "source"))))


def accept_answers(paths: RefinementPaths, plan: RefinementPlan, run: Run, table: Path) -> int:
    """Take the answers to the open round from a table of labels.

    Parameters
    ----------
    paths, plan : RefinementPaths, RefinementPlan
    run : Run
    table : Path
        A CSV with sample_id and new, filled in by hand or exported by the review. Rows of
        other samples are passed over, and so are decisions that wait for a second reader.

    Returns
    -------
    int
        Rows that were passed over.

    Raises
    ------
    CoresetError
        If no round is open, the table cannot be used, a label is unknown, a sample has two
        labels, or a query has no answer. Nothing is kept then.
    """
    asked = open_round(paths, plan)
    if asked is None:
        raise CoresetError(
            f"refinement {paths.root.name} must wait for labels to be given any, and it does not. "
            "Look at: coreset-lens refine status RUN"
        )
    rows = [row for row in read_label_table(table) if row.status in TRAINED_WITH]
    ids = run.samples()["sample_id"].to_numpy()[asked.rows].tolist()
    answers = _answers(rows, ids, run.manifest.dataset.class_names, table)
    missing = [sample for sample in ids if sample not in answers]
    if missing:
        raise CoresetError(
            f"{table.name} must answer all {len(ids)} queries of round {asked.n_round}, got none "
            f"for {len(missing)} of them, the first is {missing[0]}. Fill in the column new."
        )
    labels = [answers[sample] for sample in ids]
    record = {"rows": asked.rows.tolist(), "labels": labels}
    write_json(paths.answers(asked.n_round), {"schema_version": 1, **record})
    return len(rows) - len(ids)


def _answers(
    rows: Sequence[LabelRow], ids: Sequence[str], class_names: Sequence[str], table: Path
) -> dict[str, int]:
    """Return the class number of each query that is answered."""
    wanted = {**{f"'{sample}": sample for sample in ids}, **{sample: sample for sample in ids}}
    answers: dict[str, int] = {}
    for row in rows:
        sample = wanted.get(row.sample_id)
        if sample is None or not row.new.strip():
            continue
        where = f"line {row.line} of {table.name}"
        label = list(class_names).index(check_class(row.new.strip(), class_names, where))
        if answers.setdefault(sample, label) != label:
            raise CoresetError(f"{where}: sample {sample} has two labels. Keep one of the rows.")
    return answers
