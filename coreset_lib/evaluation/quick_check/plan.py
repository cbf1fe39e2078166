"""What a quick check trains, where it lies, and how many trainings fit its time."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.atomic import write_array
from coreset_lib.checks import check_whole
from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError
from coreset_lib.networks import networks_for
from coreset_lib.plans import PlanPaths, damaged_plan, make_plan_folder, read_step
from coreset_lib.runs.recipe import run_recipe
from coreset_lib.runs.store import Run

Indices = NDArray[np.intp]

SECONDS = 20
STEPS = 150
LARGEST_BATCH = 32
SMALLEST_BATCH = 2
LEARNING_RATE = 0.05
FEWEST_PAIRS, MOST_PAIRS = 3, 10
LEAST_SAMPLES = 2
SIDES = ("coreset", "random")


@dataclass(frozen=True)
class QuickCheckPaths(PlanPaths):
    """Where the parts of one quick check lie."""

    @property
    def coreset(self) -> Path:
        """The samples that are judged, int64."""
        return self.root / "coreset.npy"

    @property
    def log(self) -> Path:
        """What the process printed."""
        return self.root / "quick_check.log"

    def pair(self, seed: int) -> Path:
        """Two finished trainings: on the coreset, and on one random draw."""
        return self.cells / f"{seed}.json"


@dataclass(frozen=True, kw_only=True)
class QuickCheckPlan:
    """Everything that decides what a quick check trains.

    Attributes
    ----------
    run_id : str
    coreset : str
        Sha256 of the samples, sorted, as little-endian int64.
    model : str
        The smallest network for the run's kind of samples.
    steps : int
        Updates of each network, at least; whole epochs are trained.
    seconds : int
        What all trainings together should take. Three pairs are trained however long they take.
    """

    run_id: str
    coreset: str
    model: str
    steps: int = STEPS
    seconds: int = SECONDS

    def __post_init__(self) -> None:
        check_whole("steps", self.steps, least=1, most=1_000_000)
        check_whole("seconds", self.seconds, least=1, most=100_000)

    @property
    def check_id(self) -> str:
        """Name that follows from the plan: the same coreset is not checked twice."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def recipe(self, run: Run, *, seed: int, n_samples: int) -> TrainingConfig:
        """Return how one network is trained: short, otherwise as the run was.

        Batches have ``min(32, ceil(M / 4))`` samples, and epochs go on until ``steps`` updates.
        """
        batch = max(min(LARGEST_BATCH, -(-n_samples // 4)), SMALLEST_BATCH)
        own = {
            "model": self.model,
            "epochs": -(-self.steps // -(-n_samples // batch)),
            "batch_size": batch,
            "learning_rate": LEARNING_RATE,
            "seed": seed,
            "record_vog": False,
        }
        return run_recipe(run, own)


def quick_checks_folder(cache: Path) -> Path:
    """Folder of all quick checks below a cache directory."""
    return cache / "quick_checks"


def plan_quick_check(run: Run, indices: Indices) -> QuickCheckPlan:
    """Return the plan that judges some training samples of a run.

    Raises
    ------
    CoresetError
        If they are too few to train a network on.
    """
    check_samples(indices)
    sorted_indices = np.sort(indices).astype("<i8")
    return QuickCheckPlan(
        run_id=run.run_id,
        coreset=hashlib.sha256(sorted_indices.tobytes()).hexdigest(),
        model=networks_for(run.manifest.dataset.depth)[0],
    )


def check_samples(indices: Indices) -> None:
    """Raise CoresetError if nothing can be trained on so few samples."""
    if len(indices) < LEAST_SAMPLES:
        raise CoresetError(
            f"a quick check needs a coreset of at least {LEAST_SAMPLES} samples, got "
            f"{len(indices)}. Keep a larger share."
        )


def paths_of(cache: Path, plan: QuickCheckPlan) -> QuickCheckPaths:
    """Return where the parts of a quick check lie, whether it was started or not."""
    return QuickCheckPaths(quick_checks_folder(cache) / plan.check_id)


def create_quick_check(cache: Path, plan: QuickCheckPlan, indices: Indices) -> QuickCheckPaths:
    """Make the folder of a quick check, or find it with the trainings that are finished.

    Raises
    ------
    CoresetError
        If the cache cannot be written.
    """
    paths = paths_of(cache, plan)
    make_plan_folder(paths, asdict(plan))
    try:
        write_array(paths.coreset, np.sort(indices).astype(np.int64))
    except OSError as error:
        raise CoresetError(
            f"cache {cache} cannot be written: {error.strerror or error}. "
            "Free some space or choose another folder with --cache."
        ) from None
    return paths


def read_quick_check(paths: QuickCheckPaths) -> tuple[QuickCheckPlan, Indices]:
    """Read plan and samples back; raises CoresetError if they are damaged."""
    try:
        plan = QuickCheckPlan(**json.loads(paths.plan.read_bytes())["plan"])
        return plan, np.load(paths.coreset).astype(np.intp)
    except (OSError, ValueError, KeyError, TypeError):
        raise damaged_plan("quick check", paths) from None


def pairs_to_train(plan: QuickCheckPlan, pair_seconds: float | None) -> int:
    """Return how many pairs of networks fit the time, by what the first pair took."""
    if not pair_seconds:
        return MOST_PAIRS
    return min(max(int(plan.seconds / pair_seconds), FEWEST_PAIRS), MOST_PAIRS)


def finished_pairs(paths: QuickCheckPaths) -> list[dict[str, Any]]:
    """Return the finished pairs of trainings in the order of their seeds, without a gap."""
    found: list[dict[str, Any]] = []
    for seed in range(MOST_PAIRS):
        record = read_step(paths.pair(seed), seed=seed)
        if record is None:
            break
        found.append(record)
    return found
