import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.arms import make_arms
from coreset_lib.evaluation.evaluate import Evaluator, create_evaluation, read_plan
from coreset_lib.evaluation.plan import (
    FULL_SET,
    Arm,
    Cell,
    EvaluationPlan,
    random_arm,
)
from coreset_lib.evaluation.report import (
    cell_table,
    standing_in_words,
    summary_table,
    verdict_lines,
)
from coreset_lib.evaluation.results import FIGURES, chosen_variant, read_cells, write_cell
from coreset_lib.evaluation.run_plan import compare
from coreset_lib.evaluation.standings import standings
from coreset_lib.evaluation.tied_scores import tied_scores
from coreset_lib.export.evaluation_results import export_evaluation
from coreset_lib.jobs.processes.detached import work_status
from coreset_lib.runs.store import Run
from coreset_lib.selection import SelectionConfig
from coreset_lib.system.locks import FileLock
from coreset_lib.training.targets.target import ResidentDataset, train_target

TOP = Arm(
    name="top el2n",
    variants=(
        SelectionConfig(score="el2n", balance="proportional"),
        SelectionConfig(score="el2n", balance="proportional", noise_cut=0.2),
    ),
)


def make_plan(**changes):
    fields = {
        "run_id": "r",
        "arms": (TOP,),
        "rates": (0.2, 0.4),
        "n_seeds": 2,
        "model": "small_cnn",
        "epochs": 2,
        "batch_size": 16,
    }
    return EvaluationPlan(**fields | changes)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory, trained_run, tiny_dataset):
    """A small plan on a really trained run, worked through once."""
    cache = tmp_path_factory.mktemp("evaluated")
    plan = make_plan(run_id=trained_run.run_id)
    paths = create_evaluation(cache, plan)
    config = TrainingConfig.from_dict(trained_run.manifest.config)
    Evaluator(trained_run, plan, paths, tiny_dataset, config).work()
    return plan, paths, config


@pytest.fixture
def run_of_file(make_run, make_dataset, save_npz, tmp_path):
    """A run whose dataset is found again, and its cache."""
    run = make_run(tmp_path, dataset=make_dataset())
    manifest = json.loads(run.paths.manifest.read_text())
    manifest["config"]["dataset"] = str(save_npz(tmp_path / "tiny.npz", make_dataset()))
    run.paths.manifest.write_text(json.dumps(manifest))
    return Run(run.paths), run.paths.cache


