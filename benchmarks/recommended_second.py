"""The second version of the recommended strategy: screened on some sets, confirmed on others.

    python benchmarks/recommended_second.py --data-root DIR --cache CACHE            # screen
    python benchmarks/recommended_second.py --confirm --data-root DIR --cache CACHE  # confirm
    python benchmarks/recommended_second.py --tables [--confirm]                     # print

A candidate is called by three words: whom it leaves out, in which embedding it covers a class, and
which sample stands for each region. One line per training goes to
``results/recommended/second/`` at once, with the recall of every class, so that a
study that was stopped goes on where it was. Random has the draws of every other arm and more.
"""

import argparse
import csv
import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from measuring import hardware, versions
from numpy.typing import NDArray
from recommended import LEAKING, load, surrogate_run, without_known_images
from recommended_candidates import Known, screened
from recommended_tables import Cells, overview, tables

from coreset_lib.evaluation.metrics import classification_metrics
from coreset_lib.selection import SelectionConfig, select_coreset
from coreset_lib.training.targets.target import ResidentDataset, train_target

RESULTS = Path(__file__).parent / "results" / "recommended" / "second"
SCREENED = ("breastmnist", "braintumor", "digits")
SEALED = ("pneumoniamnist", "wbc_folder", "pbc")  # pbc helped to choose the first version only
CONTROL = ("phantom_noisy",)  # synthetic: a quarter of its labels are wrong or ambiguous
RATES = (0.02, 0.05, 0.1, 0.2, 0.3)
ARMS = ("random", "version 1", "version 2")
FIELDS = ("arm", "rate", "draw", "kept", "seconds", "accuracy", "balanced_accuracy", "macro_auc")
Indices = NDArray[np.intp]


def landed(known: Known, arm: str, rate: float, draw: int) -> Indices:
    """Return the coreset that the library gives."""
    is_random = arm == "random"
    config = SelectionConfig(
        strategy="random" if is_random else "recommended",
        strategy_options={} if is_random else {"version": arm.split()[-1]},
        score=None,
        balance="proportional",
        rate=rate,
        seed=draw,
    )
    run = known.run
    return select_coreset(
        run.dynamics(),
        config,
        features=lambda: run.features("surrogate"),
        early_features=run.early_features,
    ).indices


def study(name: str, arms: Sequence[str], draws: dict[str, int], options: Any) -> None:
    """Train the open cells of one dataset, draw by draw."""
    import torch

    config, dataset = load(name, options.data_root, options.cache)
    known = Known(surrogate_run(options.cache, config, dataset))
    dataset = without_known_images(dataset) if name in LEAKING else dataset
    data = ResidentDataset.place(dataset, torch.device("cpu"))
    path = options.out / f"{name}.csv"
    done = set(Cells.read(path).keys) if path.exists() else set[tuple[str, float, int]]()
    classes = dataset.class_names
    describe(path, known, classes)
    for draw, rate, arm in itertools.product(range(max(draws.values())), options.rates, arms):
        if draw >= draws[arm] or (arm, rate, draw) in done:
            continue
        choose = landed if arm in ARMS and options.confirm else screened
        indices = choose(known, arm, rate, draw)
        batch = max(min(config.batch_size, -(-len(indices) // 4)), 2)
        began = time.perf_counter()
        result = train_target(data, indices, replace(config, seed=draw, batch_size=batch))
        found = classification_metrics(result.test, dataset.test.labels).as_dict()
        figures = [found[name] for name in FIELDS[5:]] + found["recall"]
        seconds = round(time.perf_counter() - began, 2)
        row = [
            arm,
            rate,
            draw,
            len(indices),
            seconds,
            *("" if f is None else round(f, 5) for f in figures),
        ]
        append(path, [*FIELDS, *(f"recall {name}" for name in classes)], row)
        sys.stderr.write(f"{name} {rate:g} draw {draw} {arm}: {found['balanced_accuracy']:.3f}\n")


def describe(path: Path, known: Known, classes: Sequence[str]) -> None:
    """Write what the trainings run on and how many of each class two rules suspect."""
    labels = known.labels
    suspects = {
        title: {name: int(is_suspect[labels == k].sum()) for k, name in enumerate(classes)}
        for title, is_suspect in (
            ("margin below 0", known.trust("v1")[1]),
            ("outvoted", known.trust("adaptive")[1]),
        )
    }
    sizes = {name: int(known.sizes[k]) for k, name in enumerate(classes)}
    record = {"hardware": hardware(), "versions": versions(), "sizes": sizes, "suspects": suspects}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n")


def append(path: Path, header: Sequence[str], row: Sequence[Any]) -> None:
    """Add one training to the results."""
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        csv.writer(file).writerows([header, row] if is_new else [row])


def candidates(names: str | None) -> Iterator[str]:
    """Yield random and what it is compared with."""
    yield "random"
    default = "adaptive|early|centre"
    yield from (name for name in (names or default).split(",") if name != "random")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", type=Path, help="folder with MedMNIST-style .npz files")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/coreset-lens").expanduser())
    parser.add_argument("--datasets", nargs="+", choices=(*SCREENED, *SEALED, *CONTROL))
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS, help="with --confirm")
    parser.add_argument("--candidates", help="rule|embedding|pick, with commas between them")
    parser.add_argument("--rates", nargs="+", type=float, default=RATES)
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--random-draws", type=int, default=100)
    parser.add_argument("--confirm", action="store_true", help="the landed rule on sealed sets")
    parser.add_argument("--out", type=Path, help="folder for the results")
    parser.add_argument("--tables", action="store_true", help="print the tables, train nothing")
    options = parser.parse_args()
    options.out = options.out or RESULTS / ("confirmed" if options.confirm else "screened")
    if options.tables:
        lines = [*overview(options.out), *tables(options.out)]
        sys.stdout.write("\n".join(lines) + "\n")
        return
    arms = tuple(options.arms) if options.confirm else tuple(candidates(options.candidates))
    draws = {arm: options.random_draws if arm == "random" else options.draws for arm in arms}
    for name in options.datasets or (SEALED if options.confirm else SCREENED):
        study(name, arms, draws, options)


if __name__ == "__main__":
    main()
