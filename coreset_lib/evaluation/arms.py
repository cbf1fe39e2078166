"""The contestants of a comparison from names of strategies and scores."""

from collections.abc import Mapping, Sequence

from coreset_lib.evaluation.plan import Arm, random_arm
from coreset_lib.scores import SCORES
from coreset_lib.selection import STRATEGIES, SelectionConfig

Windows = Mapping[str, str]


def make_arms(
    strategies: Sequence[str],
    scores: Sequence[str],
    balance: str,
    noise_cuts: Sequence[float],
    windows: Sequence[Windows] = ({},),
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

    Returns
    -------
    list of Arm
    """
    arms: list[Arm] = []
    for strategy in strategies:
        if strategy == "random":
            arms.append(random_arm(balance))
            continue
        names = scores if STRATEGIES[strategy].needs_score else [None]
        for score in names:
            title = strategy if score is None else f"{strategy} {score}"
            variants = _variants(strategy, score, balance, noise_cuts, windows)
            arms.append(Arm(name=title, variants=variants))
    return arms


def _variants(
    strategy: str,
    score: str | None,
    balance: str,
    noise_cuts: Sequence[float],
    windows: Sequence[Windows],
) -> tuple[SelectionConfig, ...]:
    """Return every variant that makes a difference, each once."""
    options = () if score is None else tuple(SCORES[score].options)
    found: list[SelectionConfig] = []
    for cut in noise_cuts:
        for pair in windows:
            config = SelectionConfig(
                strategy=strategy,
                score=score,
                score_options={k: v for k, v in pair.items() if k in options},
                balance=balance,
                noise_cut=cut,
            )
            if config not in found:
                found.append(config)
    return tuple(found)