class TestPlan:
    def test_cells_are_every_arm_variant_rate_and_seed_with_references_and_the_full_set(self):
        cells = list(make_plan().cells())
        assert len(cells) == len(set(cells)) == 2 * 2 * 2 + 2 * 2 + 2
        assert sum(cell.arm == "random (proportional)" for cell in cells) == 4
        assert sum(cell.arm == FULL_SET for cell in cells) == 2

    @pytest.mark.parametrize(
        ("balance", "reference"),
        [("global", "proportional"), ("proportional", "proportional"), ("equal", "equal")],
    )
    def test_a_strategy_is_judged_against_random_of_the_same_balance(self, balance, reference):
        arm = Arm(name="x", variants=(SelectionConfig(balance=balance),))
        assert arm.reference == random_arm(reference).name

    def test_the_same_plan_has_the_same_id_and_another_has_another(self):
        assert make_plan().evaluation_id == make_plan().evaluation_id
        assert make_plan().evaluation_id != make_plan(n_seeds=3).evaluation_id

    def test_tiny_coresets_get_small_batches(self):
        plan, surrogate = make_plan(batch_size=256), TrainingConfig(dataset="d")
        cell = Cell(arm="top el2n", variant=0, rate=0.2, seed=1)
        target = plan.target(surrogate, cell, n_full=5000, n_kept=94)
        assert (target.batch_size, target.epochs, target.seed) == (24, 2, 1)
        assert plan.target(surrogate, cell, n_full=5000, n_kept=4000).batch_size == 256
        assert plan.target(surrogate, cell, n_full=5000, n_kept=1).batch_size == 2

    def test_the_iterations_regime_takes_at_least_the_steps_of_the_full_set(self):
        plan = make_plan(batch_size=256, epochs=3, regime="iterations")
        cell = Cell(arm="top el2n", variant=0, rate=0.1, seed=0)
        target = plan.target(TrainingConfig(dataset="d"), cell, n_full=5000, n_kept=500)
        steps_per_epoch = -(-500 // target.batch_size)
        full_steps = 3 * 20
        assert full_steps <= target.epochs * steps_per_epoch < full_steps + steps_per_epoch

    @pytest.mark.parametrize(
        ("n_kept", "batch_size", "epochs"),
        [
            (1100, 256, 40),  # 5 steps an epoch, the last with 76 samples
            (700, 175, 50),  # 4 steps; with 19 steps a full epoch it would be 48
            (1700, 256, 29),  # 7 steps: 28.6 epochs
            (1400, 256, 34),  # 6 steps: 33.3 epochs
            (1792, 256, 29),  # 7 full steps
            (1793, 256, 25),  # 8 steps
            (94, 24, 50),  # 23.5 samples are a quarter
            (5000, 256, 10),
        ],
    )
    def test_epochs_of_the_iterations_regime_by_hand(self, n_kept, batch_size, epochs):
        # A full epoch has 20 steps, the last with 136 samples; 10 epochs have 200.
        plan = make_plan(batch_size=256, epochs=10, regime="iterations")
        cell = Cell(arm="top el2n", variant=0, rate=0.1, seed=0)
        target = plan.target(TrainingConfig(dataset="d"), cell, n_full=5000, n_kept=n_kept)
        assert (target.batch_size, target.epochs) == (batch_size, epochs)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"rates": ()}, "at least one strategy and one rate"),
            ({"rates": (0.0,)}, "selection rate must be in"),
            ({"n_seeds": 0}, "seeds must be"),
            ({"protocol": "tuned"}, "protocol must be one of honest, paper"),
            ({"regime": "x"}, "regime must be one of"),
            ({"model": "alexnet"}, "model must be one of"),
            ({"arms": (TOP, TOP)}, "different names"),
        ],
    )
    def test_wrong_plans_are_refused_in_one_sentence(self, changes, words):
        with pytest.raises(CoresetError, match=words):
            make_plan(**changes)


