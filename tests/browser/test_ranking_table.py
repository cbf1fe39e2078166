import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

APP = Path(__file__).with_name("ranking_table_app.py")
HEADER, ROW = 36, 34


@pytest.fixture
def table(browser_page, streamlit_server):
    def open_table(query=""):
        browser_page.goto(f"{streamlit_server(APP)}/?{query}")
        browser_page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
        browser_page.get_by_text(re.compile("^runs ")).wait_for()
        return browser_page

    return open_table


def tick(page, row):
    """Click the box in front of a row; boxes are painted on a canvas."""
    box = page.locator("[data-testid=stDataFrame] canvas").first.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + HEADER + ROW * (row + 0.5))


def says(page, text):
    page.get_by_text(text, exact=True).wait_for()


def runs(page):
    return int(page.get_by_text(re.compile("^runs ")).inner_text().split()[1])


def wait_for_runs(page, more):
    wanted = runs(page) + more
    while runs(page) < wanted:
        page.wait_for_timeout(50)


def test_ticking_rows_selects_their_samples(table):
    page = table()
    tick(page, 1)
    says(page, "selected [1]")
    tick(page, 3)
    says(page, "selected [1, 3]")
    tick(page, 1)
    says(page, "selected [3]")


def test_a_selection_made_elsewhere_is_ticked(table):
    page = table()
    tick(page, 5)
    says(page, "selected [5]")
    page.get_by_role("button", name="Select 2").click()
    says(page, "ticked [2]")
    tick(page, 3)
    says(page, "selected [2, 3]")


def test_ticks_follow_their_samples_while_the_ranking_changes(table):
    page = table("growing=yes")
    page.get_by_role("button", name="Select 2").click()
    says(page, "selected [2]")
    table_before = page.locator("[data-testid=stDataFrame] canvas").first.element_handle()
    wait_for_runs(page, 6)
    says(page, "selected [2]")
    says(page, "told 0")
    assert table_before.evaluate("e => e.isConnected")
    wait_for_runs(page, 6)
    assert page.get_by_text(re.compile("^told ")).inner_text() == "told 0"
