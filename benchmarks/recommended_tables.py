"""What the trainings of ``recommended_second.py`` say: differences, intervals, who pays.

Random and a candidate are compared as two independent groups (Welch), because equal seeds hardly
pair. The intervals of one figure hold one by one; "worse" and "better" are said after
Benjamini-Hochberg at 5 % over everything that a table asks.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

FIGURES = ("accuracy", "balanced_accuracy", "macro_auc")
RATE = 0.05
TINY = 1e-6
Key = tuple[str, float]


@dataclass(frozen=True)
class Cells:
    """The trainings of one dataset: figures in %, one row per draw."""

    figures: tuple[str, ...]
    keys: tuple[tuple[str, float, int], ...]
    values: dict[Key, NDArray[np.float64]]

    @classmethod
    def read(cls, path: Path) -> "Cells":
        """Read a CSV."""
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        recalls = (name for name in rows[0] if name.startswith("recall ") and rows[0][name])
        figures = (*FIGURES, *recalls)  # a class that test lacks has no recall
        grouped: dict[Key, list[list[float]]] = defaultdict(list)
        for row in rows:
            key = (row["arm"], float(row["rate"]))
            grouped[key].append([100 * float(row[name]) for name in figures])
        keys = tuple((row["arm"], float(row["rate"]), int(row["draw"])) for row in rows)
        return cls(figures, keys, {key: np.array(found) for key, found in grouped.items()})

    @property
    def rates(self) -> list[float]:
        """Every rate, ascending."""
        return sorted({rate for _, rate in self.values})

    @property
    def arms(self) -> list[str]:
        """Every arm, in the order of the file, random first."""
        return list(dict.fromkeys(["random", *(arm for arm, _ in self.values)]))


@dataclass(frozen=True)
class Difference:
    """One figure of an arm against random, in points."""

    dataset: str
    arm: str
    rate: float
    figure: str
    mean: float
    half: float
    p: float


def differences(folder: Path, arms: Sequence[str] | None = None) -> list[Difference]:
    """Return what can be compared: two draws at least on both sides."""
    found: list[Difference] = []
    for path in sorted(folder.glob("*.csv")):
        cells = Cells.read(path)
        for (arm, rate), own in cells.values.items():
            reference = cells.values.get(("random", rate))
            is_asked = arm != "random" and (arms is None or arm in arms)
            if reference is None or not is_asked or min(len(own), len(reference)) < 2:
                continue
            for number, figure in enumerate(cells.figures):
                mean, half, p = welch(own[:, number], reference[:, number])
                found.append(Difference(path.stem, arm, rate, figure, mean, half, p))
    return found


def welch(own: NDArray[np.float64], reference: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the difference of the means, half of its 95 % interval, and p."""
    mean = float(own.mean() - reference.mean())
    parts = [group.var(ddof=1) / len(group) for group in (own, reference)]
    error = float(np.sqrt(sum(parts)))
    if error < TINY:  # all draws alike: nothing is known of the spread
        return mean, 0.0, 1.0
    shares = [p**2 / (len(g) - 1) for p, g in zip(parts, (own, reference), strict=True)]
    freedom = error**4 / sum(shares)
    half = error * float(stats.t.ppf(0.975, freedom))
    return mean, half, float(2 * stats.t.sf(abs(mean) / error, freedom))


def significant(asked: Sequence[Difference], rate: float = RATE) -> set[Difference]:
    """Return those that Benjamini-Hochberg lets stand."""
    ordered = sorted(asked, key=lambda found: found.p)
    below = [n for n, found in enumerate(ordered, 1) if found.p <= rate * n / len(ordered)]
    return set(ordered[: max(below, default=0)])


