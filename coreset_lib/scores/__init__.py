"""Scores: one number per sample from the recorded training dynamics."""

from collections.abc import Mapping
from typing import Any

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.plugins import Registry, with_source
from coreset_lib.scores.ablations import EVA_SINGLE, EXPECTATION_DUAL, EXPECTATION_SINGLE
from coreset_lib.scores.averages import AUM, EL2N, ENTROPY
from coreset_lib.scores.ducs import DUCS
from coreset_lib.scores.eva import EVA
from coreset_lib.scores.forgetting import FORGETTING
from coreset_lib.scores.gradients import VOG, VOG_PIXEL
from coreset_lib.scores.score import Score, ScoreValues, compute_values
from coreset_lib.scores.tdds import TDDS
from coreset_lib.scores.uncertainty import DUAL, DYN_UNC

SCORES = Registry[Score](
    "score",
    {
        "eva": EVA,
        "eva_single": EVA_SINGLE,
        "expectation_single": EXPECTATION_SINGLE,
        "expectation_dual": EXPECTATION_DUAL,
        "el2n": EL2N,
        "forgetting": FORGETTING,
        "aum": AUM,
        "entropy": ENTROPY,
        "dyn_unc": DYN_UNC,
        "dual": DUAL,
        "tdds": TDDS,
        "ducs": DUCS,
        "vog": VOG,
        "vog_pixel": VOG_PIXEL,
    },
    group="coreset_lens.scores",
    type_of_member=Score,
    credit=with_source,
)


def compute_score(
    dynamics: TrainingDynamics, name: str, options: Mapping[str, Any] | None = None
) -> ScoreValues:
    """Compute the score ``name`` for every training sample.

    Parameters
    ----------
    dynamics : TrainingDynamics
    name : str
        A key of :data:`SCORES`.
    options : mapping of option name to value or text, optional
        Missing ones take their defaults.

    Returns
    -------
    ScoreValues
        float64 values of shape (samples,), with direction and the options used.

    Raises
    ------
    CoresetError
        If the score or an option is unknown or out of range, or what the score needs
        was not recorded, or a score of another package fails.
    """
    with SCORES.blaming(name):
        return compute_values(SCORES, name, dynamics, options or {})
