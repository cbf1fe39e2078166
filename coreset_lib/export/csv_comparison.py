"""Comparing two CSVs that score or select wrote: overlap, rank correlation, classes."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coreset_lib.errors import CoresetError
from coreset_lib.scores.ducs import mean_ranks
from coreset_lib.selection import budget

TEXTS: Any = {"sample_id": "str", "class_name": "str", "source": "str"}
COLUMNS = ("index", "sample_id", "label", "class_name", "rank")
LEAST_TO_CORRELATE = 3


@dataclass(frozen=True, eq=False)
class ExportedTable:
    """A CSV of scores or a coreset, read back.

    Attributes
    ----------
    name : str
    table : DataFrame
        One row per sample, its ``index`` as index, sorted by ``rank``; column ``difficulty``
        is minus the rank, samples of equal score sharing theirs.
    is_coreset : bool
        False for a table of scores, which lists every training sample.
    is_scored : bool
        Whether the ranks are those of a score; else they are the order of the choice.
    """

    name: str
    table: pd.DataFrame
    is_coreset: bool
    is_scored: bool


@dataclass(frozen=True)
class ClassShare:
    """How many samples of a class each side keeps."""

    class_name: str
    n_first: int
    n_second: int


@dataclass(frozen=True)
class Comparison:
    """What two tables have in common.

    Attributes
    ----------
    first, second : str
        Names of the files.
    n_first, n_second, n_both : int
        Samples kept by each, and by both. Of a table of scores, the hardest are kept: as
        many as the other side keeps, or the share asked for.
    jaccard : float
        n_both over the samples kept by either, in [0, 1].
    expected_both : float or None
        What two random draws would have in common; None if neither lists all samples.
    rank_correlation : float or None
        Spearman's, over the samples that both list; 1 = same order. None for fewer than
        three, where one side ties them all, or was chosen without a score.
    n_ranked : int
        Samples that both list.
    classes : tuple of ClassShare
    """

    first: str
    second: str
    n_first: int
    n_second: int
    n_both: int
    jaccard: float
    expected_both: float | None
    rank_correlation: float | None
    n_ranked: int
    classes: tuple[ClassShare, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values, for JSON."""
        return asdict(self)


def read_exported(path: Path) -> ExportedTable:
    """Read a CSV of scores or a coreset.

    Raises
    ------
    CoresetError
        If it is missing or was not written by ``score`` or ``select``.
    """
    if path.exists() and not path.is_file():
        raise CoresetError(f"{path} must be a file, got a folder or device. Give a CSV.")
    try:
        table = pd.read_csv(path, dtype=TEXTS, keep_default_na=False)
    except FileNotFoundError:
        raise CoresetError(f"file {path} was not found. Give a CSV of score or select.") from None
    except (OSError, ValueError) as error:
        raise CoresetError(f"file {path} cannot be read as CSV ({error}).") from None
    missing = [name for name in COLUMNS if name not in table]
    if missing or table["index"].duplicated().any() or table["rank"].dtype.kind not in "iu":
        raise CoresetError(
            f"file {path} must be a CSV that score or select wrote, got columns "
            f"{', '.join(map(str, table.columns))}. Write it anew."
        )
    table = table.sort_values("rank", kind="stable").set_index("index")
    score = _score_column(table)
    ranks = table["rank"].astype(np.float64)
    if score is not None:
        ranks = ranks.groupby(table[score]).transform("mean")
    table["difficulty"] = -ranks
    return ExportedTable(
        path.name, table, is_coreset="source" in table, is_scored=score is not None
    )


def compare(first: ExportedTable, second: ExportedTable, *, rate: float = 0.1) -> Comparison:
    """Compare two tables of the same training samples.

    Parameters
    ----------
    first, second : ExportedTable
    rate : float
        Share of the hardest to take where both are tables of scores, in (0, 1].

    Raises
    ------
    CoresetError
        If they are of different datasets.
    """
    _check_same_samples(first, second)
    kept = [_kept(one, other, rate) for one, other in ((first, second), (second, first))]
    n_both = len(kept[0].index.intersection(kept[1].index))
    n_first, n_second = len(kept[0]), len(kept[1])
    n_all = next((len(x.table) for x in (first, second) if not x.is_coreset), None)
    shared = first.table.index.intersection(second.table.index)
    return Comparison(
        first=first.name,
        second=second.name,
        n_first=n_first,
        n_second=n_second,
        n_both=n_both,
        jaccard=n_both / max(n_first + n_second - n_both, 1),
        expected_both=None if not n_all else n_first * n_second / n_all,
        rank_correlation=_spearman(
            *(x.table["difficulty"].loc[shared].to_numpy(np.float64) for x in (first, second))
        )
        if first.is_scored and second.is_scored
        else None,
        n_ranked=len(shared),
        classes=_class_shares(kept[0], kept[1]),
    )


def _kept(exported: ExportedTable, other: ExportedTable, rate: float) -> pd.DataFrame:
    """Return the rows that an exported table keeps; of scores, the hardest."""
    if exported.is_coreset:
        return exported.table
    n_keep = len(other.table) if other.is_coreset else budget(rate, len(exported.table))
    return exported.table.head(n_keep)


def _score_column(table: pd.DataFrame) -> str | None:
    """Name the column of the score, which stands beside ``rank``; None if there is none."""
    columns = list(table.columns)
    place = columns.index("rank") + (1 if "source" in table else -1)
    name = columns[place] if 0 <= place < len(columns) else "rank"
    is_score = name not in (*COLUMNS, "forgetting_events") and table[name].dtype.kind in "iuf"
    return name if is_score else None


def _spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Return Spearman's rank correlation, None where it is not defined."""
    if len(first) < LEAST_TO_CORRELATE:
        return None
    ranks = [mean_ranks(first), mean_ranks(second)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return None
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _class_shares(first: pd.DataFrame, second: pd.DataFrame) -> tuple[ClassShare, ...]:
    """Count the samples of each class on both sides, in the order of the labels."""
    names = pd.concat([first, second]).groupby("label")["class_name"].first()
    counts = [
        side["label"].value_counts().reindex(names.index, fill_value=0) for side in (first, second)
    ]
    return tuple(
        ClassShare(str(name), int(n_first), int(n_second))
        for name, n_first, n_second in zip(names, *counts, strict=True)
    )


def _check_same_samples(first: ExportedTable, second: ExportedTable) -> None:
    """Raise CoresetError if the same position names different samples."""
    shared = first.table.index.intersection(second.table.index)
    one, other = (x.table["sample_id"].loc[shared] for x in (first, second))
    differ = shared[(one != other).to_numpy()]
    if len(differ):
        index = differ[0]
        raise CoresetError(
            f"{first.name} and {second.name} must be of the same dataset, got sample "
            f"{one[index]} and {other[index]} at index {index}."
        )
