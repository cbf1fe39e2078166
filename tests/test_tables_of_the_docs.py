"""Tables in docs are what the files in benchmarks/results say.

Those of docs/studies.md and the second version in docs/recommended.md have tests of their own.
"""

import importlib
import itertools
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from coreset_lib.evaluation.paired import compare_paired

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
RANKINGS = {
    "_cleanlab_ normalized margin, first 10 epochs": "cleanlab normalized_margin, first 10 epochs",
    "**Suspicion** of the Review page": "suspicion",
    "**EL2N**: mean error of the first 10 epochs": "el2n",
    "_cleanlab_ self-confidence, first 10 epochs": "cleanlab self_confidence, first 10 epochs",
    "mean error in EVA's two windows": "expectation_dual",
    "_cleanlab_ normalized margin, all epochs": "cleanlab normalized_margin, all epochs",
    "AUM: mean margin of all epochs": "aum",
    "dual": "dual",
    "Dyn-Unc": "dyn_unc",
    "EVA": "eva",
    "DUCS (our reading)": "ducs",
    "TDDS": "tdds",
    "forgetting": "forgetting",
    "VOG, last layer": "vog",
    "entropy, last epoch": "entropy",
    "_cleanlab_ self-confidence, last epoch": "cleanlab self_confidence, last epoch",
    "_cleanlab_ normalized margin, last epoch": "cleanlab normalized_margin, last epoch",
    "EVA, one window": "eva_single",
    "VOG, pixels": "vog_pixel",
    "_constant rule_: the class alone": "class alone",
}
NOISES = {"own 4 %": "none", "sym.": "symmetric:0.", "dep.": "class_dependent:0."}


@pytest.fixture
def benchmark():
    """Import a script of benchmarks/ by name."""
    before = set(sys.modules)
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield importlib.import_module
    sys.path.remove(str(ROOT / "benchmarks"))
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if Path(file).parent == ROOT / "benchmarks":
            del sys.modules[name]


def page(name):
    return (ROOT / "docs" / name).read_text()


def read_table(text, title):
    """Read the first Markdown table below a heading."""
    below = text.split(f"{title}\n", 1)[1].splitlines()
    first = next(n for n, line in enumerate(below) if line.startswith("|"))
    table = list(itertools.takewhile(lambda line: line.startswith("|"), below[first:]))
    rows = [table[0], *table[2:]]
    cells = [[cell.strip() for cell in row[1:-1].split("|")] for row in rows]
    names = [row[0] for row in cells[1:]]
    return pd.DataFrame([row[1:] for row in cells[1:]], index=names, columns=cells[0][1:])


def noise_of(column):
    """Return dataset and noise that a column of docs/label-noise.md is about."""
    dataset, kind = column.split(" ", 1)
    name = {"pneumonia": "pneumoniamnist", "breast": "breastmnist"}.get(dataset, dataset)
    for begin, noise in NOISES.items():
        if kind.startswith(begin):
            digit = re.search(r"(\d)0 %", kind)
            return name, noise if noise == "none" else noise + digit[1]
    raise AssertionError(column)


@pytest.mark.parametrize(
    ("title", "figure", "scale", "digits"),
    [("## AUROC", "auroc", 1, 2), ("## Precision at the true rate, %", "precision", 100, 0)],
)
def test_every_figure_of_label_noise_is_that_of_its_file(title, figure, scale, digits):
    files = ("label_noise.json", "label_noise_constant.json")
    found = [row for f in files for row in json.loads((RESULTS / f).read_text())["rankings"]]
    known = {(r["dataset"], r["noise"], r["ranking"]): r[figure] for r in found}
    table = read_table(page("label-noise.md"), title)
    assert len(table) == len(RANKINGS)
    for column in table:
        for name, text in table[column].items():
            value = known[(*noise_of(column), RANKINGS[name])]
            assert text == f"{scale * value:.{digits}f}", (name, column)


def test_every_line_of_embeddings_is_made_from_its_files(benchmark, capsys):
    benchmark("embeddings").print_tables(RESULTS / "embeddings")
    printed = capsys.readouterr().out.replace("phantom, none", "phantom, own 4 %")
    lines = [line for line in printed.splitlines() if line.startswith("| ")]
    assert len(lines) > 30
    text = page("embeddings.md")
    assert [line for line in lines if line not in text] == []


def test_every_line_on_the_suspicion_is_made_from_its_files(benchmark, capsys):
    benchmark("suspicion_tables").print_tables(RESULTS / "suspicion")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert len(lines) > 50
    text = page("label-noise.md")
    assert [line for line in lines if line not in text] == []


