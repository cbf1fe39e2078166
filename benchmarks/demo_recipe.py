"""Does late training still say something? The demo's recipe beside one that moves the images.

    python benchmarks/demo_recipe.py --cache CACHE

Runs that are in the cache already are not trained again. No time is measured.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from measuring import parser, publish

from coreset_lib import workflows
from coreset_lib.configs import DEMO, TrainingConfig
from coreset_lib.evaluation.known_errors import known_errors, lies_among_others
from coreset_lib.evaluation.label_errors import detection_figures
from coreset_lib.runs.store import Run
from coreset_lib.scores import compute_score
from coreset_lib.scores.forgetting import find_never_learned
from coreset_lib.scores.movement import mean_movement, moving_windows, window_shares
from coreset_lib.selection import SelectionConfig, select_coreset

RECIPES = {"demo": DEMO, "shift": replace(DEMO, augmentation="shift")}
LAST = 10


def main() -> None:
    made = parser("Compare what late training says under two recipes")
    made.add_argument("--cache", type=Path, required=True)
    arguments = made.parse_args()
    results = {name: figures(run_of(arguments.cache, c)) for name, c in RECIPES.items()}
    publish("demo_recipe", {"recipes": results}, folder=arguments.out)


def run_of(cache: Path, config: TrainingConfig) -> Run:
    """Return the finished run of a recipe, trained now if there is none."""
    for run in workflows.open_store(cache).runs():
        if run.status().state == "finished" and run.manifest.config == config.as_dict():
            return run
    return workflows.train(config, cache=cache)


def figures(run: Run) -> dict[str, Any]:
    """Return what the run says late, and how well it tells wrong labels."""
    dynamics, errors, queue = run.dynamics(), known_errors(run), workflows.suspicion(run)
    assert errors is not None
    early, late = moving_windows(dynamics)
    movement, wrong = mean_movement(dynamics), errors.is_wrong
    eva = compute_score(dynamics, "eva", {"early": early, "late": late})
    never, last, places = find_never_learned(dynamics), run.metrics()[-1], run.umap()
    assert places is not None
    among = lies_among_others(places, dynamics.labels)
    return {
        "seed": run.manifest.seed,
        "epochs": dynamics.n_epochs,
        "windows": [str(early), str(late)],
        "share_of_late_window": window_shares(dynamics, early=early, late=late)[1],
        "movement_of_last_epochs": float(movement[-LAST:].mean() / movement[1:LAST].mean()),
        "train_accuracy": last["train_accuracy"],
        "val_accuracy": last["val_accuracy"],
        "never_learned": int(never.sum()),
        "never_learned_and_wrong": int(never[wrong].sum()),
        "wrong_labels": int(wrong.sum()),
        "wrong_among_another_class_on_map": int(among[wrong].sum()),
        "share_of_right_among_another_class": float(among[~wrong].mean()),
        "auroc_of_suspicion": detection_figures(queue.values, wrong).auroc,
        "auroc_of_eva": detection_figures(eva.difficulty, wrong).auroc,
        "suggested_class_is_true": float(
            (queue.suggested[wrong] == errors.true_labels[wrong]).mean()
        ),
        "wrong_in_recommended_tenth": _kept_by_recommended(run, wrong),
    }


def _kept_by_recommended(run: Run, wrong: Any) -> int:
    """Return how many wrong labels the recommended coreset of a tenth keeps."""
    config = SelectionConfig(strategy="recommended", score=None, rate=0.1)
    chosen = select_coreset(
        run.dynamics(),
        config,
        features=run.features("surrogate"),
        early_features=run.early_features,
    )
    return int(wrong[chosen.indices].sum())


if __name__ == "__main__":
    main()
