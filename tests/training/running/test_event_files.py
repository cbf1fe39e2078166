"""TensorBoard's event files: written where they were asked for, in order after a resumption."""

import sys
from dataclasses import replace

import pytest

from coreset_lib import cli
from coreset_lib.errors import CoresetError
from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run
from coreset_lib.runs.tensorboard import request_event_files
from coreset_lib.training.running.stopping import Stop
from coreset_lib.training.running.worker import train_run

pytestmark = [
    pytest.mark.usefixtures("without_umap", "one_thread"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of tensorboard's own making
]


def test_every_epoch_is_in_the_event_files_once_also_after_a_resumption(
    tmp_path, tiny_config, tiny_dataset
):
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = Run(create_run(tmp_path, replace(tiny_config, epochs=4), tiny_dataset))
    request_event_files(run.paths)
    stop = Stop()
    for until in (2, 4):
        stop.clear()
        train_run(
            run.paths,
            dataset=tiny_dataset,
            stop=stop,
            on_epoch=lambda metrics, last=until: stop.set() if metrics.epoch == last else None,
        )
        if until == 2:
            assert run.status().state == "stopped"
    events = EventAccumulator(str(run.paths.tensorboard))
    events.Reload()
    losses = events.Scalars("loss/train")
    assert [event.step for event in losses] == [1, 2, 3, 4]
    written = [record["train_loss"] for record in run.metrics()]
    assert [event.value for event in losses] == pytest.approx(written)
    assert "auc/validation" not in events.Tags()["scalars"]


def test_nothing_is_written_unless_asked_for(trained_run):
    assert not trained_run.paths.tensorboard.exists()


def test_without_the_package_it_is_one_sentence_and_nothing_is_created(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    command = ["train", "--dataset", "phantom", "--tensorboard", "--cache", str(tmp_path)]
    assert cli._run(command) == 2
    assert "pip install 'coreset-lens[tensorboard]'" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_node_without_the_package_trains_and_says_so_in_the_log(
    tmp_path, tiny_config, tiny_dataset, monkeypatch, caplog
):
    paths = create_run(tmp_path, replace(tiny_config, epochs=1), tiny_dataset)
    paths.tensorboard.mkdir()
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(CoresetError, match="which is not installed"):
        request_event_files(paths)
    assert train_run(paths, dataset=tiny_dataset).state == "finished"
    assert "which is not installed" in caplog.text
