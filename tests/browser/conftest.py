"""A real Chromium and real Streamlit servers for the tests in this folder.

Without Playwright or a Chromium the tests are skipped, except where ``CI=true``: there a
missing browser is a failure, so that a green run means that they ran.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from coreset_lib.review.store import open_reviews

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
SECONDS_TO_START = 60
# A machine that a whole suite keeps busy may stand still for longer than a person would wait.
PATIENCE = 60_000


def _missing(what):
    """Skip, or fail where a browser is promised."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, but CI=true promises a browser.")
    pytest.skip(f"{what}.")


@pytest.fixture(scope="session")
def chromium():
    """One headless Chromium for the whole session."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("Playwright is not installed")
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, BROWSERS)), None)
        path = found or playwright.chromium.executable_path
        if not Path(path).exists():
            _missing("no Chromium was found")
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Add what the page said to the report of a test that failed."""
    report = yield
    page = getattr(item, "funcargs", {}).get("browser_page")
    if call.when == "call" and report.failed and page is not None:
        report.sections.append(("page", _what_it_says(page)))
    return report


def _what_it_says(page):
    """Return address and text of a page, as far as it still answers."""
    try:
        return f"{page.url}\n{page.locator('body').inner_text(timeout=2_000)}"
    except Exception as error:  # whatever is wrong with the page must not hide the test's failure
        return f"The page does not answer: {error}"


@pytest.fixture
def browser_page(chromium):
    """Yield a fresh page, 1440 by 900, light theme.

    The test fails if the page threw an uncaught error or asked for anything outside this
    machine.
    """
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    faults = []
    page.on("pageerror", lambda error: faults.append(f"uncaught: {error}"))
    page.on("request", lambda request: faults.extend(_outbound(request.url)))
    yield page
    context.close()
    assert not faults, faults


def _outbound(url):
    """List the address if it leaves this machine."""
    local = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:")
    return [] if url.startswith(local) else [f"outbound request: {url}"]


@pytest.fixture(scope="module")
def streamlit_server(tmp_path_factory) -> Iterator[Callable[..., str]]:
    """Yield ``start(script_path, env=None) -> url``; all servers stop with the module.

    ``env`` is added to this process's environment. Asking again for the same script and
    environment returns the server that already runs.
    """
    running: dict[tuple, tuple[subprocess.Popen, str]] = {}

    def start(script_path, env=None):
        wanted = (str(script_path), tuple(sorted((env or {}).items())))
        if wanted not in running:
            log = tmp_path_factory.mktemp("streamlit") / "log.txt"
            running[wanted] = _start(script_path, env or {}, log)
        return running[wanted][1]

    yield start
    for process, _ in running.values():
        _stop(process)


def _start(script_path, env, log):
    """Start one server and wait until it is healthy."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    options = {
        "server.port": port,
        "server.address": "127.0.0.1",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
    }
    command = [sys.executable, "-m", "streamlit", "run", str(script_path)]
    command += [f"--{name}={value}" for name, value in options.items()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    _wait_until_healthy(process, url, log)
    return process, url


@pytest.fixture(scope="session")
def app():
    """Path of the dashboard's entry point, for ``streamlit_server``."""
    return ROOT / "dashboard" / "app.py"


@pytest.fixture(scope="session")
def free_port():
    """Return a function that finds a port nothing listens on."""
    return _free_port


@pytest.fixture(scope="session")
def wait_until_healthy():
    """Return ``wait(process, url, log)`` for a server that a test starts itself."""
    return _wait_until_healthy


def _wait_until_healthy(process, url, log):
    """Wait until the server answers; stop it and fail with its log if it does not."""
    deadline = time.monotonic() + SECONDS_TO_START
    while not _is_healthy(url):
        if process.poll() is not None or time.monotonic() > deadline:
            _stop(process)
            pytest.fail(f"the Streamlit server did not start:\n{log.read_text()}")
        time.sleep(0.1)


def _is_healthy(url):
    """Return whether the server answers at its health endpoint, past any proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/_stcore/health", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _stop(process):
    """End a server; force it if it does not leave by itself."""
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port():
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def reviewed_run(tmp_path_factory, make_run, make_dataset, save_npz):
    """A run of sixty samples, whose images can be loaded, and three people."""
    folder = tmp_path_factory.mktemp("review")
    dataset = make_dataset()
    run = make_run(folder / "cache", dataset=dataset)
    manifest = json.loads(run.paths.manifest.read_text())
    manifest["config"]["dataset"] = str(save_npz(folder / "tiny.npz", dataset))
    run.paths.manifest.write_text(json.dumps(manifest))
    features = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    np.save(run.paths.embedding, features)
    with open_reviews(folder / "cache") as store:
        store.grant("ada", "admin", by="ada")
        store.grant("rita", "reader", by="ada")
        store.grant("sam", "second_reader", by="ada")
    return folder / "cache", run
