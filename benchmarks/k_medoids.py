"""K-Medoids: the own FasterPAM against scikit-learn-extra, choosing K, and one large class.

Run alone on the machine: ``python benchmarks/k_medoids.py``. Every compared call starts from
the same features and ends with medoids and labels; FasterPAM's also computes the silhouette.
All are warmed up, timed in turn, and reported as the median with the least and the most. BLAS
and OpenMP run on one thread, so that scikit-learn-extra and ``workers=1`` use one core each.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from coreset_lib.clustering import choose_k, k_medoids
from coreset_lib.clustering.threads import usable_cores

RESULTS = Path(__file__).parent / "results" / "k_medoids.json"
PACKAGES = ("numpy", "numba", "scikit-learn", "scikit-learn-extra", "scipy")
N_CLUSTERS = 10
N_FEATURES = 50


def main() -> None:
    arguments = _parse()
    if arguments.large:
        print(json.dumps(_measure_large(arguments.large)))
        return
    if arguments.first_call:
        print(json.dumps(_measure_first_call()))
        return
    scale = 10 if arguments.quick else 1
    report: dict[str, Any] = {"schema_version": 1, "quick": arguments.quick, **_describe_machine()}
    print(json.dumps(report, indent=2))
    report["compilation"] = _show("compilation", _compilation())
    report["against_scikit_learn_extra"] = [
        _show(f"against scikit-learn-extra, {name}", _compare(features, arguments.repeats))
        for name, features in _data_sets(3000 // scale)
    ]
    report["choose_k"] = [
        _show(f"choose K, {name}", _choose(features, arguments.repeats))
        for name, features in _data_sets(6000 // scale)
    ]
    report["large_class"] = _show("large class", _in_own_process("--large", 100_000 // scale))
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    print(f"written: {arguments.out}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a tenth of the samples")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--large", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--first-call", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def _describe_machine() -> dict[str, Any]:
    return {
        "command": " ".join(["python", "benchmarks/k_medoids.py", *sys.argv[1:]]),
        "hardware": {
            "processor": _processor(),
            "cores": usable_cores(),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
            "load_before": os.getloadavg()[0],
        },
        "omp_num_threads": os.environ["OMP_NUM_THREADS"],
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in PACKAGES},
        },
    }


def _processor() -> str:
    """Return the processor's name; ``platform.processor`` is empty on most Linux systems."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _data_sets(n_samples: int) -> list[tuple[str, np.ndarray]]:
    """Return float64 sets from no structure (few swaps) to many swaps, each (samples, 50 or 2)."""
    rng = np.random.default_rng(0)
    cloud = rng.normal(size=(n_samples, N_FEATURES))
    centres = 1.5 * rng.normal(size=(N_CLUSTERS, N_FEATURES))
    groups = centres[rng.integers(0, N_CLUSTERS, n_samples)]
    return [
        ("one cloud, 50 features", cloud),
        ("ten groups, 50 features", groups + rng.normal(size=(n_samples, N_FEATURES))),
        ("decaying spectrum, 50 features", cloud * 0.9 ** np.arange(N_FEATURES)),
        ("square, 2 features", rng.random((n_samples, 2))),
    ]


def _compare(features: np.ndarray, repeats: int) -> dict[str, Any]:
    """Time FasterPAM, pam and alternate in turn, and check that FasterPAM's loss is least."""
    cores = usable_cores()
    calls = {
        "fasterpam, 1 thread": lambda: k_medoids(features, N_CLUSTERS, workers=1).inertia,
        f"fasterpam, {cores} threads": lambda: k_medoids(features, N_CLUSTERS).inertia,
        "scikit-learn-extra pam": lambda: _sklearn_extra_loss(features, "pam"),
        "scikit-learn-extra alternate": lambda: _sklearn_extra_loss(features, "alternate"),
    }
    timings, losses = _time_in_turn(calls, repeats)
    own = losses["fasterpam, 1 thread"]
    assert own == losses[f"fasterpam, {cores} threads"]
    assert own <= losses["scikit-learn-extra pam"] * 1.001
    assert own <= losses["scikit-learn-extra alternate"] * (1 + 1e-6)
    pam = timings["scikit-learn-extra pam"]["median"]
    return {
        "samples": len(features),
        "features": features.shape[1],
        "clusters": N_CLUSTERS,
        "seconds": timings,
        "loss": losses,
        "times_faster_than_pam": {
            name: round(pam / timings[name]["median"], 1) for name in calls if "faster" in name
        },
    }


