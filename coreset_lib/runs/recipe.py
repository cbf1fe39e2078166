"""How networks are trained on a run's dataset: as the run was, or as somebody says."""

from collections.abc import Mapping
from typing import Any

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets.checking.trainable import networks_for
from coreset_lib.errors import CoresetError
from coreset_lib.runs.records import Manifest
from coreset_lib.runs.resume import plain_config
from coreset_lib.runs.store import Run

NEEDED = ("model", "epochs")


def run_recipe(run: Run, given: Mapping[str, Any]) -> TrainingConfig:
    """Return the recipe that networks of a comparison or refinement start from.

    Parameters
    ----------
    run : Run
    given : mapping
        Options of :class:`~coreset_lib.configs.TrainingConfig` that differ from the run's; of
        a recorded run all that matter, ``model`` and ``epochs`` at least.

    Raises
    ------
    CoresetError
        If the run has no recipe of its own and not enough is given.
    """
    known = {name: value for name, value in given.items() if value is not None}
    if not run.manifest.is_recorded:
        config = plain_config(run.paths)
        own: dict[str, Any] = config.as_dict() | {"keep_checkpoints": 0}
        return TrainingConfig(**own | _with_schedule(known, config))
    check_recipe(run.manifest, known)
    start: dict[str, Any] = {"dataset": run.manifest.dataset.name, "seed": run.manifest.seed}
    return TrainingConfig(**start | _with_schedule(known, None))


def check_recipe(manifest: Manifest, given: Mapping[str, Any]) -> None:
    """Raise CoresetError where a recorded run would have to lend a recipe that it has not."""
    missing = [name for name in NEEDED if given.get(name) is None]
    if manifest.is_recorded and missing:
        network = networks_for(manifest.dataset.depth)[0]
        words = f"{manifest.recipe[:80]!r}" if manifest.recipe else "no words"
        raise CoresetError(
            f"run {manifest.run_id} was recorded from a training of your own, described by "
            f"{words}, and this needs a recipe: give --model {network} --epochs 20, and if you "
            "like --lr, --batch-size, --weight-decay."
        )


def _with_schedule(given: dict[str, Any], config: TrainingConfig | None) -> dict[str, Any]:
    """Let the schedule end no higher than it begins."""
    if "learning_rate" not in given:
        return given
    final = TrainingConfig.final_learning_rate if config is None else config.final_learning_rate
    return given | {"final_learning_rate": min(final, given["learning_rate"])}