def tables(folder: Path, arms: Sequence[str] | None = None) -> Iterator[str]:
    """Yield the lines of one Markdown table for each dataset, then a summary of each arm."""
    asked = differences(folder, arms)
    stand = significant(asked)
    for path in sorted(folder.glob("*.csv")):
        cells = Cells.read(path)
        yield from ("", f"### {path.stem}", "")
        yield "| rate | arm | draws | accuracy | balanced accuracy | macro AUC | recall by class |"
        yield "|---|---|---|---|---|---|---|"
        for rate in cells.rates:
            for arm in cells.arms:
                own = cells.values.get((arm, rate))
                if own is None or (arms is not None and arm not in ("random", *arms)):
                    continue
                here = [d for d in asked if (d.dataset, d.arm, d.rate) == (path.stem, arm, rate)]
                words = [_said(found, stand) for found in here] or _means(own)
                shown = [*words[:3], "; ".join(words[3:])]
                yield f"| {100 * rate:g} % | {arm} | {len(own)} | {' | '.join(shown)} |"
    yield from ("", "### All cells", "")
    yield from _summary(asked, stand)


def _means(own: NDArray[np.float64]) -> list[str]:
    """Show means and standard deviations of an arm by itself."""
    if len(own) < 2:
        return [f"{mean:.1f}" for mean in own.mean(axis=0)]
    spread = own.std(axis=0, ddof=1)
    return [f"{m:.1f} ± {s:.1f}" for m, s in zip(own.mean(axis=0), spread, strict=True)]


def _said(found: Difference, stand: set[Difference]) -> str:
    """Show a difference: bold = better, italic = worse, after Benjamini-Hochberg."""
    mark = "" if found not in stand else "**" if found.mean > 0 else "_"
    return f"{mark}{found.mean:+.1f} ± {found.half:.1f}{mark}"


def _summary(asked: Sequence[Difference], stand: set[Difference]) -> Iterator[str]:
    """Yield what each arm comes to over its cells."""
    yield "| arm | cells | balanced accuracy | better | worse | worst recall | figures worse |"
    yield "|---|---|---|---|---|---|---|"
    for arm in dict.fromkeys(found.arm for found in asked):
        own = [found for found in asked if found.arm == arm]
        main = [found for found in own if found.figure == "balanced_accuracy"]
        recalls = [found for found in own if found.figure.startswith("recall ")]
        worst = min(recalls, key=lambda found: found.mean)
        n_better = sum(found in stand and found.mean > 0 for found in main)
        n_worse = sum(found in stand and found.mean < 0 for found in main)
        figures_worse = sum(found in stand and found.mean < 0 for found in own)
        mean = np.mean([found.mean for found in main])
        yield (
            f"| {arm} | {len(main)} | {mean:+.2f} | {n_better} | {n_worse} | {worst.mean:+.1f} "
            f"({worst.dataset}, {100 * worst.rate:g} %) | {figures_worse} of {len(own)} |"
        )


def overview(folder: Path, figure: str = "balanced_accuracy") -> Iterator[str]:
    """Yield a Markdown table of one figure: an arm per row, a dataset and rate per column.

    Random by itself, the others as differences from it. Arms with a single draw have none.
    """
    sets = {path.stem: Cells.read(path) for path in sorted(folder.glob("*.csv"))}
    columns = [(name, rate) for name, cells in sets.items() for rate in cells.rates]
    asked = [found for found in differences(folder) if found.figure == figure]
    stand = significant(differences(folder))
    said = {(d.arm, d.dataset, d.rate): _said(d, stand) for d in asked}
    place = FIGURES.index(figure)
    for name, rate in columns:
        said["random", name, rate] = _means(sets[name].values["random", rate])[place]
    yield "| |" + "".join(f" {name} {100 * rate:g} % |" for name, rate in columns)
    yield "|---|" + "---|" * len(columns)
    for arm in dict.fromkeys(["random", *sorted(arm for arm, _, _ in said)]):
        texts = [said.get((arm, *column), "–") for column in columns]
        yield f"| {arm.replace('|', ', ')} | {' | '.join(texts)} |"
