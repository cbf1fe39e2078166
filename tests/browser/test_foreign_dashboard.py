"""The dashboard, started in the folder of another Streamlit program."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.browser

COMMAND = (sys.executable, "-c", "from coreset_lib.cli import main; main()")
SPY = "from pathlib import Path\nPath(__file__).with_suffix('.was_read').touch()\n"
CONFIGURATION = """
[browser]
gatherUsageStats = true
[client]
toolbarMode = "developer"
[server]
address = "0.0.0.0"
port = 9
enableStaticServing = true
"""


def test_ours_is_served_where_somebody_elses_lies(
    tmp_path, browser_page, free_port, wait_until_healthy, monkeypatch
):
    for name in ("dashboard/__init__", "dashboard/app", "dashboard/frame", "pages/__init__"):
        file = tmp_path / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(SPY)
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "config.toml").write_text(CONFIGURATION)
    search_path = [".", *filter(None, [os.environ.get("PYTHONPATH")])]
    port, log = free_port(), tmp_path / "log.txt"
    started = [*COMMAND, "dashboard", "--no-browser", "--port", str(port), "--cache", "cache"]
    # As the installed command does, whose first place of search is not the working directory.
    started[1:1] = ["-P"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            started,
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(search_path),
                "CORESET_LENS_TOKEN": "known",
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_healthy(process, url, log)
        browser_page.goto(url)
        browser_page.get_by_label("Token").fill("known")
        browser_page.get_by_role("button", name="Open the dashboard").click()
        browser_page.locator(".lens-footer").wait_for(timeout=60_000)
        assert "token" not in browser_page.url
        for page in ("", "trajectories"):
            browser_page.goto(f"{url}/{page}")  # the page fixture refuses outbound requests
            browser_page.locator(".lens-footer").wait_for(timeout=60_000)
        assert not browser_page.get_by_text("Deploy", exact=True).count()
    finally:
        process.terminate()
        process.wait(timeout=30)
    assert list(tmp_path.rglob("*.was_read")) == []
