"""Forgetting events: how often a sample was right in one epoch and wrong in the next."""

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics, not_recorded
from coreset_lib.scores.score import Option, Score

EARLY_EPOCHS = 10


def count_forgetting_events(dynamics: TrainingDynamics) -> NDArray[np.int64]:
    """Number of epochs t with the sample correct at t and wrong at t + 1.

    Returns
    -------
    int64 array, shape (samples,)
        From 0 to half the number of epochs. Higher = harder.

    Raises
    ------
    CoresetError
        If a prediction was not recorded.
    """
    return _history(dynamics)[0]


def find_never_learned(dynamics: TrainingDynamics) -> NDArray[np.bool_]:
    """Whether a sample was wrong in every epoch, shape (samples,)."""
    return _history(dynamics)[1]


def find_not_learned_early(dynamics: TrainingDynamics) -> NDArray[np.bool_]:
    """Whether a sample was wrong in most of the first ten epochs, shape (samples,).

    A network learns what most labels agree on first and the others by heart later: where
    "never learned" is empty, these are the ones that it could not learn like the rest.
    """
    first = slice(0, min(EARLY_EPOCHS, dynamics.n_epochs))
    is_wrong = np.zeros(dynamics.n_samples, dtype=np.bool_)
    for part, (prediction,) in dynamics.blocks(("prediction",)):
        rows = prediction[first]
        is_there = rows != not_recorded(rows.dtype)
        n_wrong = np.count_nonzero((rows != dynamics.targets[part]) & is_there, axis=0)
        is_wrong[part] = 2 * n_wrong > is_there.sum(axis=0)
    return is_wrong


def forgetting_score(
    dynamics: TrainingDynamics, *, never_learned: str = "max"
) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """Forgetting events, with a policy for samples that were never classified correctly.

    Parameters
    ----------
    dynamics : TrainingDynamics
    never_learned : {"max", "zero", "exclude"}
        ``max``: they get the number of epochs, more than any count (Toneva et al.);
        ``zero``: they keep their count of 0 (CCS); ``exclude``: they are not ranked.

    Returns
    -------
    values : float64 array, shape (samples,)
        Higher = harder.
    is_excluded : bool array, shape (samples,), or None

    References
    ----------
    Toneva et al., An empirical study of example forgetting (2019).
    """
    events, is_never_learned = _history(dynamics)
    values = events.astype(np.float64)
    if never_learned == "max":
        values[is_never_learned] = dynamics.n_epochs
    return values, is_never_learned if never_learned == "exclude" else None


def _history(dynamics: TrainingDynamics) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Count events and find never-learned samples in one pass over the predictions."""
    events = np.empty(dynamics.n_samples, dtype=np.int64)
    is_never_learned = np.empty(dynamics.n_samples, dtype=np.bool_)
    for part, (prediction,) in dynamics.blocks(("prediction",)):
        if (prediction == not_recorded(prediction.dtype)).any():
            dynamics.check_recorded("prediction")
        is_correct = prediction == dynamics.targets[part]
        events[part] = np.count_nonzero(is_correct[:-1] & ~is_correct[1:], axis=0)
        is_never_learned[part] = ~is_correct.any(axis=0)
    return events, is_never_learned


FORGETTING = Score(
    title="Forgetting events",
    summary="How often the network got the sample right and then wrong again.",
    direction="harder",
    needs=("prediction",),
    source="Toneva et al. 2019",
    compute=forgetting_score,
    options={
        "never_learned": Option(
            kind="choice",
            choices=("max", "zero", "exclude"),
            default="max",
            help="samples never right: rank hardest (Toneva), count 0 (CCS), or leave out",
        )
    },
)
