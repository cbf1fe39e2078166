"""Every score of a 35,000 × 200 run in memory and of a 1,000,000 × 200 run on disk.

Run alone on the machine: ``python benchmarks/scores.py``. Beside each score stands its formula
in plain NumPy on whole planes, as one would write it in a notebook; it starts from the same
planes and its result is checked equal. Each side of each run works in a process of its own,
whose peak memory is the largest resident set, mapped file pages included.
The large run needs 4 GB of disk and is without the plane of all probabilities, which would
take 4.4 GB more than the default budget allows, so that TDDS is measured on the small one only.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measuring import parser, publish, spread
from numpy.typing import NDArray

from coreset_lib.dynamics import PLANES, TrainingDynamics
from coreset_lib.scores import SCORES, compute_score

N_EPOCHS, N_CLASSES = 200, 11
EARLY, LATE = slice(0, 10), slice(90, 100)
SMALLEST = 2.0**-24
MAPPED_FROM = 100_000  # samples; smaller runs are read into memory
Planes = dict[str, NDArray[Any]]


def main() -> None:
    arguments = parse()
    if arguments.side:
        sys.stdout.write(json.dumps(measure(arguments)) + "\n")
        return
    scale = 20 if arguments.quick else 1
    results = {
        "quick": arguments.quick,
        "small": run_both_sides(35_000 // scale, arguments.repeats, with_probabilities=True),
        "large": run_both_sides(1_000_000 // scale, arguments.repeats, with_probabilities=False),
    }
    publish("scores", results, folder=arguments.out)


def parse() -> argparse.Namespace:
    made = parser(__doc__ or "")
    made.add_argument("--repeats", type=int, default=5)
    made.add_argument("--quick", action="store_true", help="a twentieth of the samples")
    made.add_argument("--side", choices=("library", "naive"), help=argparse.SUPPRESS)
    made.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return made.parse_args()


def run_both_sides(n_samples: int, repeats: int, *, with_probabilities: bool) -> dict[str, Any]:
    """Measure the library and the naive formulas on one run and check that they agree."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_planes(folder, n_samples, with_probabilities=with_probabilities)
        # The plain formulas take a minute each on the large run: measured once.
        few = {"library": repeats, "naive": repeats if n_samples < MAPPED_FROM else 1}
        sides = {side: run_side(folder, side, number) for side, number in few.items()}
        for score in sides["library"]["seconds"]:
            found, expected = (np.load(folder / f"{side}-{score}.npy") for side in sides)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    library, naive = (sides[side]["seconds"] for side in ("library", "naive"))
    total = sum(times["median"] for score, times in library.items() if score != "tdds")
    return {
        "samples": n_samples,
        "epochs": N_EPOCHS,
        "classes": N_CLASSES,
        "all_scores_but_tdds_seconds": total,
        "peak_memory_mib": {side: found["peak_memory_mib"] for side, found in sides.items()},
        "memory_before_mib": {side: found["memory_before_mib"] for side, found in sides.items()},
        "scores": {
            score: {
                "seconds": times,
                "naive_seconds": naive[score],
                "times_faster": naive[score]["median"] / times["median"],
            }
            for score, times in library.items()
        },
    }


def run_side(folder: Path, side: str, repeats: int) -> dict[str, Any]:
    """Measure one side in a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--folder", str(folder)]
    command += ["--repeats", str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def write_planes(folder: Path, n_samples: int, *, with_probabilities: bool) -> None:
    """Write random planes epoch by epoch; a tenth of the samples never moves."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, N_CLASSES, n_samples)
    np.save(folder / "labels.npy", labels)
    files: dict[str, Any] = {}
    for epoch in range(N_EPOCHS):
        for name, row in random_epoch(rng, labels, with_probabilities).items():
            if name not in files:
                files[name] = np.lib.format.open_memmap(
                    folder / f"{name}.npy", "w+", row.dtype, (N_EPOCHS, *row.shape)
                )
            files[name][epoch] = row
            still = n_samples // 10
            files[name][epoch, :still] = files[name][0, :still]


