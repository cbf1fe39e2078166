"""The tables of docs/label-noise.md on the suspicion, from the results files."""

import sys
from pathlib import Path

import pandas as pd
from score_table import markdown

KEYS = ["dataset", "noise"]
OWN = ("suspicion", "suspicion, held out")
# Some of what is compared needs trainings of its own.
DEARER = (
    "suspicion, held out", "out of fold, network", "cleanlab, network", "neighbours, held_out",
    "co-teaching",
)  # fmt: skip
SHORT = {"symmetric": "sym.", "class_dependent": "dep.", "look_alike": "look."}


def print_tables(folder: Path) -> None:
    """Print AUROC over all and inside classes, shortfalls, flags and calibration."""
    table = pd.concat([pd.read_csv(path) for path in sorted(folder.glob("*.csv"))])
    table["cell"] = table["noise"].map(_short)
    for dataset, rows in table.groupby("dataset", sort=False):
        seeds = rows["seed"].nunique()
        for column, title in (
            ("auroc", "AUROC"),
            (
                "auroc_inside_classes",
                "AUROC inside classes (mean over the classes with both kinds)",
            ),
            ("found_in_first_100", "Wrong labels among the first 100"),
        ):
            _print(f"{title}, {dataset}, up to {seeds} seeds", _wide(rows, column))
        _print(f"What is flagged, {dataset}", _flags(rows))
    _print("Suspicion against the best single baseline", _shortfalls(table))
    _print("Expected against found", _calibration(table))


def _print(title: str, table: pd.DataFrame) -> None:
    sys.stdout.write(f"### {title}\n\n{markdown(table).replace('| nan', '| ')}\n\n")


def _short(noise: str) -> str:
    """Return a heading such as "sym. 20 %"."""
    kind, _, rate = noise.partition(":")
    return f"{SHORT[kind]} {100 * float(rate):g} %"


def _wide(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the means over seeds, a line for each ranking, the best first."""
    wide = rows.pivot_table(index="ranking", columns="cell", values=column, sort=False)
    digits = 0 if column.startswith("found") else 2
    return wide.loc[wide.mean(axis=1).sort_values(ascending=False).index].round(digits)


def _flags(rows: pd.DataFrame) -> pd.DataFrame:
    """Return precision and sensitivity of what is flagged, "precision / sensitivity" in %."""
    flagged = rows[rows["sensitivity"].notna()]
    means = flagged.groupby(["ranking", "cell"], sort=False)[["precision", "sensitivity"]].mean()
    said = (100 * means).round(0).fillna(0).astype(int)
    words = said["precision"].astype(str) + " / " + said["sensitivity"].astype(str)
    return words.unstack("cell")[list(dict.fromkeys(flagged["cell"]))]


def _shortfalls(table: pd.DataFrame) -> pd.DataFrame:
    """Return the suspicion less the best baseline, of means over the seeds of each cell."""
    means = table.groupby(["dataset", "cell", "ranking"], sort=False)["auroc"].mean().unstack()
    cheap = [name for name in means if name not in (*OWN, *DEARER)]
    every = [name for name in means if name not in OWN]
    found = pd.DataFrame(index=[f"{d}, {cell}" for d, cell in means.index])
    found["seeds"] = table.groupby(["dataset", "cell"], sort=False)["seed"].nunique().to_numpy()
    for own, rivals, title in (
        ("suspicion", cheap, "without further trainings"),
        ("suspicion, held out", every, "with five folds"),
    ):
        best = means[rivals].max(axis=1).to_numpy()
        found[f"suspicion {title}"] = means[own].round(3).to_numpy()
        found[f"best {title}"] = best.round(3)
        found[f"which {title}"] = means[rivals].idxmax(axis=1).to_numpy()
        found[f"difference {title}"] = (means[own].to_numpy() - best).round(3)
    return found


def _calibration(table: pd.DataFrame) -> pd.DataFrame:
    """Return found and expected wrong labels among the first of the queue, means over seeds."""
    own = table[table["ranking"] == "suspicion"]
    means = own.groupby(["dataset", "cell"], sort=False).mean(numeric_only=True)
    found = pd.DataFrame(index=[f"{d}, {cell}" for d, cell in means.index])
    for n in (10, 100, 300):
        pairs = zip(means[f"found_{n}"], means[f"expected_{n}"], strict=True)
        found[f"first {n}: found (expected)"] = [f"{a:.0f} ({b:.0f})" for a, b in pairs]
    pairs = zip(means["n_wrong"], means["expected_all"], strict=True)
    found["all: wrong (expected)"] = [f"{a:.0f} ({b:.0f})" for a, b in pairs]
    at = means["sensitivity_at_cleanlab"]
    found["sensitivity at cleanlab's precision, %"] = (100 * at).round(0).to_numpy()
    return found
