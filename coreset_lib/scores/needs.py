"""What a score needs recorded, and what to do where a run lacks it."""

import math

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError


def check_needs(score: str, needs: tuple[str, ...], dynamics: TrainingDynamics) -> None:
    """Raise CoresetError, saying what to record, if the run lacks a plane that is needed."""
    for plane in needs:
        if not dynamics.has(plane):
            raise CoresetError(
                f"{score} needs {plane}, which this run did not record. {_advice(plane, dynamics)}"
            )


def _advice(plane: str, dynamics: TrainingDynamics) -> str:
    """Say how to get a plane recorded."""
    if plane == "probabilities":
        n_bytes = 2 * dynamics.n_epochs * dynamics.n_samples * dynamics.n_outputs
        megabytes = math.ceil(n_bytes / 2**20)
        return f"Train again with a probability budget of at least {megabytes} MB."
    if plane.startswith("vog") and dynamics.is_multi_label:
        return "Samples with any number of labels have none; choose another score."
    if plane == "vog":
        return "Train again with --record-vog."
    if plane == "vog_pixel":
        return (
            "Compute it with: coreset-lens vog RUN, where the run was trained with "
            "--keep-checkpoints."
        )
    return f"Train again with {plane} recorded."
