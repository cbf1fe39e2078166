"""A refinement from end to end: steps, budgets, interruptions, people, and bad tables."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.kept_predictions import read_predictions
from coreset_lib.export.refinement_results import export_refinement
from coreset_lib.refinement.experts import accept_answers, open_round
from coreset_lib.refinement.judgement import judge_flags
from coreset_lib.refinement.plan import JUDGED, PLAIN, RoundCell, plan_from_dict
from coreset_lib.refinement.refiner import Refiner
from coreset_lib.refinement.report import (
    compare_curves,
    curve_table,
    judgement_table,
)
from coreset_lib.refinement.results import (
    count_finished,
    create_refinement,
    read_cells,
    read_judgement,
    read_plan,
)
from coreset_lib.refinement.run_plan import WAITING, refine
from coreset_lib.refinement.sentences import verdict_lines
from coreset_lib.system.locks import FileLock

NEXT = {"class 0": "class 1", "class 1": "class 2", "class 2": "class 0"}


@pytest.fixture(scope="module")
def refined(noisy_run, make_plan, tmp_path_factory):
    """Two seeds of one strategy with its references, worked through once."""
    plan = make_plan(run_id=noisy_run.run_id)
    paths = create_refinement(tmp_path_factory.mktemp("refined"), plan)
    steps = []
    is_done = Refiner.open(noisy_run, plan, paths).work(on_step=lambda *step: steps.append(step))
    assert is_done
    return plan, paths, steps


class TestPlan:
    def test_the_budget_is_split_into_rounds_without_a_rest(self, make_plan):
        plan = make_plan(budget=10, n_rounds=3)
        assert [plan.labels_after(n) for n in range(4)] == [0, 3, 6, 10]

    def test_random_and_unjudged_random_always_come_along(self, make_plan):
        assert make_plan().arms == ("entropy", "random", PLAIN)
        assert make_plan(queries=("random",)).arms == ("random", PLAIN)
        assert make_plan(expert="people", seeds=(0,)).arms == ("entropy",)

    def test_it_can_be_read_back_and_names_itself_by_its_options(self, make_plan):
        plan = make_plan()
        assert plan_from_dict(json.loads(json.dumps(plan.as_dict()))) == plan
        assert make_plan(vog_share=0.0).refinement_id != plan.refinement_id

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"queries": ("entropi",)}, "query strategy must be one of entropy"),
            ({"queries": ()}, "query strategies must be at least one"),
            ({"seeds": (1, 1)}, "seeds must be at least one, each once, got 1, 1"),
            ({"budget": 1}, "budget must be at least 2, got 1"),
            ({"epochs": 3}, "epochs must be more than the 3 of the ramp, got 3"),
            ({"noise_rate": 20.0}, "noise rate must be at least 0 and below 1, got 20"),
            ({"vog_share": 1.5}, "VOG share must be"),
            ({"expert": "oracle"}, "expert must be one of simulated, people"),
            ({"expert": "people"}, "people answer for one query strategy and one seed"),
        ],
    )
    def test_wrong_plans_are_refused_in_one_sentence(self, make_plan, changes, words):
        with pytest.raises(CoresetError, match=words):
            make_plan(**changes)


def test_shares_of_clean_samples_called_wrong_by_class_size():
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    true = np.array([0, 0, 0, 0, 1, 1, 1, 0])
    is_noisy = np.array([1, 0, 0, 0, 1, 1, 0, 0], dtype=bool)
    figures = judge_flags(is_noisy, labels, true, 2)
    assert (figures.n_noisy, figures.n_wrong) == (3, 2)
    assert figures.precision == pytest.approx(1 / 3)
    assert figures.recall == pytest.approx(1 / 2)
    assert figures.by_class == (0.25, 0.5)
    assert (figures.minority, figures.majority) == (0.5, 0.25)
    assert judge_flags(np.zeros(8, dtype=bool), labels, true, 2).precision is None


class TestWork:
    def test_every_step_is_done_and_told(self, refined):
        plan, paths, steps = refined
        assert plan.n_steps == 2 * (1 + 2 + 3 * 2) == count_finished(paths, plan)
        assert [done for done, _, _ in steps] == list(range(plan.n_steps + 1))

    def test_the_verdict_lies_with_the_run(self, refined, noisy_run):
        plan, paths, _ = refined
        record = read_judgement(paths, 0)
        assert noisy_run.noisy_flags().sum() == record["n_noisy"]
        assert record["n_noisy"] == 120 - round((1 - record["noise_rate"]) * 120)
        about = json.loads(noisy_run.paths.noisy_flags_info.read_text())
        assert about["refinement"] == plan.refinement_id

    def test_only_judged_samples_are_asked_about_each_once_within_the_budget(self, refined):
        plan, paths, _ = refined
        is_noisy = {seed: np.load(paths.noisy_flags(seed)) for seed in plan.seeds}
        for cell, record in read_cells(paths, plan).items():
            assert record["n_labels"] <= plan.labels_after(cell.n_round)
            if cell.arm != PLAIN:
                assert is_noisy[cell.seed][record["asked"]].all()
        cells = read_cells(paths, plan)
        rounds = [cells[RoundCell(seed=0, arm="entropy", n_round=n)]["asked"] for n in (1, 2)]
        assert not set(rounds[0]) & set(rounds[1])

    def test_the_simulated_expert_knows_the_truth_and_wrong_labels_go_down(
        self, refined, noisy_run
    ):
        plan, paths, _ = refined
        true, given = noisy_run.true_labels(), noisy_run.labels()
        cells = read_cells(paths, plan)
        for cell, record in cells.items():
            assert record["answers"] == true[record["asked"]].tolist()
            assert record["n_wrong"] == (given != true).sum() - record["n_changed"]
            expected = (
                120 if cell.arm == PLAIN else 120 - np.load(paths.noisy_flags(cell.seed)).sum()
            )
            if cell.arm != PLAIN:
                expected += record["n_labels"]
            assert record["n_trained"] == expected

    def test_after_a_kill_only_open_steps_are_done_and_give_the_same_numbers(
        self, refined, noisy_run, tmp_path
    ):
        plan, paths, _ = refined
        again = create_refinement(tmp_path, plan)
        kept = [paths.judgement(0), paths.noisy_flags(0)]
        kept += [paths.cell(cell) for cell in list(plan.cells_of(0))[:4]]
        for path in kept:
            (again.cells / path.name).write_bytes(path.read_bytes())
        broken = paths.cell(list(plan.cells_of(0))[4])
        (again.cells / broken.name).write_bytes(broken.read_bytes()[:50])
        small = replace(plan, seeds=(0,))  # one seed is enough to see it
        Refiner.open(noisy_run, small, again).work()
        for cell in small.cells_of(0):
            first, second = (json.loads(p.cell(cell).read_bytes()) for p in (paths, again))
            assert first | {"seconds": 0} == second | {"seconds": 0}

    def test_two_processes_do_not_work_on_one_refinement(self, refined, noisy_run):
        _, paths, _ = refined
        lock = FileLock(paths.lock)
        assert lock.acquire()
        try:
            with pytest.raises(CoresetError, match="under way already"):
                refine(noisy_run.paths.cache, paths)
        finally:
            lock.release()

    def test_when_nobody_is_left_to_ask_the_last_figures_stay(self, noisy_run, make_plan, tmp_path):
        plan = make_plan(
            run_id=noisy_run.run_id, seeds=(0,), queries=("random",), noise_rate=0.03, budget=40
        )
        paths = create_refinement(tmp_path, plan)
        assert Refiner.open(noisy_run, plan, paths).work()
        cells = read_cells(paths, plan)
        first, last = (cells[RoundCell(seed=0, arm="random", n_round=n)] for n in (1, 2))
        assert (first["n_labels"], last["n_labels"]) == (4, 4)
        assert (last["asked"], last["test"]) == ([], first["test"])
        said = [
            np.load(paths.predictions(RoundCell(seed=0, arm="random", n_round=n))) for n in (1, 2)
        ]
        np.testing.assert_array_equal(*said)

    def test_bald_asks_the_pair_and_then_the_network_of_the_round_before_too(
        self, noisy_run, make_plan, tmp_path
    ):
        plan = make_plan(run_id=noisy_run.run_id, seeds=(0,), queries=("bald",))
        paths = create_refinement(tmp_path, plan)
        refiner = Refiner.open(noisy_run, plan, paths)
        assert refiner.work()
        pair = np.load(paths.pair(0))
        n_classes = refiner.dataset.n_classes
        assert pair.shape == (2, len(refiner.dataset.train), n_classes)
        assert not np.array_equal(pair[0], pair[1])
        last = np.full(pair.shape[1:], 1 / n_classes)
        assert [len(refiner._committee(0, n, last)) for n in (1, 2)] == [2, 3]
        cells = read_cells(paths, plan)
        asked = [cells[RoundCell(seed=0, arm="bald", n_round=n)]["asked"] for n in (1, 2)]
        assert asked[0]
        assert not set(asked[0]) & set(asked[1])

    def test_a_run_without_known_truth_needs_people(self, make_run, make_plan, tmp_path):
        run = make_run(tmp_path)
        plan = make_plan(run_id=run.run_id)
        with pytest.raises(CoresetError, match="or let --expert people answer"):
            Refiner.open(run, plan, create_refinement(tmp_path, plan))

    def test_a_network_for_other_images_is_refused(self, noisy_run, make_plan, tmp_path):
        plan = make_plan(run_id=noisy_run.run_id, model="resnet18_3d")
        with pytest.raises(CoresetError, match="model must be a network for pictures"):
            Refiner.open(noisy_run, plan, create_refinement(tmp_path, plan))


class TestReport:
    def test_curves_have_a_row_per_strategy_and_round(self, refined):
        plan, paths, _ = refined
        table = curve_table(plan, read_cells(paths, plan))
        assert list(zip(table["query"], table["round"], strict=True)) == [
            (arm, n_round) for arm in plan.arms for n_round in range(3)
        ]
        entropy = table[table["query"] == "entropy"].set_index("round")
        cells = read_cells(paths, plan)
        by_hand = [cells[RoundCell(seed=s, arm="entropy", n_round=2)] for s in (0, 1)]
        accuracy = [record["test"]["accuracy"] for record in by_hand]
        assert entropy.loc[2, "accuracy"] == pytest.approx(np.mean(accuracy))
        assert entropy.loc[2, "wrong"] == np.mean([record["n_wrong"] for record in by_hand])
        assert entropy.loc[0, "labels"] == 0

    def test_the_comparison_is_of_the_means_over_the_rounds(self, refined):
        plan, paths, _ = refined
        cells = read_cells(paths, plan)
        found = compare_curves(plan, cells, "entropy", "random")

        def mean_of(arm, seed):
            rounds = [cells[RoundCell(seed=seed, arm=arm, n_round=n)] for n in (1, 2)]
            return np.mean([record["test"]["accuracy"] for record in rounds])

        expected = [mean_of("entropy", s) - mean_of("random", s) for s in (0, 1)]
        assert found.mean == pytest.approx(np.mean(expected))
        assert found.n_draws == (2, 2)
        assert not found.covers_images
        over_images = compare_curves(plan, cells, "entropy", "random", paths)
        assert over_images.mean == found.mean
        assert over_images.covers_images

    def test_predictions_are_kept_and_give_the_figures_again(self, refined):
        plan, paths, _ = refined
        for cell, record in read_cells(paths, plan).items():
            said = read_predictions(paths, cell)
            is_right = (said.given == said.predicted).all(axis=1)
            assert is_right.mean() == pytest.approx(record["test"]["accuracy"])

    def test_a_round_with_a_missing_seed_is_left_out(self, refined):
        plan, paths, _ = refined
        cells = read_cells(paths, plan)
        del cells[RoundCell(seed=1, arm=JUDGED, n_round=0)]
        table = curve_table(plan, cells)
        assert len(table) == 3 * 3 - 2

    def test_words_and_files_tell_both_shares_of_clean_samples(self, refined, noisy_run):
        plan, paths, _ = refined
        lines = verdict_lines(paths, plan)
        assert "labels are called wrong (mean of 2 seeds)" in lines[0]
        assert "Rightly labelled samples that are called wrong: " in lines[2]
        assert [line.partition(":")[0] for line in lines[3:]] == list(plan.arms)
        assert "“random, unjudged”" in lines[3]
        export = export_refinement(paths, plan, noisy_run)
        assert export.csv == export_refinement(paths, plan, noisy_run).csv
        assert len(export.provenance["cells"]) == 2 * 8
        json.loads(export.provenance_bytes())
        assert {"minority", "majority", "true_rate"} <= set(judgement_table(paths, plan))

    def test_nothing_finished_is_no_words(self, make_plan, tmp_path):
        plan = make_plan()
        paths = create_refinement(tmp_path, plan)
        assert verdict_lines(paths, plan) == []
        assert read_plan(paths) == plan


class TestPeople:
    @pytest.fixture
    def waiting(self, noisy_run, make_plan):
        """A refinement by people that waits for the answers of its first round."""
        plan = make_plan(
            run_id=noisy_run.run_id, expert="people", seeds=(0,), budget=6, noise_rate=0.2
        )
        cache = noisy_run.paths.cache
        paths = create_refinement(cache, plan)
        for earlier in (*paths.root.glob("answers-*.json"), *paths.root.glob("queries-*.csv")):
            earlier.unlink()
        for cell in list(plan.cells_of(0))[1:]:
            paths.cell(cell).unlink(missing_ok=True)
        status = refine(cache, paths)
        assert (status.state, status.step) == ("stopped", WAITING)
        return cache, plan, paths

    def fill(self, paths, run, tmp_path, names=None):
        """Answer the open queries as an expert would, in the newest table that was written."""
        newest = max(paths.root.glob("queries-*.csv"))
        table = pd.read_csv(newest, keep_default_na=False)
        assert list(table) == ["sample_id", "old", "new", "source", "round"]
        assert set(table["new"]) == {""}
        samples, class_names = run.samples(), run.manifest.dataset.class_names
        true = dict(zip(samples["sample_id"], run.true_labels(), strict=True))
        table["new"] = names or [class_names[true[sample]] for sample in table["sample_id"]]
        file = tmp_path / "corrected.csv"
        table.to_csv(file, index=False)
        return file

    def test_rounds_go_on_as_answers_come_in(self, waiting, noisy_run, tmp_path):
        cache, plan, paths = waiting
        for number in (1, 2):
            asked = open_round(paths, plan)
            assert (asked.n_round, len(asked.rows)) == (number, 3)
            file = self.fill(paths, noisy_run, tmp_path)
            assert accept_answers(paths, plan, noisy_run, file) == 0
            status = refine(cache, paths)
        assert status.state == "finished"
        assert open_round(paths, plan) is None
        last = read_cells(paths, plan)[RoundCell(seed=0, arm="entropy", n_round=2)]
        assert last["n_labels"] == 6
        true = noisy_run.true_labels()
        assert last["answers"] == true[last["asked"]].tolist()
        with pytest.raises(CoresetError, match="must wait for labels"):
            accept_answers(paths, plan, noisy_run, tmp_path / "corrected.csv")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda t: t.assign(new=""), "must answer all 3 queries of round 1, got none for 3"),
            (lambda t: t.iloc[1:], "got none for 1 of them"),
            (lambda t: t.assign(new="unicorn"), "line 2 of corrected.csv: label must be one of"),
            (lambda t: t.drop(columns="new"), "it has no column new"),
            (lambda t: t.assign(status="proposed"), "got none for 3 of them"),
            (
                lambda t: pd.concat([t, t.assign(new=t["new"].map(NEXT))]),
                "has two labels",
            ),
        ],
    )
    def test_wrong_tables_are_refused_and_nothing_is_kept(
        self, waiting, noisy_run, tmp_path, change, words
    ):
        _, plan, paths = waiting
        file = self.fill(paths, noisy_run, tmp_path)
        change(pd.read_csv(file, dtype=str, keep_default_na=False)).to_csv(file, index=False)
        with pytest.raises(CoresetError, match=words):
            accept_answers(paths, plan, noisy_run, file)
        assert open_round(paths, plan).n_round == 1

    def test_rows_about_other_samples_are_passed_over_and_counted(
        self, waiting, noisy_run, tmp_path
    ):
        _, plan, paths = waiting
        file = self.fill(paths, noisy_run, tmp_path)
        table = pd.read_csv(file, dtype=str)
        other = table.iloc[[0]].assign(sample_id="somebody else")
        pd.concat([table, other]).to_csv(file, index=False)
        assert accept_answers(paths, plan, noisy_run, file) == 1
