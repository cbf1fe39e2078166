"""The contestants of a comparison from names of strategies and scores."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.plan import Arm, random_arm
from coreset_lib.scores import SCORES
from coreset_lib.selection import STRATEGIES, SelectionConfig

Windows = Mapping[str, str]
Values = Mapping[str, Sequence[Any]]


def make_arms(
    strategies: Sequence[str],
    scores: Sequence[str],
    balance: str,
    noise_cuts: Sequence[float],
    windows: Sequence[Windows] = ({},),
    *,
    score_options: Values | None = None,
    strategy_options: Values | None = None,
) -> list[Arm]:
    """Return one arm per strategy, and per score where the strategy uses one.

    Parameters
    ----------
    strategies, scores : sequence of str
        Keys of ``STRATEGIES`` and ``SCORES``.
    balance : str
    noise_cuts : sequence of float
    windows : sequence of mapping
        Pairs of early and late window; every combination with a noise cut that makes a
        difference to an arm is one of its variants.
    score_options, strategy_options : mapping of str to sequence, optional
        Values of further options; each combination is a variant of the arms whose score or
        strategy has them.

    Returns
    -------
    list of Arm

    Raises
    ------
    CoresetError
        If none of the scores or strategies has an option, or its value is not allowed.
    """
    of_scores, of_strategies = dict(score_options or {}), dict(strategy_options or {})
    used = _scores_used(strategies, scores)
    _check_known("score", of_scores, {name: SCORES[name].options for name in used})
    known = {name: STRATEGIES[name].options for name in strategies}
    _check_known("strategy", of_strategies, known)
    arms: list[Arm] = []
    for strategy in strategies:
        if strategy == "random":
            arms.append(random_arm(balance))
            continue
        for score in scores if STRATEGIES[strategy].needs_score else [None]:
            title = strategy if score is None else f"{strategy} {score}"
            variants = _variants(
                strategy, score, balance, noise_cuts, windows, of_scores, of_strategies
            )
            arms.append(Arm(name=title, variants=variants))
    return arms


def _variants(
    strategy: str,
    score: str | None,
    balance: str,
    noise_cuts: Sequence[float],
    windows: Sequence[Windows],
    score_options: Values,
    strategy_options: Values,
) -> tuple[SelectionConfig, ...]:
    """Return every variant that makes a difference, each once."""
    options = () if score is None else tuple(SCORES[score].options)
    own = {k: v for k, v in strategy_options.items() if k in STRATEGIES[strategy].options}
    more = {k: v for k, v in score_options.items() if k in options}
    found: list[SelectionConfig] = []
    for cut, pair in itertools.product(noise_cuts, windows):
        for of_score, of_strategy in itertools.product(_combinations(more), _combinations(own)):
            config = SelectionConfig(
                strategy=strategy,
                strategy_options=of_strategy,
                score=score,
                score_options={k: v for k, v in pair.items() if k in options} | of_score,
                balance=balance,
                noise_cut=cut,
            )
            _check_values(config)
            if config not in found:
                found.append(config)
    return tuple(found)


def _combinations(values: Values) -> Iterator[dict[str, Any]]:
    """Yield every combination of one value for each option."""
    for chosen in itertools.product(*values.values()):
        yield dict(zip(values, chosen, strict=True))


def _scores_used(strategies: Sequence[str], scores: Sequence[str]) -> Sequence[str]:
    """Return the scores that one of the strategies ranks by."""
    return scores if any(STRATEGIES[name].needs_score for name in strategies) else ()


def _check_known(kind: str, given: Values, options: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise CoresetError for an option that none of those compared has."""
    known = dict.fromkeys(name for each in options.values() for name in each)
    for name in given:
        if name not in known:
            raise CoresetError(
                f"no {kind} of this comparison has an option {name!r}. Their options are: "
                f"{', '.join(known) or 'none'}."
            )


def _check_values(config: SelectionConfig) -> None:
    """Raise CoresetError for a value that an option of the score may not have."""
    if config.score is not None:
        options = SCORES[config.score].options
        for name, value in config.score_options.items():
            options[name].read(name, value)