class TestWork:
    def test_every_cell_is_finished_and_names_what_it_kept(self, evaluated):
        plan, paths, _ = evaluated
        cells = read_cells(paths, plan)
        assert set(cells) == set(plan.cells())
        kept = {cell.rate: result["n_samples"] for cell, result in cells.items()}
        assert kept == {0.2: 12, 0.4: 24, 1.0: 60}

    def test_working_again_trains_nothing(self, evaluated, trained_run, tiny_dataset, monkeypatch):
        plan, paths, config = evaluated
        before = {path: path.read_bytes() for path in paths.cells.iterdir()}
        trained = "coreset_lib.training.targets.target.train_target"
        monkeypatch.setattr(trained, lambda *_, **__: 1 / 0)
        Evaluator(trained_run, plan, paths, tiny_dataset, config).work()
        assert before == {path: path.read_bytes() for path in paths.cells.iterdir()}

    def test_after_a_kill_only_the_open_cells_are_trained_and_give_the_same_numbers(
        self, evaluated, trained_run, tiny_dataset, tmp_path
    ):
        plan, paths, config = evaluated
        again = create_evaluation(tmp_path, plan)
        finished = list(plan.cells())[:7]
        for cell in finished:
            again.cell(cell).write_bytes(paths.cell(cell).read_bytes())
        broken = list(plan.cells())[7]
        again.cell(broken).write_bytes(paths.cell(broken).read_bytes()[:40])
        kept = {cell: again.cell(cell).stat().st_mtime_ns for cell in finished}
        Evaluator(trained_run, plan, again, tiny_dataset, config).work()
        assert kept == {cell: again.cell(cell).stat().st_mtime_ns for cell in finished}
        for cell in plan.cells():
            first, second = (json.loads(p.cell(cell).read_bytes()) for p in (paths, again))
            assert first | {"seconds": 0} == second | {"seconds": 0}

    def test_paired_seeds_share_weights_and_order_but_not_between_seeds(self, evaluated):
        plan, paths, _ = evaluated
        cells = read_cells(paths, plan)
        full = [cells[Cell(arm=FULL_SET, variant=0, rate=1.0, seed=s)] for s in (0, 1)]
        assert full[0]["test"] != full[1]["test"]

    def test_its_status_says_how_it_ended(self, run_of_file):
        run, cache = run_of_file
        plan = make_plan(run_id=run.run_id, n_seeds=1, rates=(0.4,), with_full_set=False)
        paths = create_evaluation(cache, plan)
        seen = []
        status = compare(cache, paths, on_cell=lambda *counts: seen.append(counts))
        assert (status.state, seen[0], seen[-1]) == ("finished", (0, 3), (3, 3))
        assert work_status(paths).state == "finished"

    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (torch.OutOfMemoryError("CUDA"), "memory of the device ran out at batch size 16"),
            (OSError(28, "No space left on device"), "The disk is full"),
            (RuntimeError("kernel"), "ended unexpectedly (RuntimeError: kernel)"),
        ],
    )
    def test_whatever_ends_a_training_is_told_in_a_sentence(
        self, run_of_file, monkeypatch, error, words
    ):
        run, cache = run_of_file
        plan = make_plan(run_id=run.run_id, n_seeds=1, epochs=3)
        paths = create_evaluation(cache, plan)

        def fail(*_):
            raise error

        monkeypatch.setattr(Evaluator, "_train_all", fail)
        with pytest.raises(CoresetError, match=re.escape(words)):
            compare(cache, paths)
        status = work_status(paths)
        assert (status.state, words in status.error) == ("failed", True)

    def test_a_score_that_cannot_be_computed_is_refused_before_any_training(self, run_of_file):
        run, cache = run_of_file
        arms = tuple(
            make_arms(["top"], ["eva"], "proportional", [0.0], [{"early": "1-1", "late": "2-3"}])
        )
        plan = replace(make_plan(run_id=run.run_id, n_seeds=1, epochs=1), arms=arms)
        paths = create_evaluation(cache, plan)
        with pytest.raises(CoresetError, match="must hold at least two epochs"):
            compare(cache, paths)
        assert read_cells(paths, plan) == {}

    def test_the_table_tells_of_a_score_that_ties_most_samples(self, run_of_file):
        run, cache = run_of_file
        arms = tuple(make_arms(["top"], ["forgetting"], "proportional", [0.0]))
        plan = replace(make_plan(run_id=run.run_id, n_seeds=1, epochs=1), arms=arms)
        paths = create_evaluation(cache, plan)
        (note,) = tied_scores(run.dynamics(), plan)
        assert "Score forgetting ties" in note
        assert export_evaluation(paths, plan, run).provenance["notes"] == [note]

    def test_two_processes_do_not_work_on_one_comparison(self, run_of_file):
        run, cache = run_of_file
        paths = create_evaluation(cache, make_plan(run_id=run.run_id, n_seeds=1, epochs=4))
        lock = FileLock(paths.lock)
        assert lock.acquire()
        try:
            with pytest.raises(CoresetError, match="this comparison is under way already"):
                compare(cache, paths)
        finally:
            lock.release()

    def test_a_network_that_diverged_is_no_result(self, trained_run, tiny_dataset):
        config = TrainingConfig.from_dict(trained_run.manifest.config)
        config = replace(config, learning_rate=100, weight_decay=0.9, epochs=30)
        data = ResidentDataset.place(tiny_dataset, torch.device("cpu"))
        with pytest.raises(CoresetError, match="training diverged"):
            train_target(data, np.arange(40), config)

    def test_a_dataset_that_changed_is_refused(self, make_run, make_dataset, save_npz, tmp_path):
        run = make_run(tmp_path)
        other = save_npz(tmp_path / "other.npz", make_dataset(n_train=63))
        manifest = json.loads(run.paths.manifest.read_text())
        manifest["config"]["dataset"] = str(other)
        run.paths.manifest.write_text(json.dumps(manifest))
        plan = make_plan(run_id=run.run_id)
        with pytest.raises(CoresetError, match="must be the one the run was started with"):
            Evaluator.open(Run(run.paths), plan, create_evaluation(tmp_path, plan))

    def test_the_plan_can_be_read_back(self, evaluated):
        plan, paths, _ = evaluated
        assert read_plan(paths).evaluation_id == plan.evaluation_id
        assert list(read_plan(paths).cells()) == list(plan.cells())


