"""What every strategy keeps of one small run, found by plain loops.

A strategy that is not among :data:`REFERENCES` fails its contract
(tests/selection/test_strategy_contract.py).
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.scores.score import ScoreValues
from coreset_lib.seeds import stream

Point = list[float]
CENTRES = ((0, 0), (0, 40), (40, 0), (200, 200), (200, 240), (240, 200))
PER_BLOB = 8


@dataclass(frozen=True)
class Case:
    """Two classes of three far blobs each; one sample of every blob is to be kept.

    ``variance`` of the strategies must be so large that both features stay.
    """

    dynamics: TrainingDynamics
    score: ScoreValues
    points: list[Point]
    labels: list[int]
    blobs: list[int]
    margins: list[float]
    seed: int
    n_keep: int = len(CENTRES)

    @property
    def values(self) -> list[float]:
        """The score, higher = harder."""
        return self.score.values.tolist()

    def members(self, blob: int) -> list[int]:
        """Return the samples of a blob."""
        return [i for i, found in enumerate(self.blobs) if found == blob]


def make_case(seed: int) -> Case:
    """Return a run whose first epoch says which labels look wrong."""
    rng = np.random.default_rng(seed)
    blobs = rng.permutation(np.repeat(np.arange(len(CENTRES)), PER_BLOB))
    labels = blobs // 3
    points = (np.array(CENTRES)[blobs] + rng.normal(size=(len(blobs), 2))).astype(np.float32)
    shape = (12, len(blobs))
    planes = {
        "error_norm": rng.random(shape, dtype=np.float32),
        "margin": (rng.random(shape, dtype=np.float32) * 2 - 0.5).astype(np.float32),
        "prediction": rng.integers(0, 2, shape).astype(np.uint8),
    }
    dynamics = TrainingDynamics(planes, labels.astype(np.int64), 12, ("low", "high"))
    score = ScoreValues("eva", rng.gamma(1.0, size=len(blobs)), "harder")
    return Case(
        dynamics,
        score,
        points.astype(float).tolist(),
        labels.tolist(),
        blobs.tolist(),
        planes["margin"][0].astype(float).tolist(),
        seed,
    )


def mean_point(points: Iterable[Point]) -> Point:
    """Mean of points, coordinate by coordinate."""
    found = list(points)
    return [sum(axis) / len(found) for axis in zip(*found, strict=True)]


def ccs_loops(
    values: list[float], n_keep: int, n_strata: int
) -> tuple[list[list[int]], dict[int, int]]:
    """Strata by comparing with their edges, and budgets by visiting them in ascending count."""
    low, high = min(values), max(values)
    width = (high - low) / n_strata
    strata: list[list[int]] = [[] for _ in range(n_strata)]
    for i, value in enumerate(values):
        for s in range(n_strata):
            is_last = s == n_strata - 1
            if low + s * width <= value and (is_last or value < low + (s + 1) * width):
                strata[s].append(i)
                break
    budgets: dict[int, int] = {}
    remaining = n_keep
    waiting = [s for s in range(n_strata) if strata[s]]
    while waiting:
        s = min(waiting, key=lambda s: (len(strata[s]), s))
        budgets[s] = min(len(strata[s]), remaining // len(waiting))
        remaining -= budgets[s]
        waiting.remove(s)
    return strata, budgets


def farthest_loops(points: list[list[float]], n_keep: int, first: int) -> list[int]:
    """Farthest-first traversal by comparing every sample with every kept one."""
    chosen = [first]
    while len(chosen) < n_keep:
        best, best_distance = -1, -1.0
        for i in range(len(points)):
            if i in chosen:
                continue
            distance = min(math.dist(points[i], points[c]) for c in chosen)
            if distance > best_distance:
                best, best_distance = i, distance
        chosen.append(best)
    return chosen


def herding_loops(points: list[Point], n_keep: int) -> list[int]:
    """At every step the sample that brings the mean of the kept nearest to that of all."""
    mean = mean_point(points)
    chosen: list[int] = []
    for _ in range(n_keep):
        gaps = {
            i: math.dist(mean, mean_point(points[c] for c in (*chosen, i)))
            for i in range(len(points))
            if i not in chosen
        }
        chosen.append(min(gaps, key=lambda i: gaps[i]))
    return chosen


def nearest(case: Case, members: list[int], point: Point) -> int:
    """Return the member nearest to a point."""
    return min(members, key=lambda i: math.dist(case.points[i], point))


def hardest(case: Case) -> list[int]:
    """The largest scores."""
    ranked = sorted(range(len(case.labels)), key=lambda i: (-case.values[i], i))
    return ranked[: case.n_keep]


def drawn(case: Case) -> list[int]:
    """The first samples of one seeded shuffle."""
    shuffled = stream(case.seed, "random coreset").permutation(len(case.labels))
    return shuffled.tolist()[: case.n_keep]


def drawn_from_strata(case: Case) -> list[int]:
    """Of 50 strata each its budget, in the order of one seeded shuffle."""
    strata, budgets = ccs_loops(case.values, case.n_keep, 50)
    shuffled = stream(case.seed, "ccs").permutation(len(case.labels)).tolist()
    kept: list[int] = []
    for number, members in enumerate(strata):
        kept += [i for i in shuffled if i in members][: budgets.get(number, 0)]
    return kept


def drawn_from_blobs(case: Case) -> list[int]:
    """Of each blob the one that comes first in one seeded shuffle."""
    shuffled = stream(case.seed, "diversity").permutation(len(case.labels)).tolist()
    return [next(i for i in shuffled if i in case.members(b)) for b in range(len(CENTRES))]


def hardest_of_blobs(case: Case) -> list[int]:
    """Of each blob the largest score."""
    blobs = range(len(CENTRES))
    return [max(case.members(blob), key=lambda i: case.values[i]) for blob in blobs]


def middle_of_blobs(case: Case) -> list[int]:
    """Of each blob the sample nearest to its mean."""
    kept: list[int] = []
    for blob in range(len(CENTRES)):
        members = case.members(blob)
        kept.append(nearest(case, members, mean_point(case.points[i] for i in members)))
    return kept


def own_shares_of_votes(case: Case) -> list[tuple[float, bool]]:
    """Let the nearest tenth, by angle, vote by the rarity of their class.

    Returns the share of the votes for the own class of each sample, and whether it is outvoted.
    """
    n_samples, found = len(case.labels), list[tuple[float, bool]]()
    for i, (point, label) in enumerate(zip(case.points, case.labels, strict=True)):
        others = [j for j in range(n_samples) if j != i]
        near = sorted(others, key=lambda j: angle(point, case.points[j]))[: n_samples // 10]
        votes = [
            sum(case.labels[j] == k for j in near) / sum(case.labels[j] == k for j in others)
            for k in (0, 1)
        ]
        share = votes[label] / sum(votes)
        found.append((share, share < max(votes) / sum(votes)))
    return found


def angle(one: Point, other: Point) -> float:
    """Angle between two points, seen from the origin."""
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return -product / (math.hypot(*one) * math.hypot(*other))


def middle_of_trusted(case: Case) -> list[int]:
    """Of each blob the middle, after leaving out the outvoted: a quarter of a class at most."""
    shares = own_shares_of_votes(case)
    left_out: set[int] = set()
    for k in (0, 1):
        members = [i for i, label in enumerate(case.labels) if label == k]
        suspects = sorted((i for i in members if shares[i][1]), key=lambda i: shares[i][0])
        left_out |= set(suspects[: len(members) // 4])
    kept: list[int] = []
    for blob in range(len(CENTRES)):
        members = [i for i in case.members(blob) if i not in left_out]
        kept.append(nearest(case, members, mean_point(case.points[i] for i in members)))
    return kept


def farthest(case: Case) -> list[int]:
    """From the sample nearest to the mean of all, each the farthest from those before."""
    everybody = list(range(len(case.labels)))
    first = nearest(case, everybody, mean_point(case.points))
    return farthest_loops(case.points, case.n_keep, first)


def at_the_median_distance(case: Case) -> list[int]:
    """Distances from the mean of the own class, those nearest to their median."""
    means = [
        mean_point(p for p, label in zip(case.points, case.labels, strict=True) if label == k)
        for k in (0, 1)
    ]
    distances = [
        math.dist(point, means[label])
        for point, label in zip(case.points, case.labels, strict=True)
    ]
    ordered = sorted(distances)
    half = len(ordered) // 2
    median = (ordered[half - 1] + ordered[half]) / 2
    everybody = range(len(distances))
    return sorted(everybody, key=lambda i: abs(distances[i] - median))[: case.n_keep]


REFERENCES: dict[str, Callable[[Case], list[int]]] = {
    "recommended": middle_of_trusted,
    "top": hardest,
    "random": drawn,
    "ccs": drawn_from_strata,
    "coverage": middle_of_blobs,
    "diversity": drawn_from_blobs,
    "hybrid": hardest_of_blobs,
    "k_center": farthest,
    "herding": lambda case: herding_loops(case.points, case.n_keep),
    "moderate": at_the_median_distance,
}
