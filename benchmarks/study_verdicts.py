"""What the comparisons of ``studies.py`` say of each claim: rules, and the table of the page.

Reads nothing but ``results/studies/claims``: one CSV of pairs for each study and dataset, and one
JSON with what it ran on, or why it could not be run.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from study_claims import CLAIMS, Claim

from coreset_lib.evaluation.verdicts.judging import SIGNIFICANCE, benjamini_hochberg

HOLDS, IN_PART, DOES_NOT, NOT_TESTABLE = (
    "holds",
    "holds in part",
    "does not hold",
    "not testable here",
)
BESIDE = ("balanced_accuracy", "macro_auc")
KEY = ["arm", "rate", "reference", "reference_rate"]
HEADER = (
    "| claim | data | in %, mean of all pairs | difference in points (95 %) | "
    "pairs: better, equal, worse, open | "
    "balanced accuracy | macro AUC | worst class | always the largest class | verdict |"
)


def is_better(words: Sequence[str]) -> str:
    """Judge "A is better than B, everywhere"."""
    return _verdict(words, yes=("better",))


def is_as_good(words: Sequence[str]) -> str:
    """Judge "A is no worse than B"."""
    return _verdict(words, yes=("better", "equivalent"))


def is_not_better(words: Sequence[str]) -> str:
    """Judge "no A is better than B"."""
    return _verdict(words, yes=("worse", "equivalent"))


def is_below(words: Sequence[str]) -> str:
    """Judge "A takes less than B": of what is counted, less is what is claimed."""
    return _verdict(words, yes=("worse",))


def _verdict(words: Sequence[str], yes: Sequence[str]) -> str:
    """Say what words come to; those that are open speak neither for nor against."""
    n_for = sum(word in yes for word in words)
    n_open = sum(word == "undecided" for word in words)
    if n_open == len(words):
        return f"{NOT_TESTABLE}: too few draws to tell"
    if n_for == 0:
        return DOES_NOT
    return HOLDS if n_for == len(words) else IN_PART


RULES: dict[str, Callable[[Sequence[str]], str]] = {
    "better": is_better,
    "as good": is_as_good,
    "not better": is_not_better,
    "below": is_below,
    "above": is_better,
    "not above": is_not_better,
}


@dataclass(frozen=True)
class Finding:
    """What one dataset says of a claim; ``cells`` is empty where it could not be tested."""

    claim: Claim
    dataset: str
    cells: pd.DataFrame
    beside: dict[str, pd.DataFrame]
    largest_class: float | None
    verdict: str

    @property
    def words(self) -> list[str]:
        """One word for each pair."""
        return self.cells["word"].tolist()


def findings(folder: Path) -> Iterator[Finding]:
    """Yield what every dataset says of every claim, in the order of the claims."""
    for claim in CLAIMS:
        for path in sorted(folder.glob(f"{claim.study}@*.json")):
            yield _finding(claim, path)


def _finding(claim: Claim, path: Path) -> Finding:
    """Judge one claim by one comparison."""
    record = json.loads(path.read_text())
    dataset, reason = path.stem.split("@")[1], record.get("not_testable", "")
    table = path.with_suffix(".csv")
    cells = pd.DataFrame()
    beside: dict[str, pd.DataFrame] = {}
    if table.exists():
        rows = pd.read_csv(table, keep_default_na=False, na_values=["nan", ""])
        wanted = [(p.arm, p.rate, p.reference, p.reference_rate) for p in claim.pairs]
        rows = rows[[tuple(key) in wanted for key in rows[KEY].to_numpy().tolist()]]
        cells = judged(rows[rows["figure"] == claim.figure])
        if claim.figure == "accuracy":
            beside = {name: judged(rows[rows["figure"] == name]) for name in (*BESIDE, "recall")}
    verdict = f"{NOT_TESTABLE}: {reason or 'nothing is finished'}"
    if len(cells):
        verdict = RULES[claim.rule](cells["word"].tolist())
        balanced = beside.get(BESIDE[0], pd.DataFrame())
        if len(balanced):
            other = RULES[claim.rule](balanced["word"].tolist())
            if other != verdict:
                is_open = other.startswith(NOT_TESTABLE)
                verdict += f"; by balanced accuracy: {'open' if is_open else other}"
    return Finding(claim, dataset, cells, beside, record.get("largest_class"), verdict)


def judged(rows: pd.DataFrame) -> pd.DataFrame:
    """Return pairs with words that stand among all of the claim (Benjamini-Hochberg)."""
    rows = rows.copy()
    if "p_value" in rows and len(rows):
        q_values = benjamini_hochberg(rows["p_value"].to_numpy(dtype=np.float64))
        is_chance = rows["word"].isin(["better", "worse"]) & (q_values > SIGNIFICANCE)
        rows.loc[is_chance, "word"] = "undecided"
    return rows


def page(folder: Path) -> Iterator[str]:
    """Yield the lines of the Markdown tables, one for each paper."""
    found = list(findings(folder))
    for paper in dict.fromkeys(each.claim.paper for each in found):
        yield from ("", f"### {paper}", "", HEADER, "|" + "---|" * (HEADER.count("|") - 1))
        last = ""
        for each in (f for f in found if f.claim.paper == paper):
            text = each.claim.text if each.claim.key != last else "″"
            last = each.claim.key
            yield f"| {text} | {' | '.join(_columns(each))} |"


def _columns(found: Finding) -> list[str]:
    """Write what stands beside the claim."""
    if not len(found.cells):
        return [found.dataset, *["–"] * 7, f"**{found.verdict}**"]
    counts = [found.words.count(w) for w in ("better", "equivalent", "worse", "undecided")]
    missing = len(found.claim.pairs) - len(found.cells)
    done = f" ({len(found.cells)} of {len(found.claim.pairs)} pairs)" if missing else ""
    sides = [_span(found.beside.get(name), with_interval=False) for name in BESIDE]
    constant = "–" if found.largest_class is None else f"{100 * found.largest_class:.1f}"
    return [
        found.dataset,
        _sides(found.cells),
        _span(found.cells),
        ", ".join(map(str, counts)) + done,
        *sides,
        _worst_class(found.beside.get("recall")),
        constant if found.beside else "–",
        f"**{found.verdict}**",
    ]


def _sides(cells: pd.DataFrame) -> str:
    """Write what both sides reach, where that is a share of something."""
    means = cells[["mean", "reference_mean"]].mean()
    return "–" if means.isna().any() else " against ".join(f"{100 * m:.1f}" for m in means)


def _span(cells: pd.DataFrame | None, *, with_interval: bool = True) -> str:
    """Write the difference of one pair, or the median, lowest and highest of several."""
    if cells is None or not len(cells):
        return "–"
    ordered = cells.sort_values("difference")
    ends = [_number(row, with_interval) for row in (ordered.iloc[0], ordered.iloc[-1])]
    if len(cells) == 1:
        return ends[0]
    return f"{100 * cells['difference'].median():+.1f}; from {ends[0]} to {ends[1]}"


def _number(row: Any, with_interval: bool) -> str:
    """Write a difference with its interval where there is one."""
    text = f"{100 * row['difference']:+.1f}"
    if not with_interval or pd.isna(row["low"]):
        return text
    return f"{text} ({100 * row['low']:+.1f} to {100 * row['high']:+.1f})"


def _worst_class(recalls: pd.DataFrame | None) -> str:
    """Name the class whose recall loses most, and how much."""
    if recalls is None or not len(recalls):
        return "–"
    row = recalls.sort_values("difference").iloc[0]
    return f"{row['class_name']}: {_number(row, True)}"
