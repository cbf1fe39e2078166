"""How well the ranking follows while a window is dragged, and what that costs.

In headless Chromium, at 1440 x 900: a window is dragged over 60 positions, one mouse move in
each frame. Counted are the frames with a new ranking, the time that the page's script and the
worker take, the bytes that were sent, and the memory of page and worker. After the release it
is measured how long the server takes to agree. The former way of working, where the ranking
follows after the release only, is measured with the same drag on the same run: that is the
page started without our routes.

Nothing else should run meanwhile: browser, server and this script share the processor; the
load at the start is written down with the results.

    python benchmarks/live_windows.py              50,000 x 200 and 1,000,000 x 200, minutes
    python benchmarks/live_windows.py --quick      5,000 x 60, to try it out
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import measuring
from generated_runs import Size, write_run
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--enable-precise-memory-info",
]
VIEWPORT = {"width": 1440, "height": 900}
PATIENCE = 180_000
POSITIONS = 60
# Moves the mouse by one epoch in every frame, from within the page, and notes what follows.
DRAG = """
([step, positions]) => new Promise((resolve) => {
  const find = (node) => node.querySelector(".instrument") ?? [...node.querySelectorAll("*")]
    .map((each) => each.shadowRoot && find(each.shadowRoot)).find(Boolean);
  const root = find(document);
  const pane = root.querySelector(".window.early");
  const box = pane.getBoundingClientRect();
  const at = { x: box.x + box.width / 2, y: box.y + box.height * 0.7 };
  const fire = (kind, x) => pane.dispatchEvent(new PointerEvent(kind, {
    bubbles: true, composed: true, pointerId: 1, button: 0, clientX: x, clientY: at.y }));
  pane.setPointerCapture = () => undefined;
  const noted = { frames: [], rankings: 0, worker: [], script: [] };
  new MutationObserver(() => {
    noted.rankings += 1;
    noted.worker.push(Number(root.dataset.milliseconds));
  }).observe(root, { attributeFilter: ["data-windows"] });
  fire("pointerdown", at.x);
  const started = performance.now();
  let k = 0;
  const frame = (now) => {
    noted.frames.push(now);
    if (++k > positions) {
      noted.seconds = (performance.now() - started) / 1000;
      setTimeout(() => {
        noted.windows = root.dataset.windows ?? "";
        window.released = performance.now();
        fire("pointerup", at.x + positions * step);
        resolve(noted);
      }, 250);
      return;
    }
    const before = performance.now();
    fire("pointermove", at.x + k * step);
    noted.script.push(performance.now() - before);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})
"""
LONG_TASKS = """
() => {
  window.tasks = [];
  const listen = (list) => window.tasks.push(...list.getEntries().map((e) => e.duration));
  new PerformanceObserver(listen).observe({ type: "long-animation-frame" });
}
"""
FIRST_ROW = """
() => {
  const find = (node) => node.querySelector(".instrument") ?? [...node.querySelectorAll("*")]
    .map((each) => each.shadowRoot && find(each.shadowRoot)).find(Boolean);
  return find(document).querySelector(".rank-row")?.dataset.index;
}
"""


def main() -> None:
    """Measure all sizes and write the results."""
    made = measuring.parser("How well the ranking follows a window that is dragged.")
    made.add_argument("--quick", action="store_true", help="a small run only")
    made.add_argument("--only", choices=["small", "large"], help="one of the two sizes only")
    options = made.parse_args()
    sizes = [Size(50_000, 200, 28), Size(1_000_000, 200)]
    if options.only:
        sizes = [sizes[options.only == "large"]]
    if options.quick:
        sizes = [Size(5_000, 60, 28)]
    load = os.getloadavg()
    results = {str(size): measure(size) for size in sizes}
    measuring.publish(
        "live_windows",
        {"load_at_start": [round(each, 1) for each in load], "drag": POSITIONS, "runs": results},
        folder=options.out,
    )


def measure(size: Size) -> dict[str, Any]:
    """Measure one size, live and in the former way."""
    folder = Path(tempfile.mkdtemp(prefix="live-windows-"))
    try:
        run_id = write_run(folder / "cache", size).run_id
        return {
            "live": measure_script(folder / "cache", run_id, "server.py", is_live=True),
            "former": measure_script(folder / "cache", run_id, "app.py", is_live=False),
        }
    finally:
        shutil.rmtree(folder)


def measure_script(cache: Path, run_id: str, script: str, *, is_live: bool) -> dict[str, Any]:
    """Start the dashboard and a browser, warm both up with one drag, and measure another."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with serving(cache, script) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            return measure_page(browser, f"{url}/trajectories?run={run_id}", is_live=is_live)
        finally:
            browser.close()


def measure_page(browser: Browser, address: str, *, is_live: bool) -> dict[str, Any]:
    """Measure one page."""
    warm = browser.new_page(viewport=VIEWPORT)  # the server reads what it keeps
    open_page(warm, f"{address}&early=1-10&late=91-100", is_live=is_live)
    warm.close()
    page = browser.new_context(viewport=VIEWPORT).new_page()
    sent: dict[str, int] = {}
    page.on("response", lambda answer: count_bytes(sent, answer))
    first = open_page(page, f"{address}&early=1-10&late=91-100", is_live=is_live)
    page.wait_for_timeout(8_000)  # rows that are fetched beforehand
    page.evaluate(LONG_TASKS)
    before = renderer_seconds(browser)
    noted = drag(page)
    seconds = renderer_seconds(browser) - before
    agreed = wait_for_agreement(page, is_live=is_live)
    gaps = [b - a for a, b in zip(noted["frames"], noted["frames"][1:], strict=False)]
    found = {
        "seconds_from_first_row_to_first_live_answer": first,
        "rankings_in_the_drag": noted["rankings"],
        "new_rankings_per_second": noted["rankings"] / noted["seconds"],
        "frames_per_second": len(gaps) / (sum(gaps) / 1000),
        # Under load frames wait for a processor; this is what they need of one.
        "processor_ms_for_each_position": round(1000 * seconds / POSITIONS, 2),
        "script_ms": quantiles(noted["script"]),
        "long_frames": len(page.evaluate("window.tasks")),
        "release_to_agreed_ms": agreed,
        "megabytes_sent": {kind: round(n / 1e6, 2) for kind, n in sorted(sent.items())},
        "page_heap_mb": page.evaluate("performance.memory.usedJSHeapSize / 1e6"),
        "page_and_worker_mb": renderer_memory(browser),
    }
    if noted["worker"]:
        found["worker_ms"] = quantiles(noted["worker"])
    return found


def open_page(page: Page, address: str, *, is_live: bool) -> float | None:
    """Open the page; returns seconds from its first row to the first live answer."""
    page.goto(address)
    page.get_by_test_id("ranking-row").first.wait_for(timeout=PATIENCE)
    drawn = time.perf_counter()
    if not is_live:
        return None
    page.locator(".instrument[data-settled]").wait_for(timeout=PATIENCE)
    return time.perf_counter() - drawn


def drag(page: Page) -> dict[str, Any]:
    """Drag the early window over all positions."""
    width = page.locator(".brush clipPath rect").bounding_box()
    n_epochs = int(page.get_by_test_id("window-early").get_attribute("aria-valuemax") or 1)
    assert width is not None
    return page.evaluate(DRAG, [width["width"] / n_epochs, POSITIONS])


def wait_for_agreement(page: Page, *, is_live: bool) -> float:
    """Milliseconds from the release until the server's ranking is the one on screen."""
    if is_live:
        page.locator('.instrument[data-agreed="true"]').wait_for(timeout=PATIENCE)
    else:
        before = page.evaluate(FIRST_ROW)
        page.wait_for_function(
            f"before => ({FIRST_ROW})() !== before", arg=before, timeout=PATIENCE, polling="raf"
        )
    return page.evaluate("performance.now() - window.released")


def renderer_seconds(browser: Browser) -> float:
    """Processor time of page, worker and drawing so far."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return sum(process["cpuTime"] for process in processes if process["type"] == "renderer")


def renderer_memory(browser: Browser) -> float:
    """Megabytes of the process that runs page and worker, without pages of files."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    found = [0.0]
    for process in processes:
        if process["type"] == "renderer":
            status = Path(f"/proc/{process['id']}/status").read_text()
            fields = dict(line.split(":", 1) for line in status.splitlines())
            found.append(int(fields["RssAnon"].split()[0]) / 1000)
    return max(found)


def count_bytes(sent: dict[str, int], answer: Any) -> None:
    """Add up what our routes sent."""
    if "/lens/" in answer.url:
        kind = answer.url.split("?")[0].rsplit(".", 1)[-1].rsplit("/", 1)[-1]
        sent[kind] = sent.get(kind, 0) + int(answer.headers.get("content-length", 0))


def quantiles(milliseconds: list[float]) -> dict[str, float]:
    """Return median, 95th percentile and count."""
    ordered = sorted(milliseconds)
    return {
        "median": round(statistics.median(ordered), 2),
        "p95": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 2),
        "n": len(ordered),
    }


@contextmanager
def serving(cache: Path, script: str) -> Iterator[str]:
    """Start one of the dashboard's two entry points and give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard" / script)]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    environment = {**os.environ, "CORESET_LENS_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*command, "--server.headless", "true"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_until_healthy(address: str) -> None:
    """Wait until the server answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            opener.open(address, timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the dashboard did not start")


if __name__ == "__main__":
    main()
