"""The papers' studies as ready-made comparisons."""

import numpy as np
import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.plan import Cell, EvaluationPlan
from coreset_lib.evaluation.presets import PRESETS
from coreset_lib.evaluation.published import PUBLISHED
from coreset_lib.evaluation.window_grid import has_window_grid, window_grid
from coreset_lib.windows import Window


def plan_of(preset, n_epochs=60, **changes):
    fields = {
        "run_id": "r",
        "arms": PRESETS[preset].arms(n_epochs),
        "rates": PRESETS[preset].rates,
        "n_seeds": 2,
        "model": "small_cnn",
        "epochs": n_epochs,
    }
    return EvaluationPlan(**fields | changes)


@pytest.mark.parametrize("preset", PRESETS)
def test_each_study_is_a_plan_with_a_random_reference(preset):
    plan = plan_of(preset)
    arms = {cell.arm for cell in plan.cells()}
    assert any(name.startswith("random") for name in arms)
    assert {arm.reference for arm in plan.arms if not arm.name.startswith("random")} <= arms


def test_table_1_has_the_papers_seven_methods_at_its_five_rates():
    plan = plan_of("eva-table-1")
    words = " ".join(arm.name for arm in plan.arms).split()
    assert len(plan.arms) == 7
    assert all(method in words for method in PUBLISHED["organamnist"].accuracies)
    assert plan.rates == PUBLISHED["organamnist"].rates


def test_published_rows_have_one_number_for_each_rate():
    for published in PUBLISHED.values():
        assert all(len(row) == len(published.rates) for row in published.accuracies.values())


@pytest.mark.parametrize("n_epochs", [20, 60, 61, 200])
def test_the_window_search_pairs_disjoint_windows_inside_the_run(n_epochs):
    (arm,) = PRESETS["eva-windows"].arms(n_epochs)
    pairs = [
        (Window.parse(v.score_options["early"]), Window.parse(v.score_options["late"]))
        for v in arm.variants
    ]
    assert len(set(pairs)) == 25
    assert all(early.last < late.first and late.last <= n_epochs for early, late in pairs)
    assert {w.n_epochs for pair in pairs for w in pair} == {max(n_epochs // 20, 2)}


def test_a_run_too_short_for_the_window_search_is_refused():
    with pytest.raises(CoresetError, match="at least 20 epochs, got 12"):
        PRESETS["eva-windows"].arms(12)


def test_the_grid_holds_mean_validation_accuracies_and_gaps():
    plan = plan_of("eva-windows", rates=(0.1,))
    (arm,) = plan.arms
    cells = {}
    for variant in range(len(arm.variants) - 1):
        for seed in range(2):
            cell = Cell(arm=arm.name, variant=variant, rate=0.1, seed=seed)
            cells[cell] = {"val": {"accuracy": variant / 100 + seed}, "test": {"accuracy": 0.0}}
    grid = window_grid(plan, cells, arm, 0.1)
    assert grid.shape == (5, 5)
    assert np.allclose(grid.to_numpy().ravel()[:-1], np.arange(24) / 100 + 0.5)
    assert np.isnan(grid.to_numpy()[-1, -1])
    assert list(grid.index) == sorted(grid.index, key=lambda text: int(text.split("-")[0]))


def test_only_a_search_over_both_windows_makes_a_grid():
    assert has_window_grid(PRESETS["eva-windows"].arms(60)[0])
    assert not any(has_window_grid(arm) for arm in PRESETS["eva-table-1"].arms(60))
