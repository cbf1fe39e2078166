import itertools
import re
from pathlib import Path

import pytest

from coreset_lib.windows import Window, check_windows
from dashboard.shared.windows.window_rules import fit_windows

pytestmark = pytest.mark.browser

APP = Path(__file__).with_name("window_brush_app.py")
RULES = Path(__file__).parents[2] / "dashboard" / "shared" / "windows" / "window_rules.js"


class Chart:
    """The page of one test, in the words of a person who uses it."""

    def __init__(self, page, url, **options):
        self.page = page
        query = "&".join(f"{name}={value}" for name, value in options.items())
        page.goto(f"{url}/?{query}")
        page.locator(".window.early .chip", has_text="early").wait_for()
        page.get_by_text("picked").wait_for()

    def says(self, text):
        self.page.get_by_text(text, exact=True).wait_for()

    def shows(self, early, late):
        for name, epochs in (("early", early), ("late", late)):
            self.page.locator(
                f".window.{name} .chip", has_text=_exactly(f"{name} {epochs}")
            ).wait_for()

    def label(self, name):
        """What the window says at this very moment."""
        return self.window(name).locator(".chip").inner_text()

    def wait_for_runs(self, more):
        """Wait until the page was drawn so many times more."""
        wanted = self.runs() + more
        while self.runs() < wanted:
            self.page.wait_for_timeout(50)

    def runs(self):
        return int(self.page.get_by_text(re.compile("^runs ")).inner_text().split()[1])

    def per_epoch(self):
        n_epochs = int(self.window("early").get_attribute("aria-valuemax"))
        return self.page.locator("clipPath rect").bounding_box()["width"] / n_epochs

    def window(self, name):
        return self.page.locator(f".window.{name}")

    def thumbs(self, name):
        slider = self.page.get_by_role("group", name=f"{name} window (epochs)")
        return slider.locator("input")

    def hold(self, name, part=".pane"):
        """Press the mouse on a window; 0.7 down, clear of the grips' marks and the lines."""
        box = self.window(name).locator(part).bounding_box()
        self.x, self.y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.7
        self.page.mouse.move(self.x, self.y)
        self.page.mouse.down()

    def carry(self, epochs):
        """Move the held mouse to so many epochs from where it was pressed."""
        self.page.mouse.move(self.x + epochs * self.per_epoch(), self.y + 3, steps=6)

    def drag(self, name, epochs, part=".pane"):
        self.hold(name, part)
        self.carry(epochs)
        self.page.mouse.up()


def _exactly(text):
    return re.compile(f"^{re.escape(text)}$")


@pytest.fixture
def chart(browser_page, streamlit_server):
    def open_chart(**options):
        return Chart(browser_page, streamlit_server(APP), **options)

    return open_chart


def test_dragging_a_window_tells_python_once_and_moves_the_slider(chart):
    chart = chart()
    chart.drag("early", 20)
    chart.shows("21–30", "91–100")
    chart.says("windows 21-30 and 91-100")
    assert [thumb.input_value() for thumb in chart.thumbs("Early").all()] == ["21", "30"]
    assert chart.runs() == 2


def test_a_dragged_window_stops_at_the_other_and_at_the_ends(chart):
    chart = chart()
    chart.drag("late", -95)
    chart.shows("1–10", "11–20")
    chart.drag("early", 30)
    chart.drag("late", 200)
    chart.shows("1–10", "91–100")
    chart.says("windows 1-10 and 91-100")


def test_resizing_one_window_resizes_the_other_likewise(chart):
    chart = chart()
    chart.drag("early", 5, ".grip.last")
    chart.shows("1–15", "86–100")
    chart.drag("late", 10, ".grip.first")
    chart.says("windows 1-5 and 96-100")


def test_unlocked_windows_are_resized_one_by_one(chart):
    chart = chart()
    chart.page.get_by_text("Equal length").click()
    chart.says("runs 2")
    chart.drag("early", 5, ".grip.last")
    chart.says("windows 1-15 and 91-100")
    chart.drag("late", -200, ".grip.first")
    chart.says("windows 1-15 and 16-100")


def test_the_slider_moves_the_brush_and_the_other_window_makes_room(chart):
    chart = chart()
    chart.thumbs("Early").last.focus()
    for _ in range(3):
        chart.page.keyboard.press("ArrowRight")
    chart.shows("1–13", "88–100")
    chart.says("windows 1-13 and 88-100")


def test_the_keyboard_moves_and_resizes_a_window(chart):
    chart = chart()
    chart.window("early").focus()
    for key in ("ArrowRight", "Shift+ArrowRight", "ArrowLeft"):
        chart.page.keyboard.press(key)
    chart.shows("6–15", "91–100")
    chart.page.keyboard.press("Control+ArrowRight")
    chart.page.keyboard.press("Alt+ArrowLeft")
    chart.says("windows 5-16 and 89-100")
    assert chart.runs() == 2


def test_a_window_is_a_slider_to_assistive_technology(chart):
    chart = chart()
    early = chart.page.get_by_role("slider", name="early window", exact=True)
    early.focus()
    chart.page.keyboard.press("ArrowRight")
    assert early.get_attribute("aria-valuetext") == "epochs 2 to 11, 10 epochs"
    assert early.get_attribute("aria-valuemax") == "100"
    assert "highlighted samples" in chart.page.get_by_role("img").first.get_attribute("aria-label")


def test_nothing_is_sent_if_nothing_changed(chart):
    chart = chart()
    chart.hold("early")
    chart.carry(20)
    chart.carry(0)
    chart.page.mouse.up()
    chart.shows("1–10", "91–100")
    chart.drag("late", -1)
    chart.says("windows 1-10 and 90-99")
    assert chart.runs() == 2


