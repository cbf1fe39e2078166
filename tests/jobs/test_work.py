"""Workers that share a comparison: exactly once, whoever is killed; strangers are refused."""

import json
import os
import signal
import subprocess
import sys

import pytest

from coreset_lib import cli, workflows
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.evaluate import create_evaluation
from coreset_lib.evaluation.results import read_cells
from coreset_lib.jobs import evaluations
from coreset_lib.leases import Leases, Owner, worker_key

pytestmark = pytest.mark.usefixtures("without_umap", "one_thread")


@pytest.fixture
def run(comparison_run):
    return comparison_run


@pytest.fixture
def plan(run, make_plan):
    return make_plan(run)


@pytest.fixture
def paths(run, plan):
    return create_evaluation(run.paths.cache, plan)


def call(arguments, capsys):
    code = cli._run([str(each) for each in arguments])
    return code, *capsys.readouterr()


class TestOneWorker:
    def test_it_does_all_and_evaluate_writes_the_results(self, run, plan, paths, capsys, tmp_path):
        cache = run.paths.cache
        code, out, err = call(["work", paths.root], capsys)
        n_cells = sum(1 for _ in plan.cells())
        assert code == 0
        assert out == f"{n_cells} of {n_cells}: nothing is left\n"
        assert f"1 of {n_cells} trainings" in err
        options = ["--strategy", "random", "--score", "eva", "--rates", 0.4, "--seeds", 3]
        options += ["--epochs", 2, "--batch-size", 16, "--cache", cache]
        code, out, _ = call(["evaluate", run.run_id, *options, "--out", tmp_path / "r.csv"], capsys)
        assert code == 0
        assert not list(paths.leases.iterdir())

    def test_a_plan_is_found_by_the_beginning_of_its_name(self, run, paths, capsys):
        code, out, _ = call(["work", paths.root.name[:8], "--cache", run.paths.cache], capsys)
        assert (code, "nothing is left" in out) == (0, True)

    def test_when_its_time_is_over_it_begins_no_training(self, run, plan, paths, capsys):
        code, out, _ = call(["work", paths.root, "--max-minutes", 1e-9], capsys)
        assert (code, out) == (0, f"0 of {sum(1 for _ in plan.cells())}: not finished yet\n")

    def test_a_late_one_changes_no_result_that_is_there(self, run, plan, paths):
        workflows.work(str(paths.root))
        before = {path: path.read_bytes() for path in paths.cells.iterdir()}
        assert workflows.work(str(paths.root)).is_finished
        assert before == {path: path.read_bytes() for path in paths.cells.iterdir()}


class TestRefusals:
    @pytest.mark.parametrize("name", ["", "nothing", "../evaluations", "a\nb"])
    def test_no_such_plan(self, run, name, capsys):
        code, _, err = call(["work", name, "--cache", run.paths.cache], capsys)
        assert code == 2
        assert "plan must be a folder with a plan.json" in err
        assert err.count("\n") == 1

    @pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "soon"])
    def test_minutes_that_are_none(self, paths, minutes, capsys):
        code, _, err = call(["work", paths.root, "--max-minutes", minutes], capsys)
        assert (code, "--max-minutes" in err, err.count("\n")) == (2, True, 1)

    def test_other_code(self, run, plan, paths, capsys):
        record = json.loads(paths.plan.read_bytes())
        paths.plan.write_text(json.dumps(record | {"code": "0" * 64}))
        code, _, err = call(["work", paths.root], capsys)
        assert code == 2
        assert "planned by other code" in err
        assert not read_cells(paths, plan)

    def test_other_data(self, plan, paths, data_file, make_dataset, save_npz, capsys):
        save_npz(data_file, make_dataset(n_train=63))
        code, _, err = call(["work", paths.root], capsys)
        assert code == 2
        assert "must be the one the run was started with" in err
        assert not read_cells(paths, plan)

    def test_a_damaged_plan(self, paths, capsys):
        paths.plan.write_text("{")
        code, _, err = call(["work", paths.root], capsys)
        assert (code, "missing or damaged" in err) == (2, True)

    def test_a_plan_of_nothing_known(self, tmp_path):
        folder = tmp_path / "cache" / "notes" / "abc"
        folder.mkdir(parents=True)
        (folder / "plan.json").write_text("{}")
        with pytest.raises(CoresetError, match="must lie in a cache"):
            workflows.work(str(folder))


