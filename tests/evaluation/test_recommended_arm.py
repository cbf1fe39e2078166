"""A comparison trains on the coreset that the recommended strategy gives elsewhere."""

import pytest

from coreset_lib.configs import TrainingConfig
from coreset_lib.evaluation.evaluate import Evaluator, create_evaluation
from coreset_lib.evaluation.plan import Arm, EvaluationPlan, plan_from_dict
from coreset_lib.selection import SelectionConfig, select_coreset

RECOMMENDED = SelectionConfig(strategy="recommended", score=None, balance="proportional")


def plan_of(run_id, **changes):
    fields = {
        "run_id": run_id,
        "arms": (Arm(name="recommended", variants=(RECOMMENDED,)),),
        "rates": (0.2,),
        "n_seeds": 1,
        "model": "small_cnn",
        "epochs": 1,
        "with_full_set": False,
    }
    return EvaluationPlan(**fields | changes)


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_early_embedding_comes_along(tmp_path, trained_run, tiny_dataset, monkeypatch, version):
    options = {"version": version}
    arm = SelectionConfig(strategy="recommended", score=None, strategy_options=options)
    plan = plan_of(trained_run.run_id, arms=(Arm(name="recommended", variants=(arm,)),))
    trained_on = []

    def note(data, indices, config, **more):
        trained_on.append(sorted(indices.tolist()))
        raise KeyboardInterrupt

    monkeypatch.setattr("coreset_lib.training.targets.target.train_target", note)
    config = TrainingConfig.from_dict(trained_run.manifest.config)
    cells = [cell for cell in plan.cells() if cell.arm == "recommended"]
    monkeypatch.setattr(EvaluationPlan, "cells", lambda self: iter(cells))
    paths = create_evaluation(tmp_path, plan)
    with pytest.raises(KeyboardInterrupt):
        Evaluator(trained_run, plan, paths, tiny_dataset, config).work()
    choice, final = plan.selection(cells[0]), trained_run.features("surrogate")
    early = trained_run.features("early")
    with_early, without = (
        select_coreset(trained_run.dynamics(), choice, features=final, early_features=given)
        for given in (early, None)
    )
    assert trained_on == [sorted(with_early.indices.tolist())]
    is_same = set(with_early.indices.tolist()) == set(without.indices.tolist())
    assert is_same == (version == "1")


def test_a_plan_from_before_there_were_versions_keeps_its_name():
    record = plan_of("r").as_dict()
    (variant,) = record["arms"][0]["variants"]
    variant["strategy_options"] = {"variance": 0.95, "early_share": 0.1, "draw_above": 0.25}
    plan = plan_from_dict(record)
    assert plan.as_dict() == record
    assert plan.arms[0].variants[0].read_strategy_options()["version"] == "1"
    assert plan.evaluation_id != plan_of("r").evaluation_id
