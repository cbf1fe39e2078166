"""What to train and compare: arms × rates × paired seeds, cut into cells that stand alone."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from coreset_lib.checks import check_choice, check_rate, check_whole
from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError
from coreset_lib.networks import NETWORKS
from coreset_lib.runs.recipe import run_recipe
from coreset_lib.runs.store import Run
from coreset_lib.selection import SelectionConfig

PROTOCOLS = ("honest", "paper")
REGIMES = ("epochs", "iterations")
FULL_SET = "full set"
RANDOM = "random"
SMALLEST_BATCH = 2
MOST_DRAWS, MOST_SEED = 1000, 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One contestant: a name and one or more variants, of which val chooses the best.

    Rate and seed of the variants are replaced by those of the cell.
    """

    name: str
    variants: tuple[SelectionConfig, ...]

    def __post_init__(self) -> None:
        if not self.variants:
            raise CoresetError(f"arm {self.name} must have at least one variant, got none.")

    @property
    def reference(self) -> str:
        """Name of the random arm that this one is judged against: the same class balance.

        A strategy without a balance is judged against random with the classes'
        proportions kept.
        """
        balance = self.variants[0].balance
        return random_arm("proportional" if balance == "global" else balance).name


def random_arm(balance: str) -> Arm:
    """Return the arm that draws at random, with the given class balance."""
    config = SelectionConfig(strategy="random", score=None, balance=balance)
    return Arm(name=f"random ({balance})", variants=(config,))


def is_random(name: str) -> bool:
    """Whether an arm of this name draws at random."""
    return name.startswith(RANDOM)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One training of one target network."""

    arm: str
    variant: int
    rate: float
    seed: int

    @property
    def key(self) -> str:
        """Name of the cell's file."""
        text = json.dumps([self.arm, self.variant, self.rate, self.seed])
        return hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True, kw_only=True)
