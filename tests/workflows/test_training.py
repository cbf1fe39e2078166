"""Use cases of training: prepared, trained here, stopped, resumed, averaged, by one call each."""

import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from coreset_lib import workflows
from coreset_lib.errors import CoresetError
from coreset_lib.jobs.processes import local
from coreset_lib.jobs.slurm import executor as slurm
from coreset_lib.jobs.slurm.options import SlurmOptions
from coreset_lib.workflows import Place, Watch

pytestmark = pytest.mark.usefixtures("without_umap", "one_thread")


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def config(tmp_path, tiny_config, make_dataset, save_npz):
    file = save_npz(tmp_path / "tiny.npz", make_dataset())
    return replace(tiny_config, dataset=str(file), epochs=2)


@pytest.fixture
def started(monkeypatch):
    """What would be started, by a process or by Slurm, with how many processes."""
    calls = []
    monkeypatch.setattr(
        local, "start", lambda paths, processes=None: calls.append((paths.root.name, processes))
    )
    monkeypatch.setattr(
        slurm, "submit", lambda runs, options: calls.append((runs[0].root.name, options))
    )
    return calls


def test_a_training_here_tells_who_watches(cache, config):
    told = []
    watch = Watch(
        on_start=lambda status: told.append(status.state),
        on_epoch=lambda metrics: told.append(metrics.epoch),
    )
    run = workflows.train(config, cache=cache, watch=watch)
    assert told == ["queued", 1, 2]
    assert run.status().state == "finished"
    assert workflows.find_run("latest", cache=cache).run_id == run.run_id


def test_a_training_here_gives_ctrl_c_back_and_may_run_in_another_thread(cache, config):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    workflows.train(config, cache=cache)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    with ThreadPoolExecutor(max_workers=1) as pool:
        run = pool.submit(workflows.train, config, cache=cache).result()
    assert run.status().state == "finished"
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_prepared_run_waits_and_is_trained_where_somebody_resumes_it(cache, config):
    run = workflows.prepare(config, cache=cache)
    assert (run.status().state, run.status().epoch) == ("stopped", 0)
    status = workflows.resume(run, here=True)
    assert (status.state, status.epoch) == ("finished", 2)
    with pytest.raises(CoresetError, match="must be unfinished to be resumed"):
        workflows.resume(run, here=True)


def test_a_start_goes_to_the_place_that_is_asked_for(cache, config, started):
    here = workflows.start(config, cache=cache)
    two = workflows.start(config, cache=cache, place=Place(processes=2))
    options = SlurmOptions(partition="gpu")
    away = workflows.start(config, cache=cache, place=Place(executor="slurm", slurm=options))
    assert started == [(here.run_id, None), (two.run_id, 2), (away.run_id, options)]


def test_a_resumed_run_goes_where_it_was_before(cache, config, started):
    run = workflows.prepare(config, cache=cache)
    workflows.resume(run)
    run.paths.slurm_job.write_text("{}")
    workflows.resume(run)
    assert started == [(run.run_id, None), (run.run_id, SlurmOptions())]


def test_nothing_is_made_where_the_place_lacks_the_device(cache, config):
    with pytest.raises(CoresetError, match="needs a GPU, got a job without"):
        workflows.start(replace(config, device="cuda"), cache=cache, place=Place(executor="slurm"))
    with pytest.raises(CoresetError, match="must be the number of GPUs, 2, got 3"):
        Place(gpus=2, processes=3)
    assert not list(cache.glob("runs/*"))


def test_too_small_a_batch_for_the_processes_is_refused_before_anything_is_made(cache, config):
    with pytest.raises(CoresetError, match="batch size must be at least"):
        workflows.start(replace(config, batch_size=4), cache=cache, place=Place(processes=3))
    assert not list(cache.glob("runs/*"))


def test_two_seeds_are_averaged_to_a_run_like_any_other(cache, make_run):
    members = [make_run(cache, seed=seed) for seed in (0, 1)]
    average = workflows.average(members, cache=cache)
    assert average.manifest.members == tuple(run.run_id for run in members)
    first = workflows.export_scores(average, "aum")
    assert first.csv == workflows.export_scores(average, "aum", dynamics=average.dynamics()).csv
