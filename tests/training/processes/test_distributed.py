"""Two processes that train one run together: nothing lost or doubled, the same files, resumable."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from coreset_lib.datasets import load_dataset
from coreset_lib.errors import CoresetError
from coreset_lib.recording.recorder import DynamicsRecorder
from coreset_lib.runs.create import create_run
from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import Run
from coreset_lib.training.loop import epoch_batches
from coreset_lib.training.processes import launch as companions_module
from coreset_lib.training.processes.distributed import check_devices, check_gpus, device_of
from coreset_lib.training.processes.launch import launched_ranks
from coreset_lib.training.processes.ranks import Ranks, check_shares, meeting_point, ranks_of
from coreset_lib.training.running.failures import partner_reason
from coreset_lib.training.running.stopping import Stop
from coreset_lib.training.running.worker import train_run

pytestmark = pytest.mark.usefixtures("without_umap", "one_thread")
PATIENCE_SECONDS = 240

# Trains in each process and keeps what this process saw and found, for several sizes; then
# does what ``torchrun -m coreset_lib.training RUN_DIR`` does.
SCRIPT = """
import os, sys
import numpy as np, torch, torch.distributed
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from coreset_lib.configs import TrainingConfig
from coreset_lib.training.__main__ import main
from coreset_lib.training.device import ResidentSplit
from coreset_lib.training.processes.distributed import DistributedTrainer, connected
from coreset_lib.training.loop import Trainer
from coreset_lib.training.networks.registry import build_network
from coreset_lib.training.vog import GradientVarianceRecorder
from coreset_lib.training.processes.ranks import ranks_of

spec = spec_from_file_location("fixtures", sys.argv[1])
fixtures = module_from_spec(spec)
spec.loader.exec_module(fixtures)
out, cpu = Path(sys.argv[2]), torch.device("cpu")
# What both parts of this script leave where they meet must not be mixed up.
agent = torch.distributed.TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]),
    is_master=False)
ranks = replace(ranks_of(os.environ), store=torch.distributed.PrefixStore("first", agent))
torch.set_num_threads(1)
with connected(ranks, cpu) as group:
    for n, recording in ((61, "minibatch"), (60, "minibatch"), (61, "eval_pass"), (5, "minibatch")):
        dataset = fixtures.build_dataset(n_train=n)
        config = TrainingConfig(dataset="tiny", model="small_cnn", epochs=6, batch_size=16,
            learning_rate=0.05, device="cpu", recording=recording, augmentation="shift",
            class_weighted_loss=True)
        network = build_network("small_cnn", n_classes=3, n_channels=1, image_size=12, seed=0)
        train, val = (ResidentSplit.place(s, cpu) for s in (dataset.train, dataset.val))
        recorder = GradientVarianceRecorder(network, train.labels, 3, keep_probabilities=True)
        trainer = DistributedTrainer.of(
            Trainer.prepare(network, config, train, val, recorder=recorder), group)
        seen, record = [], recorder.record
        recorder.record = lambda i, l: (seen.append(i.numpy().copy()), record(i, l))
        rows, figures = [], []
        for metrics in trainer.epochs():
            figures.append([metrics.train_loss, metrics.train_accuracy,
                metrics.val_loss, metrics.val_accuracy])
            rows.append(recorder.finish_epoch() if ranks.is_leader else None)
        planes = {} if rows[0] is None else {k: np.stack([r[k] for r in rows]) for k in rows[0]}
        weights = torch.cat([v.flatten().float() for v in network.state_dict().values()])
        np.savez(out / f"{n}-{recording}-{ranks.rank}.npz", seen=np.concatenate(seen),
            figures=figures, weights=weights.numpy(), **planes)
sys.exit(main([sys.argv[3]]))
"""


def run_two(arguments, environment, tmp_path):
    """Start two processes as torchrun does and return how torchrun ended."""
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", *arguments],
        env={**environment, "GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Environment of processes that find this checkout and no UMAP, as in the shared fixture."""
    blocked = tmp_path_factory.mktemp("blocked")
    (blocked / "umap.py").write_text("raise ImportError('blocked', name='umap')\n")
    search_path = os.pathsep.join([str(blocked), str(Path(__file__).parents[3])])
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": search_path}