def fill(paths, plan, figures):
    """Write made-up cells: figures(cell) gives (val accuracy, test accuracy)."""
    for cell in plan.cells():
        val, test = figures(cell)
        result = {"accuracy": 0, "balanced_accuracy": 0, "macro_auc": 0, "recall": [0, 0, 0]}
        write_cell(
            paths,
            cell,
            {
                "n_samples": 12,
                "steps": 4,
                "seconds": 1.0,
                "val": result | {"accuracy": val, "best_accuracy": val + 0.05},
                "test": result | {"accuracy": test},
            },
        )


def table_of(paths, plan, figure="balanced_accuracy"):
    return summary_table(standings(paths, plan, read_cells(paths, plan), figure=figure))


def lines_of(paths, plan):
    return verdict_lines(paths, plan, figure="accuracy")


class TestSummary:
    def test_the_variant_is_chosen_on_val_and_reported_on_test(self, tmp_path):
        plan = make_plan(rates=(0.2,), with_full_set=False)
        paths = create_evaluation(tmp_path, plan)
        # Variant 1 is better on val, worse on test: honest reporting shows the worse test.
        fill(paths, plan, lambda c: (0.9, 0.6 + c.seed / 100) if c.variant else (0.7, 0.8))
        cells = read_cells(paths, plan)
        assert chosen_variant(plan, cells, TOP, 0.2) == 1
        row = table_of(paths, plan, "accuracy").set_index("strategy").loc["top el2n"]
        assert row["variant"] == 1
        assert row["mean"] == pytest.approx(0.605)
        assert row["difference"] == pytest.approx(0.605 - 0.8)

    def test_the_figure_that_is_judged_on_chooses_the_variant_too(self, tmp_path):
        plan = make_plan(rates=(0.2,), with_full_set=False)
        paths = create_evaluation(tmp_path, plan)
        fill(paths, plan, lambda c: (0.9 - c.variant / 10, 0.6))
        for cell, record in read_cells(paths, plan).items():
            record["val"]["balanced_accuracy"] = 0.5 + cell.variant / 10
            write_cell(paths, cell, {k: v for k, v in record.items() if k != "cell"})
        chosen = {f: table_of(paths, plan, f)["variant"][0] for f in ("accuracy", *FIGURES[:1])}
        assert chosen == {"accuracy": 0, "balanced_accuracy": 1}

    def test_a_figure_that_was_not_kept_is_told(self, tmp_path):
        plan = make_plan(rates=(0.2,), with_full_set=False)
        paths = create_evaluation(tmp_path, plan)
        fill(paths, plan, lambda _: (0.7, 0.7))
        with pytest.raises(CoresetError, match=r"macro_f1 is not defined on \w+: .* did not keep"):
            table_of(paths, plan, "macro_f1")

    def test_a_class_that_pays_is_named(self, tmp_path):
        plan = make_plan(rates=(0.2,), n_seeds=4)
        paths = create_evaluation(tmp_path, plan)

        def figures(cell):
            gain = 0.0 if cell.arm.startswith("random") else 0.05
            return 0.7, 0.8 + gain + cell.seed / 1000

        fill(paths, plan, figures)
        for cell, record in read_cells(paths, plan).items():
            loss = 0.0 if cell.arm.startswith("random") else 0.13
            record["test"]["recall"] = [0.9, 0.7 - loss + cell.seed / 1000, 0.8]
            write_cell(paths, cell, {k: v for k, v in record.items() if k != "cell"})
        names = ("benign", "malignant", "normal")
        (standing, *_) = standings(paths, plan, read_cells(paths, plan), figure="accuracy")
        said = standing_in_words(standing, names)
        assert "; better than random (proportional): +5.0 points" in said
        assert "; but malignant pays: recall −13.0 points (−13." in said
        assert "wins 100 % of the headroom of 5.0 points" in said
        assert not standing.verdict.is_plainly_better
        row = summary_table([standing], names).iloc[0]
        assert (row["verdict"], row["pays"][:29]) == ("better", "malignant pays: recall −13.0 ")

    def test_the_paper_protocol_reports_the_best_epoch_on_val(self, tmp_path):
        plan = make_plan(rates=(0.2,), protocol="paper", with_full_set=False)
        paths = create_evaluation(tmp_path, plan)
        fill(paths, plan, lambda _: (0.7, 0.1))
        table = table_of(paths, plan, "accuracy")
        assert np.allclose(table["mean"], 0.75)

    def test_a_rate_with_missing_seeds_is_left_out(self, tmp_path):
        plan = make_plan()
        paths = create_evaluation(tmp_path, plan)
        fill(paths, plan, lambda _: (0.7, 0.7))
        paths.cell(Cell(arm="top el2n", variant=1, rate=0.4, seed=1)).unlink()
        table = table_of(paths, plan, "accuracy")
        assert sorted(table[table["strategy"] == "top el2n"]["rate"]) == [0.2]

    def test_nothing_finished_is_an_empty_table(self, tmp_path):
        plan = make_plan()
        assert table_of(create_evaluation(tmp_path, plan), plan).empty

    def test_words_say_how_it_did_and_how_many_seeds_would_tell(self, tmp_path):
        plan = make_plan(rates=(0.2,), with_full_set=False)
        paths = create_evaluation(tmp_path, plan)
        fill(
            paths, plan, lambda c: (0.7, 0.8 if c.arm.startswith("random") else 0.81 + c.seed / 50)
        )
        ours, random, caveat = lines_of(paths, plan)
        said = "top el2n at 20 %: accuracy 82.0 % ± 1.4 points; undecided against random (propor"
        assert ours.startswith(said)
        assert "95 % interval" in ours
        assert "seeds would tell" in ours
        assert "worst of 2 draws 81.0 %" in ours
        assert random == "random (proportional) at 20 %: accuracy 80.0 % ± 0.0 points"
        assert "before predictions were kept" in caveat

    def test_worse_is_said_plainly(self, tmp_path):
        plan = make_plan(rates=(0.2,), with_full_set=False)
        paths = create_evaluation(tmp_path, plan)
        fill(
            paths,
            plan,
            lambda c: (0.7, 0.8 if c.arm.startswith("random") else 0.5 + c.seed / 1000),
        )
        assert "; worse than random (proportional): −30.0 points" in lines_of(paths, plan)[0]

    def test_equal_differences_are_no_verdict(self, tmp_path):
        plan = make_plan(rates=(0.2,), with_full_set=False)
        paths = create_evaluation(tmp_path, plan)
        fill(paths, plan, lambda c: (0.7, 0.8 if c.arm.startswith("random") else 0.5))
        said = lines_of(paths, plan)[0]
        assert "; undecided against random (proportional): −30.0 points, their spread" in said
        assert "nan" not in said


def test_the_export_holds_every_cell_and_is_the_same_when_made_again(evaluated, trained_run):
    plan, paths, _ = evaluated
    export = export_evaluation(paths, plan, trained_run)
    assert export.csv == export_evaluation(paths, plan, trained_run).csv
    assert len(export.provenance["cells"]) == len(list(plan.cells()))
    assert export.provenance["plan"] == plan.as_dict()
    json.loads(export.provenance_bytes())


def test_the_cell_table_has_recall_per_class(evaluated):
    plan, paths, _ = evaluated
    table = cell_table(paths, plan)
    assert len(table) == len(list(plan.cells()))
    assert {"test_recall_0", "test_recall_1", "test_recall_2", "val_macro_auc"} <= set(table)


def test_a_plan_for_the_iterations_regime_is_another_one():
    assert replace(make_plan(), regime="iterations").evaluation_id != make_plan().evaluation_id
