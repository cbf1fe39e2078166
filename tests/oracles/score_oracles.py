"""The formula of every score in plain loops, with its default options.

A score that is not among :data:`ORACLES` fails its contract (tests/scores/test_score_contract.py).
"""

import itertools
import math
import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics

Oracle = Callable[[TrainingDynamics], list[float]]

N_CLASSES = 3
N_EPOCHS = 40
EARLY, LATE = slice(0, 10), slice(10, 20)  # the default windows of 40 epochs


def dynamics_of(
    probabilities: NDArray[Any], labels: NDArray[Any], *, without: tuple[str, ...] = ()
) -> TrainingDynamics:
    """Planes of probabilities, shape (epochs, samples, classes)."""
    p = probabilities.astype(np.float64)
    rows = np.arange(len(labels))
    own = p[:, rows, labels]
    error = p.copy()
    error[:, rows, labels] -= 1
    others = p.copy()
    others[:, rows, labels] = -1
    planes = {
        "error_norm": np.linalg.norm(error, axis=2).astype(np.float32),
        "label_probability": own.astype(np.float32),
        "margin": (own - others.max(axis=2)).astype(np.float32),
        "entropy": -np.where(p > 0, p * np.log(np.maximum(p, 1e-300)), 0).sum(axis=2),
        "prediction": p.argmax(axis=2).astype(np.uint8),
        "probabilities": p.astype(np.float16),
    }
    for name in without:
        planes.pop(name, None)
    names = tuple(f"class {k}" for k in range(p.shape[2]))
    return TrainingDynamics(planes, labels.astype(np.int64), len(p), names)


def random_dynamics(
    n_epochs: int = 23, n_samples: int = 9, seed: int = 0, **kwargs: Any
) -> TrainingDynamics:
    """Probabilities that are sharp enough to hold zeros in float16."""
    rng = np.random.default_rng(seed)
    logits = (
        rng.normal(size=(n_epochs, n_samples, N_CLASSES))
        * rng.choice([1, 8, 30], n_samples)[None, :, None]
    )
    p = np.exp(logits - logits.max(axis=2, keepdims=True))
    p /= p.sum(axis=2, keepdims=True)
    return dynamics_of(p, rng.integers(0, N_CLASSES, n_samples), **kwargs)


def column(dynamics: TrainingDynamics, plane: str, sample: int) -> list[Any]:
    """One sample's history as plain Python numbers."""
    return dynamics.plane(plane)[:, sample].astype(np.float64).tolist()


def rank_loops(values: list[float]) -> list[float]:
    """Mean ranks in [0, 1] by comparing every pair."""
    ranks: list[float] = []
    for i, one in enumerate(values):
        below = sum(other < one for other in values)
        ties = sum(other == one for j, other in enumerate(values) if j != i)
        ranks.append((below + ties / 2) / (len(values) - 1))
    return ranks


def forgotten_loops(dynamics: TrainingDynamics, sample: int) -> tuple[int, bool]:
    """Forgetting events, and whether the sample was never right."""
    right = [p == dynamics.labels[sample] for p in column(dynamics, "prediction", sample)]
    return sum(a and not b for a, b in itertools.pairwise(right)), not any(right)


def dyn_unc_loops(history: list[float], window: int) -> float:
    """Mean of the population deviations of all windows."""
    starts = range(len(history) - window + 1)
    return statistics.fmean(statistics.pstdev(history[s : s + window]) for s in starts)


def dual_loops(history: list[float], window: int) -> float:
    """Mean over windows of deviation times one minus mean."""
    terms: list[float] = []
    for start in range(len(history) - window + 1):
        part = history[start : start + window]
        terms.append(statistics.pstdev(part) * (1 - statistics.fmean(part)))
    return statistics.fmean(terms)


def tdds_loops(rows: list[list[float]], window: int, decay: float) -> float:
    """The weights decay (1 - decay)^age over windows of window - 1 changes."""
    tiny = 2.0**-24
    changes: list[float] = []
    for before, after in itertools.pairwise(rows):
        change = 0.0
        for a, b in zip(before, after, strict=True):
            change += abs(b * (math.log(max(b, tiny)) - math.log(max(a, tiny))))
        changes.append(change)
    n_windows = len(rows) - window + 1
    score = 0.0
    for start in range(n_windows):
        part = changes[start : start + window - 1]
        mean = sum(part) / len(part)
        norm = math.sqrt(sum((change - mean) ** 2 for change in part))
        score += decay * (1 - decay) ** (n_windows - 1 - start) * norm
    return score


def full_dynamics(seed: int = 0, n_samples: int = 9) -> TrainingDynamics:
    """Everything that a run of 40 epochs can record, at random."""
    dynamics = random_dynamics(N_EPOCHS, n_samples, seed)
    rng = np.random.default_rng(seed + 1000)
    vog = rng.random((N_EPOCHS, n_samples)).astype(np.float32)
    pixels = rng.normal(size=n_samples)
    return replace(dynamics, planes={**dynamics.planes, "vog": vog}, extras={"vog_pixel": pixels})


def by_history(plane: str, formula: Callable[[list[float]], float]) -> Oracle:
    """The oracle of a score that is a formula of one sample's history of one plane."""
    return lambda dynamics: [
        formula(column(dynamics, plane, sample)) for sample in range(dynamics.n_samples)
    ]


def forgetting_oracle(dynamics: TrainingDynamics) -> list[float]:
    """Events; as many as there are epochs for samples that were never right."""
    found = [forgotten_loops(dynamics, sample) for sample in range(dynamics.n_samples)]
    return [float(N_EPOCHS if is_never else events) for events, is_never in found]


def tdds_oracle(dynamics: TrainingDynamics) -> list[float]:
    """Windows of ten epochs, the newest weighted by 0.9."""
    planes = dynamics.plane("probabilities").astype(np.float64)
    return [tdds_loops(planes[:, i].tolist(), 10, 0.9) for i in range(dynamics.n_samples)]


def ducs_oracle(dynamics: TrainingDynamics) -> list[float]:
    """Half the rank of dynamic uncertainty, half that of the count of forgetting events."""
    uncertainty = rank_loops(ORACLES["dyn_unc"](dynamics))
    events = [float(forgotten_loops(dynamics, i)[0]) for i in range(dynamics.n_samples)]
    return [0.5 * u + 0.5 * f for u, f in zip(uncertainty, rank_loops(events), strict=True)]


variance, mean = statistics.pvariance, statistics.fmean

ORACLES: dict[str, Oracle] = {
    "eva": by_history("error_norm", lambda e: variance(e[EARLY]) + variance(e[LATE])),
    "eva_single": by_history("error_norm", lambda e: variance(e[EARLY])),
    "expectation_single": by_history("error_norm", lambda e: mean(e[EARLY])),
    "expectation_dual": by_history("error_norm", lambda e: mean(e[EARLY]) + mean(e[LATE])),
    "el2n": by_history("error_norm", lambda e: sum(e[:10]) / 10),
    "forgetting": forgetting_oracle,
    "aum": by_history("margin", lambda m: sum(m) / len(m)),
    "entropy": by_history("entropy", lambda h: h[-1]),
    "dyn_unc": by_history("label_probability", lambda p: dyn_unc_loops(p, 10)),
    "dual": by_history("label_probability", lambda p: dual_loops(p[:30], 10)),
    "tdds": tdds_oracle,
    "ducs": ducs_oracle,
    "vog": by_history("vog", lambda v: v[-1]),
    "vog_pixel": lambda dynamics: [float(value) for value in dynamics.extras["vog_pixel"]],
}
