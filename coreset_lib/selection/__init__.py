"""Selection: from a score to a coreset of exactly the asked size."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.checks import check_choice, check_rate, check_share, check_whole
from coreset_lib.configs import FEATURES
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.plugins import Registry, with_source
from coreset_lib.scores import compute_score
from coreset_lib.scores.score import ScoreValues
from coreset_lib.selection.budget import BALANCES, ROUNDING, budget, exact_share
from coreset_lib.selection.ccs import CCS
from coreset_lib.selection.coverage import COVERAGE
from coreset_lib.selection.diversity import DIVERSITY, HYBRID
from coreset_lib.selection.forced import (
    Forced,
    SampleIds,
    check_apart,
    check_room,
    find_forced,
    named_samples,
    report_forced,
)
from coreset_lib.selection.geometry import FeatureSource, read_features
from coreset_lib.selection.herding import HERDING
from coreset_lib.selection.k_center import K_CENTER
from coreset_lib.selection.moderate import MODERATE
from coreset_lib.selection.problem import Coreset, Features, Indices, SelectionProblem, Strategy
from coreset_lib.selection.random import RANDOM
from coreset_lib.selection.recommended import RECOMMENDED
from coreset_lib.selection.top import TOP

STRATEGIES = Registry[Strategy](
    "strategy",
    {
        "recommended": RECOMMENDED,
        "top": TOP,
        "random": RANDOM,
        "ccs": CCS,
        "coverage": COVERAGE,
        "diversity": DIVERSITY,
        "hybrid": HYBRID,
        "k_center": K_CENTER,
        "herding": HERDING,
        "moderate": MODERATE,
    },
    group="coreset_lens.strategies",
    type_of_member=Strategy,
    credit=with_source,
)
FORCED = ("force_in", "keep_out")


# Both readings of "multiple independent runs" (EVA, sec. 3.1).
AVERAGES = ("errors", "scores")


@dataclass(frozen=True, kw_only=True)
class SelectionConfig:
    """Everything that decides a coreset, given the recorded dynamics.

    ``force_in`` and ``keep_out`` are ids of samples that are in the coreset whatever the strategy
    and the noise cut say, and that are never in it; the strategy fills the rest.

    ``average`` says what several runs of one recipe are joined by: ``errors``, those of each
    epoch, which is what an ensemble's dynamics hold, so that the run is scored as it is; or
    ``scores``, the mean of the score over the runs, which is then to be given.
    """

    strategy: str = "top"
    strategy_options: Mapping[str, Any] = field(default_factory=dict)
    score: str | None = "eva"
    score_options: Mapping[str, Any] = field(default_factory=dict)
    rate: float = 0.1
    balance: str = "global"
    noise_cut: float = 0.0
    seed: int = 0
    features: str = "surrogate"
    force_in: tuple[str, ...] = ()
    keep_out: tuple[str, ...] = ()
    average: str = "errors"

    def __post_init__(self) -> None:
        check_choice("strategy", self.strategy, STRATEGIES)
        check_choice("balance", self.balance, BALANCES)
        check_choice("features", self.features, FEATURES)
        check_choice("average", self.average, AVERAGES)
        check_rate(self.rate)
        check_share("noise cut", self.noise_cut)
        check_whole("seed", self.seed, least=0, most=2**31 - 1)
        if STRATEGIES[self.strategy].needs_score and self.score is None:
            raise CoresetError(f"strategy {self.strategy} needs a score. Name one with --score.")
        if self.average == "scores" and not goes_by_score(self.strategy):
            raise CoresetError(
                f"average scores needs a strategy that goes by a score, got {self.strategy}. "
                "Choose top, ccs or hybrid, or leave the average at errors."
            )
        for name in FORCED:
            object.__setattr__(self, name, named_samples(name, getattr(self, name)))
        check_apart(self.force_in, self.keep_out)
        self.read_strategy_options()

    def read_strategy_options(self) -> dict[str, Any]:
        """Return all options of the strategy in their types, defaults filled in."""
        return STRATEGIES[self.strategy].read_options(self.strategy, self.strategy_options)

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain values, for provenance.

        Lists of forced samples are there only if they name one, and ``average`` only if it
        is not the usual one, as before there was a choice.
        """
        absent = {name for name in FORCED if not getattr(self, name)}
        if self.average == AVERAGES[0]:
            absent.add("average")
        plain = {name: value for name, value in asdict(self).items() if name not in absent}
        forced = {name: list(plain[name]) for name in FORCED if name in plain}
        return (
            plain
            | forced
            | {
                "score_options": {k: str(v) for k, v in self.score_options.items()},
                "strategy_options": self._recorded_strategy_options(),
            }
        )

    @classmethod
    def from_record(cls, fields: Mapping[str, Any]) -> "SelectionConfig":
        """Read what :meth:`as_dict` gave, by this version or an earlier one.

        Options that came later have the value that says what was done before there were any.

        Raises
        ------
        TypeError
            For fields that this version does not know.
        CoresetError
            For values that are not allowed.
        """
        strategy = fields.get("strategy", cls.strategy)
        check_choice("strategy", strategy, STRATEGIES)
        specs = STRATEGIES[strategy].options
        options = {k: spec.before for k, spec in specs.items() if spec.before is not None}
        return cls(**{**fields, "strategy_options": options | fields.get("strategy_options", {})})

    def _recorded_strategy_options(self) -> dict[str, Any]:
        """Return the options but for those with the value from before they were there."""
        specs = STRATEGIES[self.strategy].options
        return {k: v for k, v in self.read_strategy_options().items() if v != specs[k].before}