@pytest.fixture(scope="module")
def folder_of_two(tmp_path_factory, environment, startable):
    """Folder of what two processes saw and found, and the run that they have trained."""
    folder, (run, _) = tmp_path_factory.mktemp("two"), startable()
    script = folder / "script.py"
    script.write_text(SCRIPT)
    fixtures = str(Path(__file__).parents[2] / "conftest.py")
    run_two([str(script), fixtures, str(folder), str(run.paths.root)], environment, folder)
    return folder, run


@pytest.fixture(scope="module")
def trained_by_two(folder_of_two):
    """What two processes saw and found, by (samples, recording, rank)."""
    folder, found = folder_of_two[0], {}
    for path in folder.glob("*.npz"):
        n, recording, rank = path.stem.split("-")
        with np.load(path) as arrays:
            found[int(n), recording, int(rank)] = dict(arrays)
    return found


CASES = [(61, "minibatch"), (60, "minibatch"), (61, "eval_pass"), (5, "minibatch")]


@pytest.mark.parametrize(("n", "recording"), CASES)
class TestTwoProcesses:
    def test_no_sample_is_lost_or_doubled(self, trained_by_two, n, recording):
        shares = [trained_by_two[n, recording, rank]["seen"].reshape(6, -1) for rank in (0, 1)]
        assert abs(shares[0].shape[1] - shares[1].shape[1]) <= 1 + n // 16
        for epoch in range(6):
            together = np.sort(np.concatenate([share[epoch] for share in shares]))
            assert together.tolist() == list(range(n))

    def test_every_cell_of_every_plane_is_recorded(self, trained_by_two, n, recording):
        planes = trained_by_two[n, recording, 0]
        for name in ("error_norm", "label_probability", "margin", "entropy"):
            assert planes[name].shape == (6, n)
            assert np.isfinite(planes[name]).all()
        assert planes["probabilities"].shape == (6, n, 3)
        assert (planes["prediction"] < 3).all()
        assert np.isnan(planes["vog"][:4]).all()
        assert np.isfinite(planes["vog"][4:]).all()

    def test_all_processes_have_the_same_figures_and_weights(self, trained_by_two, n, recording):
        ours, theirs = (trained_by_two[n, recording, rank] for rank in (0, 1))
        assert np.array_equal(ours["figures"], theirs["figures"])
        assert np.array_equal(ours["weights"], theirs["weights"])


@pytest.fixture(scope="module")
def startable(tmp_path_factory, tiny_config, make_dataset, save_npz):
    """Return a factory of runs on a file of 121 samples, which other processes can train."""
    folder = tmp_path_factory.mktemp("runs")
    file = save_npz(folder / "tiny.npz", make_dataset(n_train=121))
    dataset = load_dataset(str(file))

    def make(**options):
        config = replace(tiny_config, dataset=str(file), **options)
        return Run(create_run(folder, config, dataset)), dataset

    return make


@pytest.fixture(scope="module")
def by_torchrun(folder_of_two):
    """A run that two processes of torchrun have trained."""
    return Run(folder_of_two[1].paths)


def test_two_processes_write_what_one_writes(by_torchrun, startable):
    alone, dataset = startable()
    train_run(alone.paths, dataset=dataset)
    ours, theirs = by_torchrun.dynamics(), alone.dynamics()
    for name in by_torchrun.manifest.planes:
        assert ours.plane(name).shape == theirs.plane(name).shape
        assert ours.plane(name).dtype == theirs.plane(name).dtype
    error = [dynamics.plane("error_norm")[:] for dynamics in (ours, theirs)]
    assert np.isfinite(error[0]).all()
    assert np.abs(error[0].mean(axis=1) - error[1].mean(axis=1)).max() < 0.2
    assert np.abs(error[0][0] - error[1][0]).mean() < 0.35  # the same weights, the same order
    files = [sorted(p.name for p in r.paths.root.iterdir()) for r in (by_torchrun, alone)]
    assert files[0] == files[1]
    manifests = [
        replace(run.manifest, run_id="", created="", device="", git_commit="")
        for run in (by_torchrun, alone)
    ]
    assert manifests[0] == manifests[1]
    assert by_torchrun.status().device.startswith("2 × cpu")
    assert (by_torchrun.status().state, by_torchrun.status().processes) == ("finished", 2)


