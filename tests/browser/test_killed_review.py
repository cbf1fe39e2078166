"""The server is killed in the middle of a review: no decision is lost, none counts twice."""

import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.store import open_reviews

pytestmark = pytest.mark.browser

COMMAND = (sys.executable, "-c", "from coreset_lib.cli import main; main()")
PATIENCE_SECONDS = 120
N_BEFORE, N_AT_ONCE = 12, 18
PRESS = """keys => {
  for (const key of keys)
    document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true }));
}"""


@pytest.fixture
def serve(reviewed_run, tmp_path, subprocess_environment, free_port, wait_until_healthy):
    """Return a context in which the dashboard runs, always at the same address."""
    port, log = free_port(), tmp_path / "log.txt"
    url = f"http://127.0.0.1:{port}"

    @contextmanager
    def serve():
        options = ["--no-browser", "--no-token", "--port", str(port)]
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*COMMAND, "dashboard", *options, "--cache", str(reviewed_run[0])],
                env=subprocess_environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until_healthy(process, url, log)
            yield process, url
        finally:
            process.kill()
            process.wait()

    return serve


def events_of(reviewed_run):
    cache, run = reviewed_run
    with open_reviews(cache) as store:
        return store.events(run.manifest.dataset.fingerprint)


def name_of_sample(page):
    return page.locator(".desk .head .name").inner_text()


def test_a_killed_server_loses_no_decision(serve, browser_page, reviewed_run):
    page, said = browser_page, {}
    classes = ReviewedDataset.of_run(reviewed_run[1]).class_names
    with serve() as (process, url):
        page.goto(f"{url}/review?reader=rita")
        page.locator(".desk .view img").wait_for()
        for number in range(N_BEFORE):
            said[name_of_sample(page)] = classes[number % 3]
            page.keyboard.press(str(number % 3 + 1))
            page.locator(f'.desk[data-place="{number + 1}"]').wait_for()
        page.locator('.desk[data-pending="0"]').wait_for()
        assert len(events_of(reviewed_run)) == N_BEFORE
        # As fast as a person who does not look: the server dies while these are on their way.
        page.evaluate(PRESS, ["3"] * N_AT_ONCE)
        process.kill()
        process.wait()
        page.locator(f'.desk[data-place="{N_BEFORE + N_AT_ONCE}"]').wait_for()
    with serve() as (_, url):
        page.goto(f"{url}/review?reader=rita")
        page.locator(".desk .view img").wait_for()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(events_of(reviewed_run)) < N_BEFORE + N_AT_ONCE:
            assert time.monotonic() < deadline, "decisions were lost"
            time.sleep(0.2)
        page.locator('.desk[data-pending="0"]').wait_for()
        events = events_of(reviewed_run)
    assert len(events) == N_BEFORE + N_AT_ONCE
    assert len({event.sample_id for event in events}) == N_BEFORE + N_AT_ONCE
    assert {e.sample_id: e.new_label for e in events[:N_BEFORE]} == said
    assert {event.new_label for event in events[N_BEFORE:]} == {classes[2]}
