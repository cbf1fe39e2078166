"""Comparisons as job arrays: cells trained once, states by cells and by Slurm, the script."""

import subprocess

import pytest

from coreset_lib import cli
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets import load_dataset
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.evaluate import Evaluator, create_evaluation
from coreset_lib.evaluation.plan import Arm, EvaluationPlan
from coreset_lib.evaluation.results import read_cells, write_cell
from coreset_lib.jobs import evaluations
from coreset_lib.jobs.slurm import evaluations as slurm_evaluations
from coreset_lib.jobs.slurm.client import JobState, write_job
from coreset_lib.jobs.slurm.options import SlurmOptions
from coreset_lib.leases import Leases
from coreset_lib.runs.store import Run
from coreset_lib.selection import SelectionConfig
from coreset_lib.training.running.worker import train_run

pytestmark = pytest.mark.usefixtures("without_umap")


def make_plan(run_id, **changes):
    arm = Arm(name="random", variants=(SelectionConfig(strategy="random", score=None),))
    fields = {"arms": (arm,), "rates": (0.4,), "n_seeds": 2, "model": "small_cnn", "epochs": 1}
    return EvaluationPlan(run_id=run_id, batch_size=16, **fields | changes)


@pytest.fixture
def plan(trained_run):
    return make_plan(trained_run.run_id)


@pytest.fixture
def paths(tmp_path, plan):
    return create_evaluation(tmp_path, plan)


@pytest.fixture
def evaluator(trained_run, plan, paths, tiny_dataset):
    config = TrainingConfig.from_dict(trained_run.manifest.config)
    return Evaluator(trained_run, plan, paths, tiny_dataset, config)


class TestCells:
    def test_a_cell_that_another_process_trains_is_left_to_it(self, evaluator, plan, paths):
        cells = list(plan.cells())
        with Leases(paths.leases).taken(cells[1].key) as is_mine:
            assert is_mine
            assert evaluator.work() == 1
        assert set(read_cells(paths, plan)) == {*cells} - {cells[1]}
        assert evaluator.work() == 0
        assert set(read_cells(paths, plan)) == {*cells}

    def test_a_cell_that_another_process_has_finished_meanwhile_is_not_trained_again(
        self, evaluator, plan, paths, monkeypatch
    ):
        cells, trained = list(plan.cells()), []
        last = cells[-1]

        def train(cell):
            if not trained:
                write_cell(paths, last, {"by": "another process"})
            trained.append(cell)
            return {}

        monkeypatch.setattr(evaluator, "_train_all", lambda _, cells: map(train, cells))
        evaluator.work()
        assert trained == cells[:-1]
        assert read_cells(paths, plan)[last]["by"] == "another process"

    @pytest.mark.parametrize(("start_at", "first"), [(0.0, 0), (0.5, 3), (0.99, 5)])
    def test_tasks_begin_at_different_cells_and_visit_all(
        self, evaluator, plan, monkeypatch, start_at, first
    ):
        trained = []
        monkeypatch.setattr(
            evaluator, "_train_all", lambda _, cells: [trained.append(c) or {} for c in cells]
        )
        evaluator.work(start_at=start_at)
        cells = list(plan.cells())
        assert len(cells) == 6
        assert trained == cells[first:] + cells[:first]


@pytest.mark.parametrize(
    ("tasks", "state", "words"),
    [
        ([JobState("RUNNING"), JobState("PENDING", "Resources")], "running", "1 tasks in Slurm"),
        ([JobState("PENDING", "Priority")], "queued", "waiting in Slurm (Priority)"),
        ([JobState("COMPLETED"), JobState("TIMEOUT")], "interrupted", "(COMPLETED, TIMEOUT)"),
        ([], "interrupted", "Slurm job 12 ended before all trainings were done (ENDED)"),
        (None, "queued", "Slurm job 12, which this machine cannot ask about"),
    ],
)
def test_the_state_is_what_cells_and_slurm_say(plan, paths, monkeypatch, tasks, state, words):
    write_job(paths, "12")
    monkeypatch.setattr(slurm_evaluations, "ask_slurm_for_tasks", lambda _: tasks)
    cells = list(plan.cells())
    write_cell(paths, cells[0], {})
    status = evaluations.evaluation_status(paths, plan)
    assert (status.state, status.epoch, status.epochs) == (state, 1, len(cells))
    assert words in (status.error or status.step)


def test_a_task_that_failed_is_told_with_its_reason(plan, paths, monkeypatch):
    write_job(paths, "12")
    monkeypatch.setattr(slurm_evaluations, "ask_slurm_for_tasks", lambda _: [JobState("FAILED")])
    paths.task_error.write_text("dataset tiny was not found.")
    status = evaluations.evaluation_status(paths, plan)
    assert (status.state, status.error) == ("failed", "dataset tiny was not found.")


def test_a_comparison_with_all_cells_is_finished_whatever_slurm_says(plan, paths, monkeypatch):
    write_job(paths, "12")
    monkeypatch.setattr(slurm_evaluations, "ask_slurm_for_tasks", lambda _: 1 / 0)
    for cell in plan.cells():
        write_cell(paths, cell, {})
    assert evaluations.evaluation_status(paths, plan).state == "finished"
    with pytest.raises(CoresetError, match="Nothing is left to do"):
        slurm_evaluations.evaluation_script(
            paths.root.parent, plan, paths, SlurmOptions(), n_tasks=2
        )