def test_a_run_of_two_processes_that_was_stopped_resumes_to_the_same_bits(
    by_torchrun, startable, environment, monkeypatch
):
    run, dataset = startable()
    stop = Stop()
    monkeypatch.setenv("PYTHONPATH", environment["PYTHONPATH"])
    with launched_ranks(run.paths, 2) as ranks:
        status = train_run(
            run.paths,
            dataset=dataset,
            stop=stop,
            ranks=ranks,
            on_epoch=lambda metrics: stop.set() if metrics.epoch == 3 else None,
        )
    assert (status.state, status.epoch, status.processes) == ("stopped", 3, 2)
    with launched_ranks(run.paths, 2) as ranks:
        train_run(run.paths, dataset=dataset, ranks=ranks)
    assert Run(run.paths).status().state == "finished"
    for name in run.manifest.planes:
        ours, theirs = (r.paths.plane(name).read_bytes() for r in (run, by_torchrun))
        assert ours == theirs, name


def test_two_processes_compute_in_the_precision_that_was_asked_for(
    by_torchrun, startable, environment, monkeypatch
):
    run, dataset = startable(precision="bfloat16")
    monkeypatch.setenv("PYTHONPATH", environment["PYTHONPATH"])
    with launched_ranks(run.paths, 2) as ranks:
        train_run(run.paths, dataset=dataset, ranks=ranks)
    plain, mixed = (r.dynamics().plane("error_norm")[:] for r in (by_torchrun, Run(run.paths)))
    # Each half of the first batch comes from another process; bfloat16 has 8 bits.
    differences = np.abs(plain[0] - mixed[0])
    first = epoch_batches(len(dataset.train), 16, seed=0, epoch=0, least=4)[0].numpy()
    assert (differences[first] < 0.05).all()
    assert (differences[first[0::2]] > 0).any()
    assert (differences[first[1::2]] > 0).any()


@pytest.mark.parametrize("n", range(4, 40))
def test_the_shares_of_a_batch_have_two_samples_at_least(n):
    for n_processes in (2, 3):
        if n < 2 * n_processes:
            continue
        batches = epoch_batches(n, 8, seed=0, epoch=0, least=2 * n_processes)
        shares = [batch[rank::n_processes] for batch in batches for rank in range(n_processes)]
        assert min(map(len, shares)) >= 2
        assert torch.cat(shares).sort().values.tolist() == list(range(n))


def test_a_sample_that_two_processes_recorded_is_an_error():
    recorder = DynamicsRecorder(torch.zeros(3, dtype=torch.int64), 2, keep_probabilities=False)
    recorder.record(torch.arange(3), torch.ones(3, 2))
    with pytest.raises(CoresetError, match="recorded once an epoch, got 3 twice"):
        recorder.combine(lambda values: values.mul_(2))


