"""How fast the dashboard answers on large runs, and how much memory they cost the server.

Everything is measured where a person would feel it, in headless Chromium: from the release of
the mouse to the frame that shows the answer, and from opening an address to the page's own
content. Runs are generated (see ``generated_runs``); Streamlit, its settings and the pages are
those of the product. Nothing else should run meanwhile: the browser, the server and this
script share the processor.

    python benchmarks/dashboard_speed.py              50,000 x 200 and 1,000,000 x 200, minutes
    python benchmarks/dashboard_speed.py --quick      2,000 x 60 and 60,000 x 20, to try it out
"""

import argparse
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import measuring
import numpy as np
from generated_runs import Size, write_run
from playwright.sync_api import Browser, Page, sync_playwright

from coreset_lib.runs.store import Run

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
VIEWPORT = {"width": 1440, "height": 900}
PATIENCE = 120_000
# What shows that a page has drawn its own content.
CONTENT = {
    "runs": "text=All runs",
    "trajectories": "[data-testid=ranking-row]",
    "reliability": "[data-testid=stPlotlyChart] .main-svg",
    "map": ".map .points",
    "coreset": "[data-testid=stPlotlyChart] .main-svg",
}
# From the release of the mouse to the first frame after what ``sign`` looks for is there.
CLOCK = """
sign => {
  window.answered = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("no answer within a minute")), 60000);
    const start = () => {
      const released = performance.now();
      const look = () => {
        if (new Function(`return ${sign}`)()) {
          requestAnimationFrame(() => requestAnimationFrame(
            () => resolve(performance.now() - released)));
        } else requestAnimationFrame(look);
      };
      look();
    };
    window.addEventListener("pointerup", start, {capture: true, once: true});
  });
}
"""


