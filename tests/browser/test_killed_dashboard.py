"""The dashboard's server is killed while a training that it started runs: nothing is lost."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from coreset_lib.runs.store import RunStore

pytestmark = pytest.mark.browser

COMMAND = (sys.executable, "-c", "from coreset_lib.cli import main; main()")
EPOCHS = 150
PATIENCE_SECONDS = 200


@pytest.fixture
def server(tmp_path, make_dataset, save_npz, subprocess_environment, free_port, wait_until_healthy):
    """The dashboard as a person starts it, with a folder of images: process, address, folder."""
    folder, port = tmp_path / "images", free_port()
    folder.mkdir()
    save_npz(folder / "tiny.npz", make_dataset(n_train=60))
    options = ["--no-browser", "--no-token", "--port", str(port), "--data-root", str(folder)]
    log = tmp_path / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, "dashboard", *options, "--cache", str(tmp_path / "cache")],
            env=subprocess_environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    wait_until_healthy(process, url, log)
    yield process, url, folder
    process.kill()
    process.wait()
    for run in RunStore(tmp_path / "cache").runs():
        if run.status().state in ("queued", "running"):
            os.kill(run.status().pid, signal.SIGKILL)


def start_training(page, url, folder):
    """Start a training by hand: folder, network, epochs, one click."""
    from playwright.sync_api import expect

    page.goto(url)
    page.get_by_text("Start a new run").first.click()
    field = page.get_by_role("textbox", name="Folder with dataset files")
    field.fill(str(folder))
    field.press("Enter")
    choose(page, "Dataset", "tiny")
    choose(page, "Network", "Small CNN")
    page.wait_for_timeout(500)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    epochs = page.get_by_role("spinbutton", name="Epochs")
    expect(epochs).to_have_value("200")  # the suggestion for so few images
    epochs.fill(str(EPOCHS))
    epochs.press("Tab")
    page.get_by_role("button", name="Start training").click()


def _late():
    """The error of a browser that waits in vain."""
    from playwright.sync_api import TimeoutError as TooLateError

    return TooLateError


def choose(page, label, option):
    """Choose from a list; a list that was drawn anew meanwhile is opened again."""
    wanted = page.get_by_role("option", name=option).first
    for _ in range(10):
        page.get_by_role("combobox", name=label).click()
        with contextlib.suppress(_late()):
            wanted.click(timeout=2000)
            return
        page.keyboard.press("Escape")
    pytest.fail(f"{option} is not offered as {label}")


def wait_for(run, is_reached):
    """Wait until the run's status is as wanted, and return it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_reached(run.status()):
        assert time.monotonic() < deadline, (run.status(), run.log_tail(20))
        time.sleep(0.05)
    return run.status()


def the_run(store):
    """Wait for the run that was started."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not store.runs():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return store.runs()[0]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_a_training_outlives_the_server_that_started_it(server, browser_page, tmp_path, signum):
    process, url, folder = server
    start_training(browser_page, url, folder)
    run = the_run(RunStore(tmp_path / "cache"))
    before = wait_for(run, lambda status: status.epoch >= 1)
    assert before.state == "running"
    process.send_signal(signum)
    process.wait(timeout=PATIENCE_SECONDS)
    wait_for(run, lambda status: status.epoch > before.epoch)
    after = run.status()
    assert after.state in ("running", "finished")
    assert after.pid == before.pid != process.pid
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=2)
    status = wait_for(run, lambda status: status.state not in ("queued", "running"))
    assert (status.state, status.epoch) == ("finished", EPOCHS), run.log_tail(20)
    assert run.dynamics().n_epochs == EPOCHS
