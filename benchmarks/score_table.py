"""How much the scores of one run agree: rank correlations, overlap at 10 %, classes chosen.

Writes ``results/scores_compared.json`` from a finished run; ``--tables`` prints the tables of
docs/scores-compared.md from it, and the words around them are written by hand.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import parser, publish
from scipy.stats import spearmanr

from coreset_lib.cache import default_cache
from coreset_lib.errors import CoresetError
from coreset_lib.runs.store import Run, RunStore
from coreset_lib.scores import SCORES, compute_score
from coreset_lib.selection import SelectionConfig, select_coreset

RATE = 0.1


def correlation_table(difficulty: dict[str, np.ndarray]) -> pd.DataFrame:
    """Spearman's correlation of every two scores, all turned so that higher = harder."""
    matrix = spearmanr(np.column_stack(list(difficulty.values()))).statistic
    return pd.DataFrame(matrix, index=list(difficulty), columns=list(difficulty)).round(2)


def overlap_table(coresets: dict[str, set[int]]) -> pd.DataFrame:
    """Share (%) of one score's coreset that stands in another's of the same size."""
    rows = {
        a: {b: round(100 * len(ours & theirs) / len(ours)) for b, theirs in coresets.items()}
        for a, ours in coresets.items()
    }
    return pd.DataFrame(rows).T


def composition_table(
    coresets: dict[str, set[int]], labels: np.ndarray, class_names: tuple[str, ...]
) -> pd.DataFrame:
    """Share (%) of each class in the full set and in each coreset."""
    everything = {"full set": set(range(len(labels))), **coresets}
    rows = {}
    for name, chosen in everything.items():
        counts = np.bincount(labels[sorted(chosen)], minlength=len(class_names))
        rows[name] = dict(zip(class_names, (100 * counts / len(chosen)).round(1), strict=True))
    return pd.DataFrame(rows).T


def markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown."""
    lines = [
        f"| | {' | '.join(map(str, table.columns))} |",
        "|" + "---|" * (len(table.columns) + 1),
    ]
    for name, row in zip(table.index, table.to_numpy(), strict=True):
        said = [value if isinstance(value, str) else f"{value:g}" for value in row]
        lines.append(f"| {name} | {' | '.join(said)} |")
    return "\n".join(lines)


def compared(run: Run) -> dict[str, pd.DataFrame]:
    """Return the three tables of a run, by title."""
    dynamics = run.dynamics()
    difficulty, coresets = {}, {}
    for name in SCORES:
        try:
            score = compute_score(dynamics, name)
        except CoresetError as error:
            sys.stderr.write(f"{name} left out: {error}\n")
            continue
        difficulty[name] = score.difficulty
        config = SelectionConfig(score=name, rate=RATE)
        coresets[name] = set(select_coreset(dynamics, config, score=score).indices.tolist())
    return {
        f"Rank correlation (Spearman), {dynamics.n_samples} samples": correlation_table(difficulty),
        "Overlap of the hardest 10 %, in percent": overlap_table(coresets),
        "Classes in the hardest 10 %, in percent": composition_table(
            coresets, dynamics.labels, dynamics.class_names
        ),
    }


def tables_of(path: Path) -> Iterator[str]:
    """Yield a title and a Markdown table for each of a results file."""
    for title, rows in json.loads(path.read_text())["tables"].items():
        table = pd.DataFrame.from_dict(rows, orient="index")
        yield f"### {title}\n\n{markdown(table)}"


def main() -> None:
    arguments = parser(__doc__ or "")
    arguments.add_argument("run", nargs="?", default="latest")
    arguments.add_argument("--cache", type=Path, default=default_cache())
    arguments.add_argument("--tables", action="store_true", help="print tables, compute nothing")
    given = arguments.parse_args()
    if not given.tables:
        run = RunStore(given.cache).find(given.run)
        tables = {title: table.to_dict("index") for title, table in compared(run).items()}
        recipe = {k: v for k, v in run.manifest.config.items() if k != "data_root"}
        publish("scores_compared", {"recipe": recipe, "tables": tables}, folder=given.out)
    sys.stdout.write("\n\n".join(tables_of(given.out / "scores_compared.json")) + "\n")


if __name__ == "__main__":
    main()
