"""Studies of the papers as ready-made comparisons: what they compared, on your data."""

from collections.abc import Callable
from dataclasses import dataclass

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.plan import Arm, random_arm
from coreset_lib.selection import SelectionConfig
from coreset_lib.windows import Window

LOW_RATES = (0.02, 0.05, 0.1, 0.2, 0.3)
# EVA searched windows in steps of 10 epochs of 200; a run of another length in as many.
WINDOW_STEPS = 20
WINDOWS_SHOWN = 5
CLUSTER_COUNTS = (2, 5, 10)
CCS_CUT = 0.3


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A study: ``arms(n_epochs)`` compares its contestants on a run of so many epochs."""

    title: str
    source: str
    rates: tuple[float, ...]
    arms: Callable[[int], tuple[Arm, ...]]


def table_1(n_epochs: int) -> tuple[Arm, ...]:
    """Seven methods, all without class balance, as the paper chose them."""
    del n_epochs
    scores = ("forgetting", "entropy", "el2n", "aum")
    ccs = SelectionConfig(strategy="ccs", score="aum", noise_cut=CCS_CUT)
    return (
        random_arm("global"),
        *(_top(name) for name in scores),
        Arm(name="ccs aum", variants=(ccs,)),
        _top("eva"),
    )


def statistics(n_epochs: int) -> tuple[Arm, ...]:
    """Expectation against variance of the error, in one window and in two."""
    del n_epochs
    names = ("expectation_single", "eva_single", "expectation_dual", "eva")
    return tuple(_top(name) for name in names)


def window_search(n_epochs: int) -> tuple[Arm, ...]:
    """Every pair of five early and five late windows; val chooses, as the heat map shows."""
    length = max(n_epochs // WINDOW_STEPS, 2)
    if n_epochs < 2 * length * WINDOWS_SHOWN:
        raise CoresetError(
            f"the window search needs a run of at least {4 * WINDOWS_SHOWN} epochs, got "
            f"{n_epochs}. Train a longer run."
        )
    half = n_epochs // 2
    variants = tuple(
        SelectionConfig(score="eva", score_options={"early": str(early), "late": str(late)})
        for early in _windows(0, half, length)
        for late in _windows(half, n_epochs, length)
    )
    return (Arm(name="top eva, window search", variants=variants),)


def class_diversity(n_epochs: int) -> tuple[Arm, ...]:
    """Diversity inside classes with K by silhouette and with fixed K."""
    del n_epochs
    return tuple(
        Arm(
            name=f"diversity K={k}",
            variants=(
                SelectionConfig(
                    strategy="diversity",
                    strategy_options={"k": k},
                    score=None,
                    balance="proportional",
                ),
            ),
        )
        for k in ("auto", *CLUSTER_COUNTS)
    )


def ducs_switches(n_epochs: int) -> tuple[Arm, ...]:
    """Our reading of DUCS with those of its open choices that change the order.

    ``rank_sum`` is left out: with equal weights ``weighted`` is half of it.
    """
    del n_epochs
    switches = (
        {"combiner": "weighted"},
        {"combiner": "min_max_sum"},
        {"combiner": "product"},
        {"never_learned": "max"},
    )
    return tuple(
        Arm(
            name=f"top ducs, {', '.join(' '.join(pair) for pair in chosen.items())}",
            variants=(SelectionConfig(score="ducs", score_options=chosen, balance="proportional"),),
        )
        for chosen in switches
    )


def _top(score: str) -> Arm:
    """The hardest samples without class balance."""
    return Arm(name=f"top {score}", variants=(SelectionConfig(score=score),))


def _windows(begin: int, end: int, length: int) -> list[Window]:
    """Windows spread evenly over the epochs after ``begin`` up to ``end``."""
    step = (end - begin - length) / (WINDOWS_SHOWN - 1)
    firsts = [begin + 1 + round(number * step) for number in range(WINDOWS_SHOWN)]
    return [Window(first, first + length - 1) for first in firsts]


PRESETS: dict[str, Preset] = {
    "eva-table-1": Preset(
        title="Seven methods at five rates",
        source="EVA, Table 1",
        rates=LOW_RATES,
        arms=table_1,
    ),
    "eva-statistics": Preset(
        title="Expectation or variance, one window or two",
        source="EVA, Fig. 3 and 4",
        rates=LOW_RATES,
        arms=statistics,
    ),
    "eva-windows": Preset(
        title="Which windows: search on validation",
        source="EVA, Fig. 5",
        rates=(0.02, 0.1),
        arms=window_search,
    ),
    "class-diversity": Preset(
        title="Diversity inside classes: how many clusters",
        source="arXiv 2509.21380",
        rates=(0.1, 0.25, 0.5),
        arms=class_diversity,
    ),
    "ducs": Preset(
        title="DUCS with the switches that change its order (our reading)",
        source="DUCS 2026, our reading of its abstract",
        rates=LOW_RATES,
        arms=ducs_switches,
    ),
}