def test_every_table_of_scores_compared_is_made_from_its_file(benchmark):
    tables = list(benchmark("score_table").tables_of(RESULTS / "scores_compared.json"))
    assert len(tables) == 3
    for table in tables:
        assert table in page("scores-compared.md")


def test_curves_of_refinement_are_those_of_their_file():
    record = json.loads((RESULTS / "refinement.json").read_text())
    text, checked = page("refinement.md"), 0
    for row in record["curves"]:
        title = f"### {row['dataset']}, {100 * row['noise']:.0f} % wrong"
        table = read_table(text, title)
        name = {"random, unjudged": "random among all, no verdict"}.get(
            row["query"], row["query"].replace("_", " ")
        )
        column = f"{row['labels']:g} labels"
        if column in table:
            shown = f"{100 * row['accuracy']:.1f} ± {100 * row['accuracy_sd']:.1f}"
            assert table.loc[name, column] == f"{shown} ({row['wrong']:.0f} wrong)"
            checked += 1
    assert checked > 60


@pytest.mark.parametrize("dataset", ["breastmnist", "pneumoniamnist", "wbc_folder", "pbc"])
def test_the_first_recommended_version_stands_as_its_trainings_say(dataset):
    trained = pd.read_csv(RESULTS / "recommended" / f"{dataset}.csv")
    lines = page("recommended.md").splitlines()
    start = lines.index(next(x for x in lines if x.startswith(f"| **{dataset}**, random |")))
    shown = [[c.strip(" *_") for c in lines[start + n].split("|")[2:-1]] for n in (0, 1)]
    for column, rate in enumerate((0.02, 0.05, 0.1, 0.2, 0.3)):
        at = trained[trained["rate"] == rate].set_index("seed")
        random, ours = (
            at[at["candidate"] == name]["test_accuracy"].sort_index()
            for name in ("random", "recommended")
        )
        assert shown[0][column] == f"{100 * random.mean():.1f} ± {100 * random.std():.1f}"
        found = compare_paired(ours[random.index], random)
        half = (found.high - found.low) / 2
        said = [float(text) for text in shown[1][column].split(" ± ")]
        # The files hold five digits, the page was made from all.
        assert said == pytest.approx([100 * found.mean, 100 * half], abs=0.051)


def test_macro_auc_is_worse_in_the_four_cells_that_the_page_names():
    worse = {}
    for path in sorted((RESULTS / "recommended").glob("*.csv")):
        trained = pd.read_csv(path)
        for rate, at in trained.groupby("rate"):
            sides = [
                at[at["candidate"] == name].set_index("seed")["test_macro_auc"].dropna()
                for name in ("recommended", "random")
            ]
            shared = sides[0].index.intersection(sides[1].index)
            if len(shared) > 1:
                found = compare_paired(sides[0][shared], sides[1][shared])
                if found.verdict == "worse":
                    worse[path.stem, rate] = found.mean
    assert sorted(worse) == [
        ("braintumor", 0.3), ("breastmnist", 0.3), ("digits", 0.1), ("wbc_folder", 0.02)
    ]  # fmt: skip
    text = page("recommended.md")
    for mean in worse.values():
        assert f"(−{abs(100 * mean):.1f})" in text


def test_shares_of_suspects_are_those_counted():
    text = page("recommended.md")
    folder = RESULTS / "recommended" / "second"
    for name, words in (
        ("screened/digits", "{:.1f} % of the\n   digits"),
        ("screened/braintumor", "{:.0f} % of the brain tumour slices"),
        ("screened/breastmnist", "{:.0f} % of the breast ultrasounds"),
        ("confirmed/phantom_noisy", "{:.0f} % of a phantom"),
    ):
        record = json.loads((folder / f"{name}.json").read_text())
        n_suspects = sum(record["suspects"]["margin below 0"].values())
        share = 100 * n_suspects / np.sum(list(record["sizes"].values()))
        assert words.format(share) in text


def test_the_table_of_pbc_is_made_from_its_file():
    found = pd.read_csv(RESULTS / "studies" / "pbc-class-diversity.csv").set_index("strategy")
    table = read_table(page("studies.md"), "## Earlier: diversity inside classes on pbc")
    for column in table:
        at = found[found["rate"] == float(column.split()[0]) / 100]
        for name, text in table[column].items():
            row = at.loc[name]
            assert text == f"{100 * row['mean']:.1f} ± {100 * row['standard_deviation']:.1f}"
    full = found.loc["full set"]
    assert f"The full set: {100 * full['mean']:.1f} ±" in page("studies.md")
