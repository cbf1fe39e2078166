"""What is trained to judge the claims: arms, and the comparisons that they stand in.

A study is one comparison of the library on one dataset; several claims may read it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

from coreset_lib.evaluation.plan import Arm, random_arm
from coreset_lib.selection import SelectionConfig
from coreset_lib.windows import Window

RATES = (0.02, 0.05, 0.1, 0.2, 0.3)
HIGH_COMPRESSION = RATES[:2]
SHARES_KEPT, GLOBAL = "proportional", "global"
TABLE_RATES, ABLATION_RATES, DUCS_RATES = (0.02, 0.05, 0.1), (0.02, 0.1, 0.3), (0.02, 0.05, 0.2)
NOISE_RATES = (0.2, 0.4, 0.6, 0.8)
QUERIES = ("entropy", "least_confidence", "margin", "k_center", "random")
OTHERS = ("forgetting", "entropy", "el2n", "aum", "ccs")
WITH_VOG, WITHOUT_VOG = "VOG share 0.2", "no VOG"


@dataclass(frozen=True, kw_only=True)
class Study:
    """One comparison: ``arms(n_epochs)`` at some rates, for a target network.

    ``kind`` says by what it is done: ``comparison`` (the library's ``evaluate``), ``selection``
    (no training but the surrogate's), ``refinement`` (the rates are of wrong labels) or
    ``published`` (numbers that stand in the paper). ``features`` are computed
    before it, where it needs more than a run has; ``queries`` are those of a refinement.
    """

    name: str
    arms: Callable[[int], Sequence[Arm]] = lambda n_epochs: ()
    rates: tuple[float, ...] = RATES
    surrogate: str = "small_cnn"
    target: str = "small_cnn"
    with_full_set: bool = False
    needs_gpu: bool = False
    features: str = ""
    queries: tuple[str, ...] = QUERIES
    kind: str = "comparison"


def random(balance: str) -> str:
    return random_arm(balance).name


def named(title: str, balance: str) -> str:
    return f"{title}, {'shares kept' if balance == SHARES_KEPT else 'no balance'}"


def arm(title: str, balance: str, *variants: dict[str, object]) -> Arm:
    """Return an arm whose variants rank by a score, unless they say otherwise."""
    made = [SelectionConfig(**{"balance": balance, **each}) for each in variants]  # type: ignore[arg-type]
    return Arm(name=named(title, balance), variants=tuple(made))


def eva_arm(title: str, balance: str, *windows: tuple[Window, Window], **options: str) -> Arm:
    """Return EVA with pairs of windows, of which validation takes the best."""
    pairs_of = [{"early": str(early), "late": str(late)} for early, late in windows] or [{}]
    return arm(title, balance, *({"score_options": each | options} for each in pairs_of))


def stages(n_epochs: int) -> tuple[Window, Window, Window, Window]:
    """Return windows as long as a twentieth of the run: two in its first half, two later."""
    length, half = max(n_epochs // 20, 2), n_epochs // 2
    firsts = (1, half - length + 1, half + 1, n_epochs - length + 1)
    first, second, third, fourth = (Window(f, f + length - 1) for f in firsts)
    return first, second, third, fourth


def table_1(n_epochs: int) -> list[Arm]:
    """EVA's Table 1, with and without the classes' shares; EVA in three ways."""
    first, second, third, fourth = stages(n_epochs)
    tried = tuple(product((first, second), (third, fourth)))
    found = []
    for balance in (GLOBAL, SHARES_KEPT):
        others = [arm(name, balance, {"score": name}) for name in OTHERS[:-1]]
        ccs = {"strategy": "ccs", "score": "aum", "noise_cut": 0.3}
        own = [
            eva_arm("EVA", balance),
            eva_arm("EVA, released code", balance, aggregation="l1"),
            eva_arm("EVA, tuned windows", balance, *tried),
        ]
        found += [random_arm(balance), *others, arm("ccs", balance, ccs), *own]
    return found


def ablations(n_epochs: int) -> list[Arm]:
    """EVA's Fig. 3 to 5: mean or variance, one window or two, and where in the run."""
    first, second, third, fourth = stages(n_epochs)
    early, late = {"window": str(first)}, {"early": str(first), "late": str(fourth)}
    late_alone = {"score": "eva_single", "score_options": {"window": str(fourth)}}
    return [
        *(
            arm(title, SHARES_KEPT, {"score": score, "score_options": options})
            for title, score, options in (
                ("mean, one window", "expectation_single", early),
                ("variance, one window", "eva_single", early),
                ("mean, two windows", "expectation_dual", late),
                ("variance, two windows", "eva", late),
            )
        ),
        arm("variance, one late window", SHARES_KEPT, late_alone),
        eva_arm("variance, both windows early", SHARES_KEPT, (first, second)),
        eva_arm("variance, both windows late", SHARES_KEPT, (third, fourth)),
    ]


def diversity(features: str, k: str | int) -> str:
    return named(f"diversity, {features}, K {k}", SHARES_KEPT)


def diversity_arms(choices: Sequence[tuple[str, str | int]]) -> list[Arm]:
    """Diversity inside classes by features and number of clusters."""
    return [
        arm(
            f"diversity, {features}, K {k}",
            SHARES_KEPT,
            {"strategy": "diversity", "score": None, "features": features}
            | {"strategy_options": {"k": k}},
        )
        for features, k in choices
    ]


def pretrained_arms(features: str, n_epochs: int) -> list[Arm]:
    """Diversity by features of a network trained on ImageNet."""
    del n_epochs
    return diversity_arms([(features, "auto")])


def ducs_arms(n_epochs: int) -> list[Arm]:
    """Our reading of DUCS with those of its switches that change the order."""
    del n_epochs
    switched = {
        "DUCS": {},
        "DUCS, min-max sum": {"combiner": "min_max_sum"},
        "DUCS, product": {"combiner": "product"},
        "DUCS, largest probability": {"confidence": "max"},
        "DUCS, never learned hardest": {"never_learned": "max"},
    }
    found = [
        arm(name, SHARES_KEPT, {"score": "ducs", "score_options": options})
        for name, options in switched.items()
    ]
    return [*found, *(arm(name, SHARES_KEPT, {"score": name}) for name in OTHERS[:-1])]


def crossing(n_epochs: int) -> list[Arm]:
    """What is chosen with one network and trained by another."""
    del n_epochs
    recommended = {"strategy": "recommended", "score": None}
    return [eva_arm("EVA", SHARES_KEPT), arm("recommended", SHARES_KEPT, recommended)]


CLUSTERINGS = (
    *(("surrogate", k) for k in ("auto", 2, 5, 10)),
    *((features, "auto") for features in ("early", "pixels")),
)
PRETRAINED = ("vgg16", "efficientnet")
DUCS_SWITCHES = [found.name for found in ducs_arms(1)[:5]]
TARGETS = ("resnet50", "mobilenet_v2", "vgg16")
DIVERSITY_RATES = (0.1, 0.25, 0.5)

STUDIES = (
    Study(name="eva-published", kind="published"),
    Study(name="eva-table-1", arms=table_1, rates=TABLE_RATES, with_full_set=True),
    Study(name="eva-ablations", arms=ablations, rates=ABLATION_RATES),
    Study(
        name="diversity",
        arms=lambda n_epochs: diversity_arms(CLUSTERINGS),
        rates=DIVERSITY_RATES,
        with_full_set=True,
    ),
    *(
        Study(
            name=f"diversity-by-{features}",
            arms=partial(pretrained_arms, features),
            rates=DIVERSITY_RATES,
            features=features,
        )
        for features in PRETRAINED
    ),
    *(
        Study(
            name=f"diversity-{target}",
            arms=lambda n_epochs: diversity_arms(CLUSTERINGS[:1]),
            rates=(0.25,),
            target=target,
            with_full_set=True,
            needs_gpu=True,
        )
        for target in ("cnn14", "resnet18")
    ),
    Study(name="ducs", arms=ducs_arms, rates=DUCS_RATES),
    Study(name="ducs-boundary", kind="selection", rates=HIGH_COMPRESSION),
    Study(name="refinement", kind="refinement", rates=NOISE_RATES),
    Study(name="bald", kind="refinement", rates=NOISE_RATES, queries=("bald", "random")),
    *(
        Study(
            name=f"crossing-{surrogate}-{target}",
            arms=crossing,
            rates=(0.1,),
            surrogate=surrogate,
            target=target,
            needs_gpu=True,
        )
        for surrogate, target in product(("small_cnn", "resnet18"), TARGETS)
    ),
)
