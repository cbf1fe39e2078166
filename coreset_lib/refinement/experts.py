"""Who gives the right labels: a simulated expert who knows them, or people, by CSV or review."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coreset_lib.atomic import csv_bytes, write_bytes, write_json
from coreset_lib.datasets.relabelling.label_tables import (
    check_class,
    read_label_table,
    settled_rows,
)
from coreset_lib.errors import CoresetError
from coreset_lib.refinement.plan import JUDGED, RefinementPlan, RoundCell
from coreset_lib.refinement.results import RefinementPaths, read_cell, read_judgement
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.states import SampleState, sample_states
from coreset_lib.runs.store import Run
from coreset_lib.spreadsheets import disarm_formulas

if TYPE_CHECKING:
    from coreset_lib.review.store import ReviewStore

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class OpenRound:
    """A round whose queries wait for answers: rows of the training split, most useful first."""

    n_round: int
    rows: Rows

    def sample_ids(self, run: Run) -> list[str]:
        """Return the ids of the samples that are asked about, in the same order."""
        return run.samples()["sample_id"].to_numpy()[self.rows].tolist()


@dataclass(frozen=True)
class _Said:
    """What somebody said about one sample, and where that stands."""

    sample_id: str
    label: str
    where: str


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
    asked = _round_to_answer(paths, plan)
    rows = settled_rows(read_label_table(table))
    said = [_Said(r.sample_id, r.new.strip(), f"line {r.line} of {table.name}") for r in rows]
    _keep_answers(paths, asked, run, said, f"{table.name} must", "Fill in the column new.")
    asked_about = _wanted(asked.sample_ids(run))
    return sum(each.sample_id not in asked_about for each in said)


def accept_reviewed(
    paths: RefinementPaths, plan: RefinementPlan, run: Run, reviews: "ReviewStore"
) -> None:
    """Take the answers to the open round from the decisions of the review.

    Parameters
    ----------
    paths, plan : RefinementPaths, RefinementPlan
    run : Run
    reviews : ReviewStore
        Only labels decided for good count, whenever that was; a sample that was kept is
        answered with the label it has.

    Raises
    ------
    CoresetError
        If no round is open, a query is not decided for good, or the database cannot be read.
        Nothing is kept then.
    """
    asked = _round_to_answer(paths, plan)
    dataset = ReviewedDataset.of_run(run)
    events, rules = reviews.events(dataset.fingerprint), reviews.rules(dataset.fingerprint)
    decided = decided_labels(asked.sample_ids(run), sample_states(events, rules))
    said = [_Said(name, label, f"the decision on {name}") for name, label in decided.items()]
    advice = "Decide on them for good on the Review page, queue Asked."
    _keep_answers(paths, asked, run, said, "the review must", advice)


def decided_labels(ids: Iterable[str], states: Mapping[str, SampleState]) -> dict[str, str]:
    """Return those of the samples that are decided for good, with the name of their class."""
    found = {name: states[name] for name in ids if name in states}
    return {name: s.label for name, s in found.items() if s.is_done and s.label is not None}


def _round_to_answer(paths: RefinementPaths, plan: RefinementPlan) -> OpenRound:
    """Return the open round; raises CoresetError if there is none."""
    asked = open_round(paths, plan)
    if asked is None:
        raise CoresetError(
            f"refinement {paths.root.name} must wait for labels to be given any, and it does not. "
            "Look at: coreset-lens refine status RUN"
        )
    return asked


def _keep_answers(
    paths: RefinementPaths,
    asked: OpenRound,
    run: Run,
    said: Sequence[_Said],
    source_must: str,
    advice: str,
) -> None:
    """Write the answers of a round, if every query has exactly one."""
    ids = asked.sample_ids(run)
    answers = _answers(said, ids, run.manifest.dataset.class_names)
    missing = [sample for sample in ids if sample not in answers]
    if missing:
        raise CoresetError(
            f"{source_must} answer all {len(ids)} queries of round {asked.n_round}, got none "
            f"for {len(missing)} of them, the first is {missing[0]}. {advice}"
        )
    record = {"rows": asked.rows.tolist(), "labels": [answers[sample] for sample in ids]}
    write_json(paths.answers(asked.n_round), {"schema_version": 1, **record})


def _wanted(ids: Sequence[str]) -> dict[str, str]:
    """Return the sample that a cell means: an apostrophe may keep a spreadsheet off it."""
    return {**{f"'{sample}": sample for sample in ids}, **{sample: sample for sample in ids}}


def _answers(
    said: Sequence[_Said], ids: Sequence[str], class_names: Sequence[str]
) -> dict[str, int]:
    """Return the class number of each query that is answered."""
    wanted = _wanted(ids)
    answers: dict[str, int] = {}
    for each in said:
        sample = wanted.get(each.sample_id)
        if sample is None or not each.label:
            continue
        label = list(class_names).index(check_class(each.label, class_names, each.where))
        if answers.setdefault(sample, label) != label:
            raise CoresetError(
                f"{each.where}: sample {sample} has two labels. Keep one of the rows."
            )
    return answers