class EvaluationPlan:
    """Everything that decides the results of a comparison.

    ``model``, ``epochs``, ``batch_size`` are of the target networks; ``recipe`` holds further
    options of :class:`~coreset_lib.configs.TrainingConfig`, and the rest is the surrogate's.

    Each arm is drawn ``n_seeds`` times with successive seeds from ``first_seed`` on; the random
    arms, which all others share as their reference, ``n_random`` times where that is given.
    """

    run_id: str
    arms: tuple[Arm, ...]
    rates: tuple[float, ...]
    n_seeds: int
    model: str
    epochs: int
    batch_size: int = 256
    protocol: str = "honest"
    regime: str = "epochs"
    with_full_set: bool = True
    recipe: Mapping[str, Any] = field(default_factory=dict[str, Any])
    first_seed: int = 0
    n_random: int | None = None

    def __post_init__(self) -> None:
        check_choice("protocol", self.protocol, PROTOCOLS)
        check_choice("regime", self.regime, REGIMES)
        check_choice("model", self.model, NETWORKS)
        check_whole("seeds", self.n_seeds, least=1, most=MOST_DRAWS)
        check_whole("first seed", self.first_seed, least=0, most=MOST_SEED - MOST_DRAWS)
        if self.n_random is not None:
            check_whole("draws of random", self.n_random, least=1, most=MOST_DRAWS)
        check_whole("epochs", self.epochs, least=1, most=100_000)
        if not self.rates or not self.arms:
            raise CoresetError("a comparison needs at least one strategy and one rate.")
        for rate in self.rates:
            check_rate(rate)
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise CoresetError(f"strategies must have different names, got {', '.join(names)}.")

    @property
    def evaluation_id(self) -> str:
        """Name that follows from the plan: the same plan goes on where it stopped."""
        text = json.dumps(self.as_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def all_arms(self) -> tuple[Arm, ...]:
        """Return the arms with the random ones they are judged against."""
        given = {arm.name: arm for arm in self.arms}
        wanted = {arm.reference for arm in self.arms}
        for balance in ("proportional", "equal"):
            reference = random_arm(balance)
            if reference.name in wanted:
                given.setdefault(reference.name, reference)
        return tuple(given.values())

    def seeds_of(self, arm: str) -> range:
        """Return the seeds that an arm, by name, is drawn and trained with."""
        n_random = self.n_seeds if self.n_random is None else self.n_random
        n_draws = n_random if is_random(arm) else self.n_seeds
        return range(self.first_seed, self.first_seed + n_draws)

    def cells_of(self, arm: str, variant: int, rate: float) -> list[Cell]:
        """Return the cells of all seeds."""
        return [Cell(arm=arm, variant=variant, rate=rate, seed=seed) for seed in self.seeds_of(arm)]

    def cells(self) -> Iterator[Cell]:
        """Yield every training, references first, small rates first."""
        arms = sorted(self.all_arms(), key=lambda arm: not is_random(arm.name))
        for rate in sorted(self.rates):
            for arm in arms:
                for variant in range(len(arm.variants)):
                    for seed in self.seeds_of(arm.name):
                        yield Cell(arm=arm.name, variant=variant, rate=rate, seed=seed)
        if self.with_full_set:
            for seed in self.seeds_of(FULL_SET):
                yield Cell(arm=FULL_SET, variant=0, rate=1.0, seed=seed)

    def starting_recipe(self, run: Run) -> TrainingConfig:
        """Return what the recipes of all cells start from; raises as :func:`run_recipe`."""
        own = {"model": self.model, "epochs": self.epochs, "batch_size": self.batch_size}
        return run_recipe(run, {**(own if run.manifest.is_recorded else {}), **self.recipe})

    def recipe_on_all(self, run: Run) -> TrainingConfig:
        """Return the recipe that would train a target network on all samples."""
        own = {"model": self.model, "epochs": self.epochs, "batch_size": self.batch_size}
        return replace(self.starting_recipe(run), **own, keep_checkpoints=0)

    def selection(self, cell: Cell) -> SelectionConfig | None:
        """Return the selection of a cell; None for the full set."""
        for arm in self.all_arms():
            if arm.name == cell.arm:
                return replace(arm.variants[cell.variant], rate=cell.rate, seed=cell.seed)
        return None

    def target(
        self, surrogate: TrainingConfig, cell: Cell, *, n_full: int, n_kept: int
    ) -> TrainingConfig:
        """Return the recipe of a cell's target network.

        Batches have ``min(batch_size, ceil(M / 4))`` samples (docs/methods.md). In the
        ``epochs`` regime (EVA) the coreset is seen as often as the full set would be; in
        the ``iterations`` regime (CCS) as often as takes at least the full set's steps.
        """
        batch = max(min(self.batch_size, -(-n_kept // 4)), SMALLEST_BATCH)
        epochs = self.epochs
        if self.regime == "iterations":
            full_steps = self.epochs * -(-n_full // self.batch_size)
            epochs = -(-full_steps // -(-n_kept // batch))
        return replace(
            surrogate,
            model=self.model,
            seed=cell.seed,
            batch_size=batch,
            epochs=epochs,
            keep_checkpoints=0,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        plain = asdict(self)
        plain["arms"] = [
            {"name": arm.name, "variants": [v.as_dict() for v in arm.variants]} for arm in self.arms
        ]
        plain["rates"] = list(self.rates)
        # What is left as it always was stays out, so that a plan keeps the name that it had.
        for name, usual in (("recipe", {}), ("first_seed", 0), ("n_random", None)):
            if plain[name] == usual:
                del plain[name]
        return plain


def plan_from_dict(record: dict[str, Any]) -> EvaluationPlan:
    """Read a plan back from JSON."""
    arms = tuple(
        Arm(name=arm["name"], variants=tuple(map(SelectionConfig.from_record, arm["variants"])))
        for arm in record["arms"]
    )
    fields: dict[str, Any] = record | {"arms": arms, "rates": tuple(record["rates"])}
    return EvaluationPlan(**fields)