def random_epoch(
    rng: np.random.Generator, labels: NDArray[Any], with_probabilities: bool
) -> Planes:
    """Return one epoch of every plane; consistent with each other only where that matters."""
    row: Planes = {
        name: rng.random(len(labels), dtype=np.float32)
        for name in PLANES
        if name in ("error_norm", "label_probability", "margin", "entropy")
    }
    guesses = rng.integers(0, N_CLASSES, len(labels))
    row["prediction"] = np.where(rng.random(len(labels)) < 0.7, labels, guesses).astype(np.uint8)
    if with_probabilities:
        p = rng.random((len(labels), N_CLASSES), dtype=np.float32) ** 4
        row["probabilities"] = (p / p.sum(axis=1, keepdims=True)).astype(np.float16)
    return row


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Compute every score several times; small runs are in memory, large ones mapped."""
    folder: Path = arguments.folder
    labels = np.load(folder / "labels.npy")
    mapped = None if len(labels) < MAPPED_FROM else "r"
    before = resident_mib()
    planes = {
        path.stem: np.load(path, mmap_mode=mapped)
        for path in sorted(folder.glob("*.npy"))
        if path.stem in PLANES
    }
    names = tuple(f"class {number}" for number in range(N_CLASSES))
    dynamics = TrainingDynamics(planes, labels, N_EPOCHS, names)
    seconds: dict[str, Any] = {}
    for score, spec in SCORES.items():
        if not all(dynamics.has(plane) for plane in spec.needs):
            continue
        call = call_of(arguments.side, score, dynamics)
        began = time.perf_counter()
        values = call()
        first = time.perf_counter() - began
        np.save(folder / f"{arguments.side}-{score}.npy", values)
        if arguments.repeats == 1:
            seconds[score] = spread([first])
            continue
        seconds[score] = spread([timed(call) for _ in range(arguments.repeats)])
    return {
        "seconds": seconds,
        "memory_before_mib": before,
        "peak_memory_mib": resident_mib(),
    }


def call_of(side: str, score: str, dynamics: TrainingDynamics) -> Callable[[], NDArray[np.float64]]:
    """Return the call to measure."""
    if side == "library":
        return lambda: compute_score(dynamics, score).values
    return lambda: NAIVE[score](dict(dynamics.planes), dynamics.labels)


def timed(call: Callable[[], Any]) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def resident_mib() -> float:
    """Return the largest resident set so far, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would begin with that of the process that started this one
        (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM:"))
        return int(line.split()[1]) / 2**10
    factor = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / factor


def wide(plane: NDArray[Any], rows: slice = slice(None)) -> NDArray[np.float64]:
    """Return epochs of a plane in float64."""
    return plane[rows].astype(np.float64)


def naive_windows(plane: NDArray[Any], weigh: bool = False) -> NDArray[np.float64]:
    """Mean over all windows of 10 epochs of the deviation, times 1 - mean if weighed."""
    p = wide(plane)
    terms = [
        p[s : s + 10].std(axis=0) * (1 - p[s : s + 10].mean(axis=0) if weigh else 1)
        for s in range(len(p) - 9)
    ]
    return np.mean(terms, axis=0)


def naive_forgetting(planes: Planes, labels: NDArray[Any], never: float) -> NDArray[np.float64]:
    """Forgetting events; samples never right get ``never``."""
    right = planes["prediction"] == labels
    events = (right[:-1] & ~right[1:]).sum(axis=0).astype(np.float64)
    return np.where(right.any(axis=0), events, never)


def naive_tdds(planes: Planes, labels: NDArray[Any]) -> NDArray[np.float64]:
    """Exponential average over windows of the norm of the centred changes."""
    p = wide(planes["probabilities"])
    log_p = np.log(np.maximum(p, SMALLEST))
    changes = np.abs(p[1:] * (log_p[1:] - log_p[:-1])).sum(axis=2)
    n_windows = N_EPOCHS - 9
    score = np.zeros(len(labels))
    for start in range(n_windows):
        part = changes[start : start + 9]
        norm = np.linalg.norm(part - part.mean(axis=0), axis=0)
        score += 0.9 * 0.1 ** (n_windows - 1 - start) * norm
    return score


def naive_ducs(planes: Planes, labels: NDArray[Any]) -> NDArray[np.float64]:
    """Half the scaled mean rank of the uncertainty plus half that of the forgetting."""
    from scipy.stats import rankdata

    parts = (naive_windows(planes["label_probability"]), naive_forgetting(planes, labels, 0))
    return sum((rankdata(part) - 1) / (len(labels) - 1) for part in parts) / 2


NAIVE: dict[str, Callable[[Planes, NDArray[Any]], NDArray[np.float64]]] = {
    "eva": lambda p, _: (
        wide(p["error_norm"], EARLY).var(axis=0) + wide(p["error_norm"], LATE).var(axis=0)
    ),
    "eva_single": lambda p, _: wide(p["error_norm"], EARLY).var(axis=0),
    "expectation_single": lambda p, _: wide(p["error_norm"], EARLY).mean(axis=0),
    "expectation_dual": lambda p, _: (
        wide(p["error_norm"], EARLY).mean(axis=0) + wide(p["error_norm"], LATE).mean(axis=0)
    ),
    "el2n": lambda p, _: wide(p["error_norm"], slice(0, 10)).mean(axis=0),
    "forgetting": lambda p, labels: naive_forgetting(p, labels, N_EPOCHS),
    "aum": lambda p, _: wide(p["margin"]).mean(axis=0),
    "entropy": lambda p, _: wide(p["entropy"], slice(-1, None))[0],
    "dyn_unc": lambda p, _: naive_windows(p["label_probability"]),
    "dual": lambda p, _: naive_windows(p["label_probability"][:30], weigh=True),
    "tdds": naive_tdds,
    "ducs": naive_ducs,
}


if __name__ == "__main__":
    main()