def _sklearn_extra_loss(features: np.ndarray, method: str) -> float:
    """Fit scikit-learn-extra's KMedoids as its user would: pam from BUILD, alternate as is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from sklearn_extra.cluster import KMedoids
    init = "build" if method == "pam" else "heuristic"
    model = KMedoids(N_CLUSTERS, method=method, init=init, random_state=0)
    return float(model.fit(features).inertia_)


def _choose(features: np.ndarray, repeats: int) -> dict[str, Any]:
    """Time the choice of K from 2 to 10."""
    calls = {
        "1 thread": lambda: choose_k(features, (2, 10), workers=1),
        f"{usable_cores()} threads": lambda: choose_k(features, (2, 10)),
    }
    timings, results = _time_in_turn(calls, repeats)
    result = results["1 thread"]
    return {
        "samples": len(features),
        "features": features.shape[1],
        "k_range": [2, 10],
        "seconds": timings,
        "chosen": result.k,
        "k_curve": [list(point) for point in result.k_curve],
    }


def _measure_large(n_samples: int) -> dict[str, Any]:
    """Cluster one large class, then choose its K; the peak is that of this whole process."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(N_CLUSTERS, N_FEATURES))
    groups = centres[rng.integers(0, N_CLUSTERS, n_samples)]
    features = groups + rng.normal(size=(n_samples, N_FEATURES))
    k_medoids(features[:300], 3)
    megabytes = 400 if n_samples > 10_000 else 20
    outcome: dict[str, Any] = {
        "samples": n_samples,
        "features": N_FEATURES,
        "max_memory_mb": megabytes,
        "peak_before_gib": _peak_gib(),
    }
    for name, call in {
        "k_medoids, 10 clusters": lambda: k_medoids(features, N_CLUSTERS, max_memory_mb=megabytes),
        "choose_k, 2 to 10": lambda: choose_k(features, max_memory_mb=megabytes),
    }.items():
        start = time.perf_counter()
        result = call()
        seconds = time.perf_counter() - start
        assert result.is_sampled
        outcome[name] = {
            "seconds": seconds,
            "peak_gib": _peak_gib(),
            "k": result.k,
            "inertia": result.inertia,
            "silhouette": result.silhouette,
        }
    return outcome


def _peak_gib() -> float:
    """Return the largest resident size of this process so far; macOS counts bytes, Linux KiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def _compilation() -> dict[str, float]:
    """Time the first small call without and then with kernels cached on disk."""
    with tempfile.TemporaryDirectory() as cache:
        first, second = (
            _in_own_process("--first-call", 1, NUMBA_CACHE_DIR=cache) for _ in range(2)
        )
    return {"first_call_seconds": first, "first_call_with_cache_seconds": second}


def _measure_first_call() -> float:
    features = np.random.default_rng(0).normal(size=(100, 4))
    start = time.perf_counter()
    k_medoids(features, 3)
    return time.perf_counter() - start


def _in_own_process(flag: str, value: int, **environment: str) -> Any:
    """Run one measurement of this script in a fresh process and return what it prints."""
    done = subprocess.run(
        [sys.executable, __file__, flag, str(value)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


def _time_in_turn(
    calls: dict[str, Callable[[], Any]], repeats: int
) -> tuple[dict[str, dict[str, float]], dict[str, Any]]:
    """Return seconds and last outcome per call, after one warm-up of each."""
    outcomes = {name: call() for name, call in calls.items()}
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            outcomes[name] = call()
            seconds[name].append(time.perf_counter() - start)
    timings = {
        name: {"median": median(each), "least": min(each), "most": max(each), "repeats": repeats}
        for name, each in seconds.items()
    }
    return timings, outcomes


def _show(title: str, outcome: dict[str, Any]) -> dict[str, Any]:
    print(f"{title}\n{json.dumps(outcome, indent=2)}", flush=True)
    return outcome


if __name__ == "__main__":
    main()
