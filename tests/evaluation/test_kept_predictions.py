"""Predictions of target networks: kept whole, small, and saying what they said."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coreset_lib.evaluation.evaluate import Evaluator, create_evaluation
from coreset_lib.evaluation.kept_predictions import compact, read_predictions
from coreset_lib.evaluation.metrics import classification_metrics
from coreset_lib.evaluation.plan import Arm, EvaluationPlan
from coreset_lib.evaluation.report import figure_table
from coreset_lib.evaluation.results import read_cells
from coreset_lib.evaluation.standings import Figure, is_over_images, standings
from coreset_lib.evaluation.verdicts.contributions import PER_CLASS
from coreset_lib.export.evaluation_results import evaluation_again, export_evaluation
from coreset_lib.selection import SelectionConfig

TOP = Arm(name="top el2n", variants=(SelectionConfig(score="el2n", balance="proportional"),))


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory, trained_run, tiny_dataset):
    """A comparison really trained, its predictions kept; random is drawn more often."""
    cache = tmp_path_factory.mktemp("kept")
    plan = EvaluationPlan(
        run_id=trained_run.run_id,
        arms=(TOP,),
        rates=(0.4,),
        n_seeds=2,
        n_random=3,
        first_seed=5,
        model="small_cnn",
        epochs=2,
        batch_size=16,
    )
    paths = create_evaluation(cache, plan)
    config = plan.starting_recipe(trained_run)
    Evaluator(trained_run, plan, paths, tiny_dataset, config).work()
    return plan, paths


class TestKept:
    def test_every_training_keeps_what_it_predicts_of_val_and_test(self, evaluated, tiny_dataset):
        plan, paths = evaluated
        for cell, record in read_cells(paths, plan).items():
            for part in ("val", "test"):
                split = getattr(tiny_dataset, part)
                kept = read_predictions(paths, cell, part)
                assert kept is not None
                assert (kept.given.argmax(axis=1) == split.labels).all()
                found = classification_metrics(kept.scores, split.labels).as_dict()
                exact = {k: v for k, v in record[part].items() if "auc" not in k}
                assert {k: found[k] for k in exact if k != "best_accuracy"} == {
                    k: v for k, v in exact.items() if k != "best_accuracy"
                }
                assert found["macro_auc"] == pytest.approx(record[part]["macro_auc"], abs=0.01)

    def test_they_are_half_floats(self, evaluated, tiny_dataset):
        plan, paths = evaluated
        kept = np.load(paths.predictions(next(plan.cells())))
        n_rows = len(tiny_dataset.val) + len(tiny_dataset.test)
        assert (kept.dtype, kept.shape) == (np.float16, (n_rows, 3))

    def test_random_is_drawn_more_often_and_seeds_begin_where_they_are_told(self, evaluated):
        plan, paths = evaluated
        seeds = {}
        for cell in read_cells(paths, plan):
            seeds.setdefault(cell.arm, []).append(cell.seed)
        assert seeds["top el2n"] == seeds["full set"] == [5, 6]
        assert seeds["random (proportional)"] == [5, 6, 7]

    @pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY\x01\x00"])
    def test_what_is_missing_or_damaged_was_not_kept(self, evaluated, tmp_path, content):
        plan, paths = evaluated
        other = create_evaluation(tmp_path, plan)
        cell = next(plan.cells())
        for part in ("val", "test"):
            other.truth(part).write_bytes(paths.truth(part).read_bytes())
        if content is not None:
            other.predictions(cell).parent.mkdir()
            other.predictions(cell).write_bytes(content)
        assert read_predictions(other, cell) is None

    def test_predictions_of_another_test_set_were_not_kept(self, evaluated, tmp_path):
        plan, paths = evaluated
        other = create_evaluation(tmp_path, plan)
        cell = next(plan.cells())
        other.predictions(cell).parent.mkdir()
        other.predictions(cell).write_bytes(paths.predictions(cell).read_bytes())
        for part in ("val", "test"):
            np.save(other.truth(part), np.load(paths.truth(part))[:-1])
        assert read_predictions(other, cell) is None

    def test_a_cell_is_finished_only_after_its_predictions(
        self, evaluated, trained_run, tiny_dataset, tmp_path, monkeypatch
    ):
        plan, _ = evaluated
        paths = create_evaluation(tmp_path, plan)

        def fail(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr("coreset_lib.evaluation.evaluate.keep_predictions", fail)
        config = plan.starting_recipe(trained_run)
        with pytest.raises(KeyboardInterrupt):
            Evaluator(trained_run, plan, paths, tiny_dataset, config).work()
        assert not read_cells(paths, plan)


class TestCompact:
    @given(st.integers(0, 2**31), st.sampled_from([1e-1, 1e-3, 1e-5]))
    def test_the_same_class_wins(self, seed, spread):
        rng = np.random.default_rng(seed)
        probabilities = 1 / 3 + spread * rng.standard_normal((20, 3))
        found = compact(probabilities)
        assert (found.argmax(axis=1) == probabilities.argmax(axis=1)).all()
        assert np.abs(found - probabilities).max() < 1e-3

    def test_certainty_can_be_lifted_too(self):
        found = compact(np.array([[1 - 1e-9, 1.0]]))
        assert found.argmax() == 1

    def test_the_same_labels_are_predicted(self):
        probabilities = np.array([[0.5 + 1e-9, 0.5, 0.5 - 1e-9, 0.7]])
        found = compact(probabilities, is_multi=True)
        assert ((found > 0.5) == (probabilities > 0.5)).all()


class TestStandings:
    def test_intervals_are_over_draws_and_images(self, evaluated):
        plan, paths = evaluated
        found = standings(paths, plan, read_cells(paths, plan))
        assert [each.strategy for each in found] == ["top el2n", *_REST]
        assert is_over_images(found)
        assert {Figure(name, k) for name in PER_CLASS for k in range(3)} & set(found[0].estimates)
        assert found[0].differences[Figure("accuracy")].n_draws == (2, 3)

    def test_without_predictions_they_are_over_draws_and_wider_or_narrower_never_absent(
        self, evaluated, tmp_path
    ):
        plan, paths = evaluated
        bare = create_evaluation(tmp_path, plan)
        for cell in plan.cells():
            bare.cell(cell).write_bytes(paths.cell(cell).read_bytes())
        found = standings(bare, plan, read_cells(bare, plan))
        assert not is_over_images(found)
        whole = standings(paths, plan, read_cells(paths, plan))
        assert [e.estimates[e.judged_on].mean for e in found] == [
            e.estimates[e.judged_on].mean for e in whole
        ]
        assert set(figure_table(found)["interval_over"]) == {"draws"}
        assert set(figure_table(whole)["interval_over"]) == {"draws and test images"}

    def test_the_export_holds_every_figure_and_is_made_again(self, evaluated, trained_run):
        plan, paths = evaluated
        export = export_evaluation(paths, plan, trained_run, figure="accuracy")
        text = export.csv.decode()
        assert text.startswith("strategy,rate,figure,class_name,")
        for name in ("accuracy", "macro_f1", "recall", "precision", "f1"):
            assert f",{name}," in text
        record = json.loads(export.provenance_bytes())
        assert (record["table"], record["figure"]) == ("figures", "accuracy")


_REST = ["random (proportional)", "full set"]


def test_results_are_rebuilt_only_while_their_predictions_are_there(
    trained_run, tiny_dataset, tmp_path, monkeypatch
):
    plan = EvaluationPlan(
        run_id=trained_run.run_id,
        arms=(TOP,),
        rates=(0.4,),
        n_seeds=2,
        model="small_cnn",
        epochs=1,
        batch_size=16,
        with_full_set=False,
    )
    monkeypatch.setattr(type(trained_run.paths), "cache", property(lambda _: tmp_path))
    paths = create_evaluation(tmp_path, plan)
    Evaluator(trained_run, plan, paths, tiny_dataset, plan.starting_recipe(trained_run)).work()
    export = export_evaluation(paths, plan, trained_run)
    record = json.loads(export.provenance_bytes())
    assert evaluation_again(trained_run, record).csv == export.csv
    paths.predictions(next(plan.cells())).unlink()
    with pytest.raises(Exception, match=r"must have its 4 finished trainings .*, got 3"):
        evaluation_again(trained_run, record)