def start_worker(paths, environment):
    command = [sys.executable, "-c", "from coreset_lib.cli import main; main()", "work"]
    return subprocess.Popen([*command, str(paths.root)], env=environment, stderr=subprocess.PIPE)


def test_workers_that_are_killed_lose_nothing_and_do_nothing_twice(
    run, make_plan, figures, subprocess_environment
):
    plan = make_plan(run, n_seeds=6)
    shared = create_evaluation(run.paths.cache, plan)
    workers = [start_worker(shared, subprocess_environment) for _ in range(3)]
    for line in workers[0].stderr:
        if b" 1 of " in line or b" 2 of " in line:
            break
    os.kill(workers[0].pid, signal.SIGKILL)
    workers.append(start_worker(shared, subprocess_environment))
    for worker in workers:
        worker.stderr.close() if worker is workers[0] else worker.communicate(timeout=150)
    assert [worker.wait() for worker in workers][1:] == [0, 0, 0]
    together = figures(shared, plan)
    assert len(together) == sum(1 for _ in plan.cells())
    for path in shared.cells.iterdir():
        path.unlink()
    workflows.work(str(shared.root))
    assert figures(shared, plan) == together


class TestStatus:
    def test_workers_are_seen_as_a_comparison_under_way(self, plan, paths):
        assert evaluations.evaluation_status(paths, plan) is None
        leases, other = Leases(paths.leases), Owner(token="ab", host="node7")
        with leases.taken(worker_key(leases.owner)):
            status = evaluations.evaluation_status(paths, plan)
            assert (status.state, status.epoch) == ("running", 0)
            assert status.step == f"1 worker ({leases.owner.host})"
            elsewhere = Leases(paths.leases, other)
            with elsewhere.taken(worker_key(other)):
                status = evaluations.evaluation_status(paths, plan)
                assert status.step.startswith("2 workers (")
                assert "node7" in status.step
        assert evaluations.evaluation_status(paths, plan) is None

    def test_what_workers_have_finished_is_finished(self, plan, paths):
        workflows.work(str(paths.root))
        status = evaluations.evaluation_status(paths, plan)
        assert (status.state, status.epoch) == ("finished", status.epochs)


class TestWorkersHere:
    @pytest.fixture(autouse=True)
    def environment(self, monkeypatch, subprocess_environment):
        monkeypatch.setenv("PYTHONPATH", subprocess_environment["PYTHONPATH"])

    def test_they_come_to_what_one_comes_to(self, run, plan, paths, figures):
        done = []
        found = workflows.evaluate(
            plan,
            cache=run.paths.cache,
            n_workers=2,
            on_cell=lambda n, total: done.append((n, total)),
        )
        n_cells = sum(1 for _ in plan.cells())
        assert found.status.state == "finished"
        assert done[-1] == (n_cells, n_cells)
        together = figures(paths, plan)
        for path in paths.cells.iterdir():
            path.unlink()
        workflows.evaluate(plan, cache=run.paths.cache)
        assert figures(paths, plan) == together

    def test_when_all_of_them_fail_the_reason_is_told(
        self, run, plan, paths, data_file, make_dataset, save_npz
    ):
        save_npz(data_file, make_dataset(n_train=63))
        with pytest.raises(
            CoresetError, match=r"every worker has ended .* must be the one the run"
        ):
            workflows.evaluate(plan, cache=run.paths.cache, n_workers=2)
        assert evaluations.evaluation_status(paths, plan).state == "failed"

    @pytest.mark.parametrize("number", ["0", "-1", "257", "two"])
    def test_a_number_that_cannot_be(self, run, number, capsys, tmp_path):
        options = ["--workers", number, "--out", tmp_path / "r.csv", "--cache", run.paths.cache]
        code, _, err = call(["evaluate", run.run_id, *options], capsys)
        assert (code, "--workers" in err.splitlines()[-1]) == (2, True)
        assert "Traceback" not in err
