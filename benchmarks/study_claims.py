"""What the papers claim, one entry each: in their words, and the pairs that decide.

To judge one more claim, add an entry to ``CLAIMS``, and an arm or a study (``study_arms.py``) where
none has what it is about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from study_arms import (
    ABLATION_RATES,
    CLUSTERINGS,
    DIVERSITY_RATES,
    DUCS_RATES,
    DUCS_SWITCHES,
    GLOBAL,
    HIGH_COMPRESSION,
    NOISE_RATES,
    OTHERS,
    PRETRAINED,
    QUERIES,
    SHARES_KEPT,
    TABLE_RATES,
    TARGETS,
    WITH_VOG,
    WITHOUT_VOG,
    diversity,
    named,
    random,
)

from coreset_lib.evaluation.plan import FULL_SET
from coreset_lib.refinement.plan import PLAIN

EVA, DIVERSITY, DUCS, REFINEMENT = "EVA", "Intra-class diversity", "DUCS", "Active refinement"
BALANCES = ((GLOBAL, "as the paper chose"), (SHARES_KEPT, "with the classes' shares kept"))
WAYS = ("EVA", "EVA, released code", "EVA, tuned windows")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An arm and what it is compared with, at a rate each."""

    arm: str
    reference: str
    rate: float
    reference_rate: float


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A sentence of a paper, and the pairs that bear it out or not.

    ``rule`` is one of ``study_verdicts.RULES``; ``figure`` is what the paper reports.
    """

    key: str
    paper: str
    text: str
    study: str
    pairs: tuple[Pair, ...]
    rule: str = "better"
    figure: str = "accuracy"


def pairs(
    arms: str | Sequence[str],
    references: str | Sequence[str],
    rates: Sequence[float],
    reference_rate: float | None = None,
) -> tuple[Pair, ...]:
    """Return every arm against every reference, at every rate."""
    ours, theirs = ([each] if isinstance(each, str) else each for each in (arms, references))
    return tuple(
        Pair(arm=a, reference=r, rate=x, reference_rate=x if reference_rate is None else 1.0)
        for a, r, x in product(ours, theirs, rates)
    )


CLAIMS = (
    *(
        Claim(
            key=f"eva-beats-random-{balance}",
            paper=EVA,
            text=f"EVA is better than random at 2, 5 and 10 % (Table 1; {words})",
            study="eva-table-1",
            pairs=pairs([named(way, balance) for way in WAYS], random(balance), TABLE_RATES),
        )
        for balance, words in BALANCES
    ),
    *(
        Claim(
            key=f"eva-beats-others-{balance}",
            paper=EVA,
            text=f"EVA is better than five other methods (Table 1; {words})",
            study="eva-table-1",
            pairs=pairs(
                named(WAYS[-1], balance), [named(each, balance) for each in OTHERS], TABLE_RATES
            ),
        )
        for balance, words in BALANCES
    ),
    Claim(
        key="eva-others-not-above-random",
        paper=EVA,
        text='"None of the compared baseline methods can exceed Random at 5 %"',
        study="eva-table-1",
        pairs=pairs([named(each, GLOBAL) for each in OTHERS], random(GLOBAL), (0.05,)),
        rule="not better",
    ),
    Claim(
        key="eva-beats-random-5",
        paper=EVA,
        text='"EVA outperforms Random by 5.61 %" at 5 %',
        study="eva-table-1",
        pairs=pairs(named(WAYS[-1], GLOBAL), random(GLOBAL), (0.05,)),
    ),
    Claim(
        key="eva-tenth-beats-all",
        paper=EVA,
        text='"98.27 % accuracy with only 10 % training data, compared to 97.20 % for the full '
        'training set"',
        study="eva-table-1",
        pairs=pairs(named(WAYS[-1], GLOBAL), FULL_SET, (0.1,), 1.0),
    ),
    Claim(
        key="eva-abstract-against-table",
        paper=EVA,
        text="The same sentence of the abstract, read in the paper's own Table 1",
        study="eva-published",
        pairs=pairs("eva", FULL_SET, (0.1,), 1.0),
        rule="above",
    ),
    Claim(
        key="eva-others-against-table",
        paper=EVA,
        text='"None of the compared baseline methods can exceed Random at 5 %", in its own Table 1',
        study="eva-published",
        pairs=pairs(OTHERS, "random", (0.05,)),
        rule="not above",
    ),
    Claim(
        key="eva-variance",
        paper=EVA,
        text="The variance of the error chooses better than its mean at every rate (Fig. 3)",
        study="eva-ablations",
        pairs=tuple(
            pair
            for windows in ("one window", "two windows")
            for pair in pairs(
                named(f"variance, {windows}", SHARES_KEPT),
                named(f"mean, {windows}", SHARES_KEPT),
                ABLATION_RATES,
            )
        ),
    ),
    Claim(
        key="eva-two-windows",
        paper=EVA,
        text="Two windows choose better than one at every rate (Fig. 4)",
        study="eva-ablations",
        pairs=tuple(
            pair
            for statistic in ("variance", "mean")
            for pair in pairs(
                named(f"{statistic}, two windows", SHARES_KEPT),
                named(f"{statistic}, one window", SHARES_KEPT),
                ABLATION_RATES,
            )
        ),
    ),
    Claim(
        key="eva-two-windows-at-2",
        paper=EVA,
        text="At 2 % two windows, wherever they lie, are better than one (Fig. 5)",
        study="eva-ablations",
        pairs=pairs(
            [
                named(f"variance, {where}", SHARES_KEPT)
                for where in ("two windows", "both windows early", "both windows late")
            ],
            [
                named(f"variance, {where}", SHARES_KEPT)
                for where in ("one window", "one late window")
            ],
            (0.02,),
        ),
    ),
    Claim(
        key="eva-late-windows",
        paper=EVA,
        text="For larger budgets windows should lie late in the training (Fig. 5)",
        study="eva-ablations",
        pairs=pairs(
            named("variance, both windows late", SHARES_KEPT),
            named("variance, both windows early", SHARES_KEPT),
            ABLATION_RATES[1:],
        ),
    ),
    Claim(
        key="diversity-quarter-as-good",
        paper=DIVERSITY,
        text="A quarter of the set, chosen by diversity, is as good as all of it",
        study="diversity",
        pairs=pairs(diversity("surrogate", "auto"), FULL_SET, (0.25,), 1.0),
        rule="as good",
    ),
    Claim(
        key="diversity-beats-random",
        paper=DIVERSITY,
        text="It is consistently better than random (K by silhouette)",
        study="diversity",
        pairs=pairs(diversity("surrogate", "auto"), random(SHARES_KEPT), DIVERSITY_RATES),
    ),
    Claim(
        key="diversity-choices",
        paper=DIVERSITY,
        text="The same for K of 2, 5 and 10, and by early features and by pixels",
        study="diversity",
        pairs=pairs(
            [diversity(*each) for each in CLUSTERINGS[1:]], random(SHARES_KEPT), DIVERSITY_RATES
        ),
    ),
    Claim(
        key="diversity-cost",
        paper=DIVERSITY,
        text="It lowers the cost of training (against all, and against random of the same size)",
        study="diversity",
        pairs=(
            *pairs(diversity("surrogate", "auto"), FULL_SET, (0.25,), 1.0),
            *pairs(diversity("surrogate", "auto"), random(SHARES_KEPT), (0.25,)),
        ),
        figure="images an epoch",
        rule="below",
    ),
    *(
        Claim(
            key=f"diversity-by-{features}",
            paper=DIVERSITY,
            text=f"The same by {words} trained on ImageNet",
            study=f"diversity-by-{features}",
            pairs=pairs(diversity(features, "auto"), random(SHARES_KEPT), DIVERSITY_RATES),
        )
        for features, words in zip(
            PRETRAINED, ("VGG-16, as in the paper,", "EfficientNet-Lite0"), strict=True
        )
    ),
    *(
        Claim(
            key=f"diversity-{target}",
            paper=DIVERSITY,
            text=f"A quarter is as good as all for {words}",
            study=f"diversity-{target}",
            pairs=pairs(diversity("surrogate", "auto"), FULL_SET, (0.25,), 1.0),
            rule="as good",
        )
        for target, words in (("cnn14", "a CNN of 14 layers"), ("resnet18", "a ResNet"))
    ),
    Claim(
        key="ducs-beats-random",
        paper=DUCS,
        text="DUCS is better than others, particularly at high compression: than random, 2 and 5 %",
        study="ducs",
        pairs=pairs(DUCS_SWITCHES, random(SHARES_KEPT), HIGH_COMPRESSION),
    ),
    Claim(
        key="ducs-beats-others",
        paper=DUCS,
        text="The same: than forgetting, entropy, EL2N and AUM",
        study="ducs",
        pairs=pairs(
            DUCS_SWITCHES[0], [named(each, SHARES_KEPT) for each in OTHERS[:-1]], HIGH_COMPRESSION
        ),
    ),
    Claim(
        key="ducs-moderate",
        paper=DUCS,
        text="DUCS is better than random at 20 %",
        study="ducs",
        pairs=pairs(DUCS_SWITCHES, random(SHARES_KEPT), DUCS_RATES[2:]),
    ),
    Claim(
        key="ducs-boundary",
        paper=DUCS,
        text="What DUCS chooses lies near the decision boundary (one less the size of its margin)",
        study="ducs-boundary",
        pairs=pairs("DUCS", "all others", HIGH_COMPRESSION),
        figure="closeness",
    ),
    Claim(
        key="refinement-minority",
        paper=REFINEMENT,
        text="VOG keeps clean samples of small classes from being called noisy (with and without, "
        "paired)",
        study="refinement",
        pairs=pairs(WITH_VOG, WITHOUT_VOG, NOISE_RATES),
        figure="clean minority kept",
    ),
    Claim(
        key="refinement-vog",
        paper=REFINEMENT,
        text="VOG makes co-teaching more robust (with and without, paired)",
        study="refinement",
        pairs=pairs(WITH_VOG, WITHOUT_VOG, NOISE_RATES),
        figure="balanced_accuracy",
    ),
    Claim(
        key="refinement-robust",
        paper=REFINEMENT,
        text="Judging labels and relabelling improves on training with all labels, as many of them "
        "relabelled",
        study="refinement",
        pairs=pairs("random", PLAIN, NOISE_RATES),
        figure="balanced_accuracy",
    ),
    Claim(
        key="refinement-queries",
        paper=REFINEMENT,
        text="Asking about important samples beats asking about random ones among those called "
        "noisy",
        study="refinement",
        pairs=pairs(QUERIES[:-1], QUERIES[-1], NOISE_RATES),
        figure="balanced_accuracy",
    ),
    Claim(
        key="refinement-bald",
        paper=REFINEMENT,
        text="The same for queries by BALD",
        study="bald",
        pairs=pairs("bald", "random", NOISE_RATES),
        figure="balanced_accuracy",
    ),
    *(
        Claim(
            key=f"crossing-{surrogate}-{target}",
            paper=EVA,
            text=f"Coresets of {surrogate} are better than random for {target} too",
            study=f"crossing-{surrogate}-{target}",
            pairs=pairs(
                [named(each, SHARES_KEPT) for each in ("EVA", "recommended")],
                random(SHARES_KEPT),
                (0.1,),
            ),
        )
        for surrogate, target in product(("small_cnn", "resnet18"), TARGETS)
    ),
)