def test_a_task_explains_what_it_cannot_do(plan, paths, tmp_path, monkeypatch):
    monkeypatch.setattr(slurm_evaluations, "on_end_request", lambda _: None)
    arguments = [str(paths.root), str(tmp_path / "nowhere")]
    assert slurm_evaluations.main(arguments, {}) == 2
    assert slurm_evaluations.main(arguments, {"SLURM_JOB_ID": "3"}) == 1
    assert "was not found" in paths.task_error.read_text()


@pytest.mark.parametrize(("n_tasks", "directive"), [(4, "--array=0-3"), (100, "--array=0-5")])
def test_the_script_has_no_more_tasks_than_cells(plan, paths, tmp_path, n_tasks, directive):
    script = slurm_evaluations.evaluation_script(
        tmp_path, plan, paths, SlurmOptions(gpus=1), n_tasks=n_tasks
    )
    assert f"#SBATCH {directive}" in script.splitlines()
    assert "#SBATCH --gres=gpu:1" in script.splitlines()
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    with pytest.raises(CoresetError, match="tasks must be from 1 to 1000, got 0"):
        slurm_evaluations.evaluation_script(tmp_path, plan, paths, SlurmOptions(), n_tasks=0)


def evaluate(capsys, run, tmp_path, *options):
    """Run ``evaluate`` as typed; returns exit status, stdout and stderr."""
    cache = run.paths.root.parents[1]
    command = ["evaluate", run.run_id, "--strategy", "random", "--rates", "0.4", "--seeds", "2"]
    command += ["--out", str(tmp_path / "r.csv"), "--cache", str(cache), *options]
    return cli._run(command), *capsys.readouterr()


def test_without_slurm_the_script_is_written_instead(trained_run, tmp_path, monkeypatch, capsys):
    script = tmp_path / "job.sbatch"
    options = ("--executor", "slurm", "--tasks", "3", "--script", str(script))
    status, stdout, _ = evaluate(capsys, trained_run, tmp_path, *options)
    assert status == 0
    assert f"{script}: submit it with sbatch" in stdout
    assert "#SBATCH --array=0-2" in script.read_text()
    monkeypatch.setenv("PATH", str(tmp_path))
    status, _, stderr = evaluate(capsys, trained_run, tmp_path, "--executor", "slurm")
    assert status == 2
    assert "Slurm must be installed on this host" in stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--tasks", "3"), "--tasks must come with --executor slurm, got local"),
        (("--executor", "pbs"), "executor must be one of local, slurm, ray, kubernetes, got 'pbs'"),
        (("--executor", "slurm", "--tasks", "0"), "tasks must be from 1 to 1000, got 0"),
        (("--executor", "slurm", "--gpus", "2"), "--gpus must be from 0 to 1, got 2"),
    ],
)
def test_wrong_options_of_evaluate_are_one_sentence(
    trained_run, tmp_path, capsys, options, message
):
    status, _, stderr = evaluate(capsys, trained_run, tmp_path, *options)
    assert status == 2
    assert message in stderr
    assert not (tmp_path / "r.csv").exists()


@pytest.mark.slurm
@pytest.mark.usefixtures("live_slurm")
class TestLive:
    @pytest.fixture
    def run(self, make_startable, one_thread):
        run = make_startable(epochs=2)
        config = TrainingConfig.from_dict(run.manifest.config)
        train_run(run.paths, dataset=load_dataset(config.dataset))
        return Run(run.paths)

    def test_the_tasks_of_an_array_train_every_cell_once(self, run, wait_for):
        cache = run.paths.cache
        plan = make_plan(run.run_id, n_seeds=3)
        paths = slurm_evaluations.submit(cache, plan, SlurmOptions(), n_tasks=2)
        with pytest.raises(CoresetError, match="under way already"):
            slurm_evaluations.submit(cache, plan, SlurmOptions(), n_tasks=2)
        seen = AsRun(paths, plan)
        status = wait_for(seen, lambda s: s.state not in ("queued", "running"))
        assert status.state == "finished", (status, seen.log_tail(30))
        cells = list(plan.cells())
        assert set(read_cells(paths, plan)) == set(cells)
        # One line when a task begins, and one for each cell that it has trained.
        wait_for(seen, lambda _: seen.log_tail(1000).count("done; other tasks") == 2)
        assert seen.log_tail(1000).count(" trainings\n") == 2 + len(cells) + 2

    def test_a_comparison_that_waits_is_cancelled_and_can_go_on(self, run):
        cache, plan = run.paths.cache, make_plan(run.run_id)
        paths = slurm_evaluations.submit(cache, plan, SlurmOptions(lines=("--hold",)), n_tasks=2)
        assert evaluations.evaluation_status(paths, plan).state == "queued"
        evaluations.stop(paths, plan)
        assert evaluations.evaluation_status(paths, plan).state == "stopped"


class AsRun:
    """A comparison, seen as what the fixture ``wait_for`` waits for."""

    def __init__(self, paths, plan):
        self.paths, self.plan = paths, plan

    def status(self):
        return evaluations.evaluation_status(self.paths, self.plan)

    def log_tail(self, _):
        return "".join(path.read_text() for path in sorted(self.paths.root.glob("*.log")))
