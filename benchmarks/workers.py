"""What it costs to share a comparison: 200 trainings, six workers, a third of them killed.

Small networks are trained for about a second each, first all by one worker, then by six of which
two are killed with -9 at random moments while others join. Every result must be there once, with
the bytes of the one worker's (but for the time that it took). The ideal is what the processors can
do: trainings take longer where one runs on each processor than where one runs alone (they share
caches, and a core where the system counts its threads), so that both ideals are given. Nothing else
should run meanwhile.

    python benchmarks/workers.py             200 trainings, minutes
    python benchmarks/workers.py --quick     24 trainings of a tenth of a second, to try it out
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measuring import parser, publish, spread

from coreset_lib import workflows
from coreset_lib.configs import TrainingConfig
from coreset_lib.evaluation.evaluate import Evaluator, create_evaluation
from coreset_lib.evaluation.plan import Arm, EvaluationPlan
from coreset_lib.evaluation.results import EvaluationPaths, count_finished
from coreset_lib.leases import Leases
from coreset_lib.runs.store import Run
from coreset_lib.selection import SelectionConfig

WORKERS, KILLED = 6, 2
POLL_SECONDS = 0.1
CLAIMS = 500
SIDE_BY_SIDE = 20  # trainings for each processor


def make_run(cache: Path) -> Run:
    """Train the surrogate whose coresets are compared."""
    config = TrainingConfig(dataset="phantom", model="small_cnn", epochs=3, device="cpu")
    return workflows.train(config, cache=cache)


def make_plan(run: Run, n_trainings: int, epochs: int) -> EvaluationPlan:
    """Return a plan of random coresets only, one for each seed."""
    arm = Arm(
        name="random (proportional)", variants=(SelectionConfig(strategy="random", score=None),)
    )
    return EvaluationPlan(
        run_id=run.run_id,
        arms=(arm,),
        rates=(0.1,),
        n_seeds=n_trainings,
        model="small_cnn",
        epochs=epochs,
        with_full_set=False,
    )


def epochs_for(run: Run, seconds: float) -> int:
    """Return how many epochs of the target take so long."""
    plan = make_plan(run, 2, 10)
    paths = create_evaluation(run.paths.cache, plan)
    Evaluator.open(run, plan, paths).work()
    took = min(record["seconds"] for record in records(paths).values())
    shutil.rmtree(paths.root)
    return max(round(10 * seconds / took), 1)


def records(paths: EvaluationPaths) -> dict[str, Any]:
    """Return what the finished trainings left."""
    return {path.name: json.loads(path.read_bytes()) for path in paths.cells.glob("*.json")}


def start(paths: EvaluationPaths) -> "subprocess.Popen[bytes]":
    """Start a worker on one thread."""
    return subprocess.Popen(
        [sys.executable, "-m", "coreset_lib.jobs.work", str(paths.root)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
    )


def share(paths: EvaluationPaths, plan: EvaluationPlan, chance: random.Random) -> dict[str, Any]:
    """Let six workers do all, kill two of them at random moments, and let two join."""
    cells, kills = list(plan.cells()), sorted(chance.random() for _ in range(KILLED))
    before = os.times()
    began = time.perf_counter()
    workers = [start(paths) for _ in range(WORKERS)]
    while (done := count_finished(paths, cells)) < len(cells):
        if kills and done >= kills[0] * len(cells):
            kills.pop(0)
            victim = chance.choice([w for w in workers if w.poll() is None])
            os.kill(victim.pid, signal.SIGKILL)
            workers.append(start(paths))
        time.sleep(POLL_SECONDS)
    seconds = time.perf_counter() - began
    codes = [worker.wait() for worker in workers]
    after = os.times()
    cpu = (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )
    return {
        "seconds": seconds,
        "processor_seconds": cpu,
        "killed": codes.count(-signal.SIGKILL),
        "failed": sum(code not in (0, -signal.SIGKILL) for code in codes),
    }


def alone(paths: EvaluationPaths) -> dict[str, Any]:
    """Let one worker do all."""
    before, began = os.times(), time.perf_counter()
    code = start(paths).wait()
    after = os.times()
    return {
        "seconds": time.perf_counter() - began,
        "processor_seconds": after.children_user - before.children_user,
        "failed": int(code != 0),
    }


def seconds_side_by_side(run: Run, cache: Path, epochs: int, n_cores: int) -> list[float]:
    """Time trainings of which one runs on each processor; those of starting processes left out."""
    plan = make_plan(run, SIDE_BY_SIDE * n_cores + 1, epochs)
    paths = create_evaluation(cache, plan)
    for worker in [start(paths) for _ in range(n_cores)]:
        worker.wait()
    ended = sorted(paths.cells.glob("*.json"), key=lambda path: path.stat().st_mtime)
    inner = ended[n_cores:-n_cores]
    return [float(json.loads(path.read_bytes())["seconds"]) for path in inner]


def claim_seconds(folder: Path, n_steps: int) -> dict[str, float]:
    """Time taking a lease and giving it back, among those of five others."""
    others = [Leases(folder) for _ in range(WORKERS - 1)]
    for number, leases in enumerate(others):
        leases.take(folder / f"held-{number}.lease")
    mine, seconds = Leases(folder), []
    for number in range(n_steps):
        began = time.perf_counter()
        with mine.taken(f"step-{number}"):
            pass
        seconds.append(time.perf_counter() - began)
    return spread(seconds)


def without_time(found: dict[str, Any]) -> dict[str, Any]:
    """Return results without the seconds that they took."""
    return {name: {k: v for k, v in one.items() if k != "seconds"} for name, one in found.items()}


def measure(arguments: argparse.Namespace, cache: Path) -> dict[str, Any]:
    """Compare six workers with one on the same plan."""
    run = make_run(cache)
    n_trainings = 24 if arguments.quick else 200
    epochs = epochs_for(run, 0.1 if arguments.quick else 1.0)
    plan = make_plan(run, n_trainings, epochs)
    paths = create_evaluation(cache, plan)
    one = alone(paths)
    expected = records(paths)
    shutil.rmtree(paths.cells)
    create_evaluation(cache, plan)
    six = share(paths, plan, random.Random(0))
    found = records(paths)
    training = sum(record["seconds"] for record in expected.values())
    n_cores = len(os.sched_getaffinity(0))
    beside = seconds_side_by_side(run, cache, epochs, n_cores)
    capacity = n_trainings * sum(beside) / len(beside) / n_cores
    claims = claim_seconds(cache / "leases", CLAIMS)
    return {
        "trainings": n_trainings,
        "epochs": epochs,
        "seconds_of_a_training_alone": spread([r["seconds"] for r in expected.values()]),
        "one_worker": one,
        "six_workers": six,
        "results_once": len(found),
        "results_equal": without_time(found) == without_time(expected),
        "seconds_of_a_training_on_each_processor": spread(beside),
        "ideal_seconds": capacity,
        "share_of_ideal": capacity / six["seconds"],
        "ideal_seconds_if_processors_did_not_share": training / n_cores,
        "share_of_ideal_if_processors_did_not_share": training / n_cores / six["seconds"],
        "seconds_of_a_claim": claims,
        "claims_share_of_training": claims["median"] * n_trainings / training,
    }


def main() -> None:
    made = parser(__doc__ or "")
    made.add_argument("--quick", action="store_true", help="a few short trainings")
    arguments = made.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        publish("workers", measure(arguments, Path(folder)), folder=arguments.out)


if __name__ == "__main__":
    main()