def goes_by_score(strategy: str) -> bool:
    """Whether a strategy goes by the score that a person chose."""
    chosen = STRATEGIES[strategy]
    return chosen.needs_score and chosen.own_score is None


def select_coreset(
    dynamics: TrainingDynamics,
    config: SelectionConfig,
    *,
    score: ScoreValues | None = None,
    features: FeatureSource = None,
    early_features: FeatureSource = None,
    sample_ids: SampleIds = None,
) -> Coreset:
    """Choose a coreset of ``ceil(rate * N)`` training samples.

    Parameters
    ----------
    dynamics : TrainingDynamics
    config : SelectionConfig
    score : ScoreValues, optional
        The score of ``config``, where it has been computed before; the mean over the runs
        where ``config`` averages scores.
    features : float array of shape (samples, features), or a callable that gives it, optional
        The embedding that some strategies measure distances in; a callable is only asked
        where it is needed.
    early_features : the same, optional
        The embedding of the first epochs, by which some strategies tell suspects. Without one
        they have none.
    sample_ids : sequence of str, or a callable that gives it, optional
        Of all training samples; needed where samples are forced in or kept out.

    Returns
    -------
    Coreset
        Exactly the budget of unique samples, seeded and repeatable.

    Raises
    ------
    CoresetError
        If the score cannot be computed, or would have to be from several runs, the strategy
        needs features that are not there, the noise cut and exclusions leave fewer candidates
        than the budget, more samples are forced in than it holds, or an id is unknown.
    """
    strategy, options = STRATEGIES[config.strategy], config.read_strategy_options()
    score = _score_for(dynamics, config, score)
    n_keep = budget(config.rate, dynamics.n_samples)
    forced = find_forced(config.force_in, config.keep_out, sample_ids, dynamics.n_samples)
    check_room(len(forced.inside), n_keep)
    is_candidate, report = _candidates(dynamics, config.noise_cut, score, forced)
    _check_enough(n_keep, int(is_candidate.sum()) + len(forced.inside), config)
    problem = SelectionProblem(
        labels=dynamics.labels,
        n_classes=dynamics.n_classes,
        n_keep=n_keep - len(forced.inside),
        is_candidate=is_candidate,
        balance=config.balance,
        seed=config.seed,
        score=score,
        features=_features_for(config.strategy, features, dynamics.n_samples),
        early_features=_read_early(config.strategy, early_features, dynamics.n_samples)
        if strategy.needs_early(options)
        else None,
        class_names=dynamics.class_names,
        forced=forced.inside,
    )
    indices, done, clusters = _choose(problem, config)
    report |= report_forced(problem, forced, str(done.get("balance", config.balance)))
    indices = np.concatenate([forced.inside, indices])
    return Coreset(indices, {"n_keep": n_keep, **report, **done}, clusters, forced.inside)