class Server:
    """The dashboard as its command starts it, and its memory."""

    def __init__(self, cache: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard" / "app.py")]
        command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
        environment = {**os.environ, "CORESET_LENS_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [*command, "--server.headless", "true"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                opener.open(f"{self.url}/_stcore/health", timeout=2).close()
                return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError("the dashboard did not start")

    def memory(self) -> dict[str, float]:
        """Resident megabytes: all, and without pages of files, which the system can drop."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return {
            "resident_mb": int(fields["VmRSS"].split()[0]) / 1000,
            "anonymous_mb": int(fields["RssAnon"].split()[0]) / 1000,
        }

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait()


@contextmanager
def serving(cache: Path) -> Iterator[Server]:
    server = Server(cache)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def session(browser: Browser) -> Iterator[Page]:
    """A fresh browser session."""
    context = browser.new_context(viewport=VIEWPORT)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    try:
        yield page
    finally:
        context.close()


def open_page(page: Page, server: Server, name: str, run: Run) -> float:
    """Open a page; return seconds until its content is there."""
    started = time.perf_counter()
    address = "" if name == "runs" else name
    page.goto(f"{server.url}/{address}?run={run.run_id}")
    page.locator(CONTENT[name]).first.wait_for()
    return time.perf_counter() - started


def settle(page: Page) -> None:
    """Wait until the script of the page rests."""
    page.wait_for_timeout(300)
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")
    page.wait_for_timeout(700)


def first_paints(browser: Browser, server: Server, run: Run, repeats: int) -> dict[str, Any]:
    """Measure opening every page: in a new browser on a new server, and again in the same.

    Again means a new session of the dashboard, with the browser's and the server's caches.
    """
    results: dict[str, Any] = {}
    for name in CONTENT:
        say(f"first paint of {name}")
        seconds: list[float] = []
        with session(browser) as page:
            for _ in range(repeats + 1):
                seconds.append(open_page(page, server, name, run))
                settle(page)
        results[name] = {"first_s": seconds[0], "again_s": measuring.spread(seconds[1:])}
    return results


def window_releases(browser: Browser, server: Server, run: Run, repeats: int) -> dict[str, Any]:
    """Measure from releasing a dragged window to the ranking of the new windows."""
    say("window release to ranking")
    milliseconds: list[float] = []
    with session(browser) as page:
        open_page(page, server, "trajectories", run)
        settle(page)
        for number in range(repeats + 1):
            milliseconds.append(_drag_window(page, 1 if number % 2 == 0 else -1))
            settle(page)
    return measuring.spread([value / 1000 for value in milliseconds[1:]])


def _drag_window(page: Page, direction: int) -> float:
    """Drag the early window by some epochs; return milliseconds to the answer."""
    window = page.locator(".window.early")
    box = window.locator(".pane").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.7
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + direction * 2.2 * box["width"], y, steps=8)
    label = window.locator(".chip").inner_text().split()[-1].replace("–", "-")
    start_clock(page, _sign_of(f"windows {label} and"))
    page.mouse.up()
    return float(page.evaluate("window.answered"))


def start_clock(page: Page, sign: str) -> None:
    """Let the clock start with the next release and stop with the sign, which is not there yet."""
    if page.evaluate(f"Boolean({sign})"):
        raise RuntimeError("the answer was there before the question")
    page.evaluate(CLOCK, sign)


def _sign_of(text: str) -> str:
    """Script that is true once something on the page is described by this text."""
    return f"document.querySelector(`[aria-label*='{text}'], [alt*='{text}']`)"


def lassos(browser: Browser, server: Server, run: Run, repeats: int) -> dict[str, Any]:
    """Measure from the end of a lasso to the number of selected samples on screen."""
    say("lasso on the large run")
    seconds: list[float] = []
    with session(browser) as page:
        open_page(page, server, "map", run)
        settle(page)
        page.wait_for_timeout(4000)  # the lasso's loop is compiled once the page has been drawn
        for number in range(repeats + 1):
            seconds.append(_draw_lasso(page, 0.24 + 0.02 * (number % 3)) / 1000)
            settle(page)
    return measuring.spread(seconds[1:])


def _draw_lasso(page: Page, radius: float) -> float:
    """Draw a lasso of about 200 corners around the middle; return milliseconds to the answer."""
    box = page.locator(".surface").bounding_box()
    assert box is not None
    before = page.locator(".chosen").inner_text()
    for corner in range(200):
        angle = 2 * math.pi * corner / 200
        wave = radius * (1 + 0.1 * math.sin(9 * angle)) * box["height"]
        x = box["x"] + box["width"] / 2 + wave * math.cos(angle)
        y = box["y"] + box["height"] / 2 + wave * math.sin(angle)
        page.mouse.move(x, y)
        if corner == 0:
            page.mouse.down()
    sign = f"({_DEEP})('.chosen') !== {before!r}"
    start_clock(page, sign)
    page.mouse.up()
    return float(page.evaluate("window.answered"))


# Text of the first element that fits, also inside the components' shadow roots.
_DEEP = """(selector => {
  const find = root => {
    const here = root.querySelector(selector);
    if (here) return here;
    for (const node of root.querySelectorAll('*')) {
      const found = node.shadowRoot && find(node.shadowRoot);
      if (found) return found;
    }
    return null;
  };
  window.found ??= {};
  if (!window.found[selector]?.isConnected) window.found[selector] = find(document);
  return window.found[selector]?.textContent;
})"""


def lasso_alone(run: Run, repeats: int) -> dict[str, Any]:
    """Measure the test of the points alone, without browser."""
    from dashboard.map.lasso import inside_polygon, warm_up

    places = np.array(run.umap())
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    radii = 0.5 * np.ptp(places, axis=0).min() * (1 + 0.1 * np.sin(9 * angles))
    middle = places.mean(axis=0)
    corners = middle + radii[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    warm_up()
    return measuring.spread(timed(lambda: inside_polygon(places, corners), repeats))


def say(text: str) -> None:
    """Tell what is being measured; the results alone go to the output."""
    sys.stderr.write(f"{text}…\n")


def timed(work: Callable[[], Any], repeats: int) -> list[float]:
    """Return the seconds of repeated work, after one run that does not count."""
    seconds: list[float] = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


def memory_of_opening(browser: Browser, cache: Path, small: Run, large: Run) -> dict[str, Any]:
    """Measure the server's memory before and after each page of a large run is opened.

    Before, the same pages of a small run are opened, so that code and libraries are there.
    """
    results: dict[str, Any] = {}
    with serving(cache) as server:
        for name in CONTENT:
            with session(browser) as page:
                open_page(page, server, name, small)
                settle(page)
        before = server.memory()
        results["before"] = before
        for name in CONTENT:
            say(f"memory after {name}")
            with session(browser) as page:
                open_page(page, server, name, large)
                settle(page)
                now = server.memory()
            results[f"added_after_{name}"] = {k: now[k] - before[k] for k in now}
    return results


def main() -> None:
    arguments = _arguments()
    folder = arguments.cache or Path(tempfile.mkdtemp(prefix="coreset-lens-benchmark-"))
    screen = Size(*((2_000, 60) if arguments.quick else (50_000, 200)), side=28)
    large = Size(*((60_000, 20) if arguments.quick else (1_000_000, 200)))
    repeats = arguments.repeats
    try:
        say(f"writing runs to {folder}")
        tiny_run = write_run(folder, Size(500, 10, 28))
        large_run = write_run(folder, large)
        screen_run = write_run(folder, screen)
        with sync_playwright() as playwright:
            path = next(filter(None, map(shutil.which, BROWSERS)), None)
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            with serving(folder) as server:
                results = {
                    "compared_with": "targets: 0.15 s, 0.5 s, 2 s and 400 MB",
                    "screen_size": str(screen),
                    "large_size": str(large),
                    "first_paint": first_paints(browser, server, screen_run, repeats),
                    "window_release_to_ranking_s": window_releases(
                        browser, server, screen_run, 3 * repeats
                    ),
                    "lasso_on_large_run_s": lassos(browser, server, large_run, repeats),
                }
            results["lasso_test_alone_s"] = lasso_alone(large_run, repeats)
            results["memory"] = memory_of_opening(browser, folder, tiny_run, large_run)
            browser.close()
    finally:
        if arguments.cache is None:
            shutil.rmtree(folder, ignore_errors=True)
    measuring.publish("dashboard", results, folder=arguments.out)


def _arguments() -> argparse.Namespace:
    parser = measuring.parser("Measure the dashboard on generated runs")
    parser.add_argument("--quick", action="store_true", help="small runs, to try it out")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each kind")
    parser.add_argument("--cache", type=Path, help="where to write the runs; kept afterwards")
    return parser.parse_args()


if __name__ == "__main__":
    main()
