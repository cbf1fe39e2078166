"""What a comparison costs: counted by hand, and told in words."""

import pytest

from coreset_lib.configs import TrainingConfig
from coreset_lib.evaluation.arms import make_arms
from coreset_lib.evaluation.cost import Cost, cost_of
from coreset_lib.evaluation.plan import EvaluationPlan
from coreset_lib.training.time_estimate import Speed


def make_plan(run_id, **changes):
    fields = {
        "run_id": run_id,
        "arms": tuple(make_arms(["top"], ["el2n"], "proportional", [0.0])),
        "rates": (0.4,),
        "n_seeds": 2,
        "n_random": 3,
        "model": "small_cnn",
        "epochs": 2,
        "batch_size": 16,
    }
    return EvaluationPlan(**fields | changes)


SPEED = Speed(
    batch_seconds=(0.1, 0.2), n_batches=4, evaluation_seconds=0.5, device="CPU", n_measured=9
)


def test_updates_and_samples_are_counted_by_hand(trained_run):
    # 60 training samples: 24 are kept, in batches of 6 (a quarter): 4 updates an epoch; the full
    # set takes 4 updates of 16 an epoch. 2 + 3 trainings on 24, 2 on 60, of 2 epochs each.
    found = cost_of(make_plan(trained_run.run_id), trained_run, {})
    assert (found.n_trainings, found.n_open) == (7, 7)
    assert found.steps == 5 * 2 * 4 + 2 * 2 * 4
    assert found.n_seen == 5 * 2 * 24 + 2 * 2 * 60
    assert found.seconds is None


def test_the_time_lies_between_that_of_the_samples_and_that_of_full_batches(trained_run):
    found = cost_of(make_plan(trained_run.run_id), trained_run, {}, SPEED)
    testing = 7 * 2 * 0.5
    assert found.seconds == pytest.approx((480 / 16 * 0.1 + testing, 56 * 0.2 + testing))


def test_what_is_finished_costs_nothing(trained_run):
    plan = make_plan(trained_run.run_id)
    finished = {cell: {} for cell in list(plan.cells())[:5]}
    found = cost_of(plan, trained_run, finished)
    assert (found.n_open, found.steps) == (2, 16)
    assert found.in_words() == "7 trainings, of which 5 are finished; 16 updates"


def test_the_network_and_batch_size_that_are_measured_are_those_of_the_plan(trained_run):
    recipe = make_plan(trained_run.run_id, batch_size=8, epochs=9).recipe_on_all(trained_run)
    assert isinstance(recipe, TrainingConfig)
    assert (recipe.model, recipe.batch_size, recipe.epochs) == ("small_cnn", 8, 9)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ((10, 80), "3 trainings; 1,200 updates, about 10 s to 80 s"),
        ((600, 601), "3 trainings; 1,200 updates, about 10 min"),
        (None, "3 trainings; 1,200 updates"),
    ],
)
def test_the_cost_in_words(seconds, words):
    cost = Cost(n_trainings=3, n_open=3, steps=1200, n_seen=1, seconds=seconds)
    assert cost.in_words() == words


def test_all_done_is_said_without_updates():
    assert Cost(n_trainings=1, n_open=0, steps=0, n_seen=0).in_words().startswith("1 training")