def test_a_sample_that_nobody_recorded_stays_unrecorded():
    recorder = DynamicsRecorder(torch.zeros(3, dtype=torch.int64), 2, keep_probabilities=False)
    recorder.record(torch.tensor([0, 2]), torch.ones(2, 2))
    recorder.combine(lambda _: None)
    assert np.isnan(recorder.finish_epoch()["error_norm"]).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("environment", "ranks"),
    [
        ({}, Ranks()),
        ({"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "0"}, Ranks(rank=1, world_size=4)),
        ({"SLURM_PROCID": "3", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "7"}, Ranks()),
        (
            {
                **{"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4"},
                **{"SLURM_PROCID": "3", "SLURM_LOCALID": "1"},
            },
            Ranks(rank=3, world_size=4, local_rank=1),
        ),
    ],
)
def test_a_process_knows_its_number_from_its_launcher(environment, ranks):
    assert ranks_of(environment) == ranks


def test_contradicting_variables_of_a_launcher_are_named():
    with pytest.raises(CoresetError, match="got RANK=4, WORLD_SIZE=4, LOCAL_RANK=0"):
        ranks_of({"RANK": "4", "WORLD_SIZE": "4", "LOCAL_RANK": "0"})


def test_tasks_of_slurm_meet_where_srun_was_called_unless_told_otherwise():
    slurm = {"SLURM_LAUNCH_NODE_IPADDR": "10.0.0.7", "SLURM_JOB_ID": "12"}
    assert meeting_point(slurm) == {"MASTER_ADDR": "10.0.0.7", "MASTER_PORT": "20012"}
    assert meeting_point({**slurm, "MASTER_ADDR": "node3"})["MASTER_ADDR"] == "node3"


@pytest.mark.parametrize(
    ("changes", "n_samples", "message"),
    [
        ({"batch_size": 5}, 100, "batch size must be at least 6 for 3 processes, two for each"),
        ({}, 5, "training samples must be at least 6 for 3 processes, two for each, got 5"),
    ],
)
def test_too_little_for_each_process_is_one_sentence(tiny_config, changes, n_samples, message):
    with pytest.raises(CoresetError, match=message):
        check_shares(replace(tiny_config, **changes), n_samples, 3)


def test_devices_that_are_not_there_are_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(CoresetError, match="GPUs must be at most the 1 of this machine"):
        check_gpus(2)
    with pytest.raises(CoresetError, match="must be auto or cuda where GPUs are asked for"):
        check_devices("cpu", gpus=1, processes=1)
    with pytest.raises(CoresetError, match="must be auto, cuda or cpu where 2 processes"):
        device_of("cuda:0", Ranks(world_size=2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--gpus", "50"], "GPUs must be at most the"),
        (["--processes", "2", "--device", "tpu"], "device must be auto, cpu, cuda"),
        (["--processes", "65"], "processes must be from 1 to 64, got 65"),
        (["--gpus", "1", "--processes", "2"], "must be the number of GPUs, 1, got 2"),
    ],
)
def test_the_command_refuses_what_the_machine_has_not(
    options, message, tmp_path, monkeypatch, capsys
):
    from coreset_lib import cli

    command = ["train", "--dataset", "phantom", "--cache", str(tmp_path), *options]
    assert cli._run(command) == 2
    stderr = capsys.readouterr().err
    assert message in stderr
    assert len(stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_lost_process_ends_the_training_with_its_reason(tmp_path, make_run, monkeypatch):
    run = make_run(tmp_path, recorded=2, state="queued")
    write_status(run.paths, replace(run.status(), state="running", processes=2))
    run.paths.partner_error.write_text("The memory of the device ran out.")
    ends = []
    monkeypatch.setattr(companions_module, "GRACE_SECONDS", 0.0)
    monkeypatch.setattr(companions_module, "POLL_SECONDS", 0.01)

    class Exit(BaseException):
        pass

    def leave(code):
        ends.append(code)
        raise Exit

    monkeypatch.setattr(os, "_exit", leave)
    child = subprocess.Popen([sys.executable, "-S", "-c", "raise SystemExit(3)"])
    child.wait()
    with pytest.raises(Exit):
        companions_module._watch(run.paths, [child], companions_module.threading.Event())
    assert ends == [1]
    status = json.loads(run.paths.status.read_text())
    assert (status["state"], status["epoch"]) == ("failed", 2)
    assert status["error"] == "The memory of the device ran out."


def test_a_process_lost_without_a_word_is_told_too(tmp_path, make_run):
    assert partner_reason(make_run(tmp_path).paths, 2).startswith("One of the 2 training processes")
