"""What a refinement does: judge labels per seed, then ask and train in rounds per strategy."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from coreset_lib.checks import check_choice, check_real, check_share, check_whole
from coreset_lib.configs import HIGH_NOISE, TrainingConfig
from coreset_lib.errors import CoresetError
from coreset_lib.networks import NETWORKS
from coreset_lib.refinement.queries import QUERIES
from coreset_lib.runs.recipe import run_recipe
from coreset_lib.runs.store import Run

EXPERTS = ("simulated", "people")
JUDGED = "judged clean"
PLAIN = "random, unjudged"
SMALLEST_BATCH = 2


@dataclass(frozen=True, kw_only=True)
class RoundCell:
    """One training after ``n_round`` rounds of answers for one strategy."""

    seed: int
    arm: str
    n_round: int

    @property
    def key(self) -> str:
        """Name of the cell's file."""
        text = json.dumps([self.seed, self.arm, self.n_round])
        return hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True, kw_only=True)
class RefinementPlan:
    """Everything that decides the results of a refinement.

    Attributes
    ----------
    run_id : str
        Run whose dataset, labels and recipe are used.
    queries : tuple of str
        Query strategies; ``people`` answer for one.
    budget : int
        Labels that the expert gives in all rounds together.
    n_rounds : int
        0 only judges the labels and trains on those judged clean.
    seeds : tuple of int
        Weights and order of the trainings.
    model, epochs, batch_size
        Of all networks.
    recipe : mapping
        Further options of :class:`~coreset_lib.configs.TrainingConfig`; the rest is the run's.
    noise_rate : float or None
        Share of wrong labels that co-teaching assumes; None estimates it from the run.
    vog_share, ramp_epochs : float, int
        See :func:`coreset_lib.training.targets.co_teaching.co_teach`.
    expert : {"simulated", "people"}
        ``simulated`` answers with the true label, which the run must know.

    Notes
    -----
    With a simulated expert two references come along: random queries among the samples
    judged noisy (``random``), and random queries among all samples with training on all of
    them, without any judgement (``random, unjudged``).
    """

    run_id: str
    queries: tuple[str, ...]
    budget: int
    n_rounds: int
    seeds: tuple[int, ...]
    model: str
    epochs: int
    batch_size: int = 256
    noise_rate: float | None = None
    vog_share: float = 0.2
    ramp_epochs: int = 10
    expert: str = "simulated"
    recipe: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        check_choice("expert", self.expert, EXPERTS)
        check_choice("model", self.model, NETWORKS)
        for query in self.queries:
            check_choice("query strategy", query, QUERIES)
        check_whole("rounds", self.n_rounds, least=0, most=1000)
        check_whole("budget", self.budget, least=self.n_rounds)
        check_whole("batch size", self.batch_size, least=SMALLEST_BATCH, most=1_000_000)
        check_whole("ramp epochs", self.ramp_epochs, least=1, most=100_000)
        check_real("VOG share", self.vog_share, above=-1e-12, most=1)
        if self.noise_rate is not None:
            check_share("noise rate", self.noise_rate)
        self._check_epochs()
        self._check_contestants()

    def _check_epochs(self) -> None:
        """Raise CoresetError unless co-teaching goes on after its ramp."""
        check_whole("epochs", self.epochs, least=1, most=100_000)
        if self.epochs <= self.ramp_epochs:
            raise CoresetError(
                f"epochs must be more than the {self.ramp_epochs} of the ramp, got {self.epochs}. "
                "Train for longer, or shorten the ramp."
            )

    def _check_contestants(self) -> None:
        """Raise CoresetError unless strategies and seeds are there, each once."""
        for name, values in (("query strategies", self.queries), ("seeds", self.seeds)):
            if not values or len(set(values)) < len(values):
                raise CoresetError(
                    f"{name} must be at least one, each once, got {', '.join(map(str, values))}."
                )
        if self.expert == "people" and (len(self.queries) > 1 or len(self.seeds) > 1):
            raise CoresetError(
                "people answer for one query strategy and one seed, got "
                f"{len(self.queries)} and {len(self.seeds)}. Choose one of each."
            )

    @property
    def refinement_id(self) -> str:
        """Name that follows from the plan: the same plan goes on where it stopped."""
        text = json.dumps(self.as_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def arms(self) -> tuple[str, ...]:
        """Strategies that ask, the references included."""
        if self.expert == "people":
            return self.queries
        return tuple(dict.fromkeys([*self.queries, "random", PLAIN]))

    def warning(self, injected: float = 0.0) -> str:
        """Say that most labels are thought to be wrong; empty where that is not so.

        Parameters
        ----------
        injected : float
            Share of labels that was spoilt on purpose, where the rate is to be estimated.
        """
        rate = injected if self.noise_rate is None else self.noise_rate
        if rate < HIGH_NOISE:
            return ""
        return (
            f"{100 * rate:g} % of the labels are thought to be wrong: co-teaching then learns from "
            f"{100 - 100 * rate:g} % of each batch, and errs often where the wrong labels of a "
            "class outnumber the right ones."
        )

    def labels_after(self, n_round: int) -> int:
        """Return how many labels were asked for after so many rounds."""
        return self.budget * n_round // self.n_rounds if self.n_rounds else 0

    def cells_of(self, seed: int) -> Iterator[RoundCell]:
        """Yield the trainings of one seed, each after those that it needs."""
        yield RoundCell(seed=seed, arm=JUDGED, n_round=0)
        if PLAIN in self.arms:
            yield RoundCell(seed=seed, arm=PLAIN, n_round=0)
        for arm in self.arms:
            for n_round in range(1, self.n_rounds + 1):
                yield RoundCell(seed=seed, arm=arm, n_round=n_round)

    @property
    def n_steps(self) -> int:
        """Judgements and trainings in all."""
        return sum(1 + sum(1 for _ in self.cells_of(seed)) for seed in self.seeds)

    def starting_recipe(self, run: Run) -> TrainingConfig:
        """Return what the recipes of all networks start from; raises as :func:`run_recipe`."""
        own = {"model": self.model, "epochs": self.epochs, "batch_size": self.batch_size}
        return run_recipe(run, {**(own if run.manifest.is_recorded else {}), **self.recipe})

    def recipe_for(self, surrogate: TrainingConfig, seed: int, n_kept: int) -> TrainingConfig:
        """Return the recipe of a network that sees ``n_kept`` samples.

        Batches have ``min(batch_size, ceil(n_kept / 4))`` samples, as in comparisons.
        """
        batch = max(min(self.batch_size, -(-n_kept // 4)), SMALLEST_BATCH)
        return replace(
            surrogate,
            model=self.model,
            seed=seed,
            batch_size=batch,
            epochs=self.epochs,
            keep_checkpoints=0,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        plain = asdict(self) | {"queries": list(self.queries), "seeds": list(self.seeds)}
        if not self.recipe:
            del plain["recipe"]  # a plan without one keeps the name that it always had
        return plain


def plan_from_dict(record: dict[str, Any]) -> RefinementPlan:
    """Read a plan back from JSON."""
    fields: dict[str, Any] = record | {n: tuple(record[n]) for n in ("queries", "seeds")}
    return RefinementPlan(**fields)