def test_escape_puts_a_held_window_back(chart):
    chart = chart()
    chart.hold("early")
    chart.carry(20)
    chart.shows("21–30", "91–100")
    chart.page.keyboard.press("Escape")
    chart.shows("1–10", "91–100")
    chart.page.mouse.up()
    chart.says("runs 1")


def test_a_finger_drags_a_window(chart):
    chart = chart()
    box = chart.window("early").locator(".chip").bounding_box()
    touches = chart.page.context.new_cdp_session(chart.page)
    for kind, moved in (
        ("touchStart", 0),
        ("touchMove", 10),
        ("touchMove", 20),
        ("touchEnd", None),
    ):
        x = box["x"] + box["width"] / 2 + (moved or 0) * chart.per_epoch()
        points = [] if moved is None else [{"x": x, "y": box["y"] + 8}]
        touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    chart.shows("21–30", "91–100")
    chart.says("windows 21-30 and 91-100")


def test_a_run_that_grows_does_not_disturb_a_drag(chart):
    chart = chart(growing="yes")
    chart.hold("early")
    chart.carry(10)
    chart.wait_for_runs(3)
    assert chart.label("early") == "early 11–20"
    chart.carry(20)
    chart.page.mouse.up()
    assert chart.label("early") == "early 21–30"
    chart.says("windows 21-30 and 91-100")
    chart.wait_for_runs(2)
    assert chart.label("early") == "early 21–30"
    assert int(chart.window("early").get_attribute("aria-valuemax")) > 100


def test_a_page_drawn_from_older_windows_does_not_move_them_back(chart):
    chart = chart(slow=1)
    chart.drag("early", 10)
    chart.hold("early")
    chart.carry(10)
    chart.says("windows 11-20 and 91-100")
    assert chart.label("early") == "early 21–30"
    chart.page.mouse.up()
    assert chart.label("early") == "early 21–30"
    chart.says("windows 21-30 and 91-100")
    assert chart.label("early") == "early 21–30"


def test_clicking_a_highlighted_line_picks_its_sample(chart):
    chart = chart()
    box = chart.page.locator("path.line.pinned").bounding_box()
    chart.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    chart.says("picked 7")
    chart.page.mouse.click(box["x"] + 5, box["y"] + box["height"] / 2)
    assert chart.label("early") == "early 1–10"


def test_hovering_reads_epoch_median_and_nearest_sample(chart):
    chart = chart()
    box = chart.page.locator("clipPath rect").bounding_box()
    chart.page.mouse.move(box["x"] + 45.5 * chart.per_epoch(), box["y"] + box["height"] * 0.8)
    tip = chart.page.locator(".tip")
    tip.get_by_text("epoch 46", exact=True).wait_for()
    assert tip.locator(".row").all_inner_texts() == ["median\n0.170", "hard\n1.000"]


def test_a_gap_breaks_the_line(chart):
    chart = chart()
    path = chart.page.locator("path.line:not(.pinned)").get_attribute("d")
    assert path.count("M") == 2
    assert "NaN" not in path


def test_the_chart_follows_the_width_and_the_theme(chart):
    chart = chart()
    wide = chart.per_epoch()
    chart.page.set_viewport_size({"width": 1024, "height": 800})
    chart.page.wait_for_function("document.documentElement.scrollWidth <= 1024", timeout=5000)
    chart.page.emulate_media(color_scheme="dark")
    chart.page.locator(".brush.dark").wait_for()
    assert chart.per_epoch() < wide
    chart.drag("early", 20)
    chart.says("windows 21-30 and 91-100")


def test_two_epochs_hold_one_window_each(chart):
    chart = chart(n=2)
    chart.shows("1", "2")
    chart.says("windows 1-1 and 2-2")


def test_one_epoch_is_explained_instead_of_drawn(browser_page, streamlit_server):
    browser_page.goto(f"{streamlit_server(APP)}/?n=1")
    browser_page.get_by_text("Two separate windows need at least two epochs").wait_for()
    assert browser_page.locator(".brush").count() == 0


def test_the_browser_follows_the_same_rules_as_the_sliders(browser_page):
    """Every drag of every pair of windows of a short run, in the browser's own code."""
    n = 6
    starts = [
        (a, b, c, d)
        for a, b, c, d in itertools.product(range(1, n + 1), repeat=4)
        if a <= b < c <= d
    ]
    cases = [
        (start, name, edge, target, is_locked)
        for start in starts
        for name, edge in itertools.product(("early", "late"), (0, 1))
        for target, is_locked in itertools.product(range(-1, n + 3), (True, False))
    ]
    results = browser_page.evaluate(
        f"""cases => {{
            {RULES.read_text(encoding="utf-8")}
            return cases.map(([[a, b, c, d], name, edge, target, isLocked]) =>
                resizeWindow({{early: [a, b], late: [c, d]}}, name, edge, target, {n}, isLocked));
        }}""",
        cases,
    )
    for (start, name, edge, _, is_locked), result in zip(cases, results, strict=True):
        early, late = Window(*result["early"]), Window(*result["late"])
        check_windows(early, late, n_epochs=n)
        before = {"early": Window(*start[:2]), "late": Window(*start[2:])}
        kept = "last" if edge == 0 else "first"
        after = {"early": early, "late": late}
        assert getattr(after[name], kept) == getattr(before[name], kept)
        asked = {**before, name: after[name]}
        assert fit_windows(**asked, n_epochs=n, moved=name, lock_length=is_locked) == (early, late)