def _choose(
    problem: SelectionProblem, config: SelectionConfig
) -> tuple[Indices, dict[str, Any], NDArray[np.int64] | None]:
    """Let the strategy fill what is not forced; nothing where all of it is."""
    if not problem.n_keep:
        return np.empty(0, dtype=np.intp), {}, None
    strategy, options = STRATEGIES[config.strategy], config.read_strategy_options()
    with STRATEGIES.blaming(config.strategy):
        indices, done, *clusters = strategy.choose(problem, **options)
        indices = _checked(indices, problem, config.strategy)
    return indices, done, clusters[0] if clusters else None


def _score_for(
    dynamics: TrainingDynamics, config: SelectionConfig, given: ScoreValues | None
) -> ScoreValues | None:
    """Return the score to go by: the strategy's own, the given one, or the chosen one."""
    strategy = STRATEGIES[config.strategy]
    if strategy.own_score is not None:
        return strategy.own_score(dynamics, config.read_strategy_options())
    if given is not None or not strategy.needs_score or config.score is None:
        return given
    if config.average == "scores":
        raise CoresetError(
            "average scores needs the scores of several runs, got the dynamics of one. "
            "Give their mean as score, or leave the average at errors."
        )
    return compute_score(dynamics, config.score, config.score_options)


def _checked(indices: Any, problem: SelectionProblem, strategy: str) -> Indices:
    """Return the indices as numbers, or say that the strategy did not do what it promised."""
    chosen = np.asarray(indices)
    is_whole = chosen.ndim == 1 and np.issubdtype(chosen.dtype, np.integer)
    is_right = is_whole and np.isin(chosen, problem.candidates()).all()
    if not is_right or not len(chosen) == len(np.unique(chosen)) == problem.n_keep:
        raise CoresetError(
            f"strategy {strategy} must choose {problem.n_keep} different candidates, got an "
            f"array of shape {chosen.shape} that is not that. Its code is at fault."
        )
    return chosen.astype(np.intp)


def _candidates(
    dynamics: TrainingDynamics, noise_cut: float, score: ScoreValues | None, forced: Forced
) -> tuple[NDArray[np.bool_], dict[str, Any]]:
    """Leave out the share with the lowest AUM, then what the score refuses to rank, then forced.

    Samples that are forced in are not counted as left out.
    """
    is_forced = np.zeros(dynamics.n_samples, dtype=np.bool_)
    is_forced[forced.inside] = True
    is_candidate = np.ones(dynamics.n_samples, dtype=np.bool_)
    n_cut = math.floor(exact_share(noise_cut, dynamics.n_samples) + ROUNDING)
    if n_cut:
        margin_area = compute_score(dynamics, "aum")
        is_candidate[margin_area.order()[:n_cut]] = False
        n_cut = int((~is_candidate & ~is_forced).sum())
    n_excluded = 0
    if score is not None and score.is_excluded is not None:
        n_excluded = int((is_candidate & score.is_excluded & ~is_forced).sum())
        is_candidate &= ~score.is_excluded
    is_candidate[forced.inside] = False
    is_candidate[forced.outside] = False
    return is_candidate, {"noise_cut_samples": n_cut, "excluded_by_score": n_excluded}


def _features_for(strategy: str, source: FeatureSource, n_samples: int) -> Features | None:
    """Read the features where the strategy needs them."""
    if not STRATEGIES[strategy].needs_features:
        return None
    return read_features(source, needed_by=f"strategy {strategy}", n_samples=n_samples)


def _read_early(strategy: str, source: FeatureSource, n_samples: int) -> Features | None:
    """Read the early features where there are any."""
    found = source() if callable(source) else source
    if found is None:
        return None
    return read_features(found, needed_by=f"strategy {strategy}", n_samples=n_samples)


def _check_enough(n_keep: int, n_available: int, config: SelectionConfig) -> None:
    """Refuse a budget that the remaining candidates cannot fill."""
    if n_keep > n_available:
        n_out = len(config.keep_out)
        kept_out = f", {n_out} samples that are kept out" if n_out else ""
        raise CoresetError(
            f"the rate asks for {n_keep} samples, got {n_available} candidates after a noise "
            f"cut of {config.noise_cut:g}{kept_out} and the score's exclusions. "
            f"Lower the rate or the noise cut{', or keep fewer out' if n_out else ''}."
        )
