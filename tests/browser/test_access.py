"""No fault of access that is serious or worse, on any page, in both themes."""

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")
PAGES = (
    *("", "add_data", "trajectories", "reliability", "map", "refinement", "coreset", "benchmark"),
    *("glossary", "review?reader=ada", "review?reader=ada&review_mode=Wall"),
)
BUSY = "[data-testid=stSpinner], [data-testid=stSkeleton], [data-stale=true]"
LONGEST_WAIT = 60_000


@pytest.fixture(scope="module")
def axe():
    """The checker's source; it comes with the JavaScript tools (npm ci)."""
    if not AXE.exists():
        if os.environ.get("CI") == "true":
            pytest.fail("axe-core is not installed: run npm ci.")
        pytest.skip("axe-core is not installed: run npm ci.")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def explored(reviewed_run, streamlit_server, app):
    """Address of a dashboard with a finished run and readers."""
    cache, _ = reviewed_run
    return streamlit_server(app, {"CORESET_LENS_CACHE": str(cache)})


def grave_faults(page, axe):
    """What axe calls serious or worse, in words with the first element of each."""
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{fault['id']}: {len(fault['nodes'])} times, as in {fault['nodes'][0]['html'][:200]}"
        for fault in found["violations"]
        if fault["impact"] in GRAVE
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_no_grave_fault(chromium, explored, axe, theme, path):
    context = chromium.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme=theme, reduced_motion="reduce"
    )
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(f"uncaught: {error}"))
    page.goto(f"{explored}/{path}")
    page.locator(".lens-footer").wait_for(state="attached", timeout=LONGEST_WAIT)
    page.wait_for_function(f"!document.querySelector('{BUSY}')", timeout=LONGEST_WAIT)
    page.wait_for_timeout(1500)  # what a component draws after its data came
    faults += grave_faults(page, axe)
    context.close()
    assert not faults
