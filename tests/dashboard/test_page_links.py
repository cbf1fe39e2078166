"""What the URL says is shown; what it says wrongly does no harm."""

import pytest

from coreset_lib.windows import default_windows

DEFAULT = tuple(map(str, default_windows(12)))


def windows(dashboard):
    return dashboard.url.get("early"), dashboard.url.get("late")


def test_the_windows_of_a_link_are_shown_on_every_page(open_dashboard, write_run):
    write_run()
    dashboard = open_dashboard("trajectories", early="2-4", late="6-8")
    assert windows(dashboard) == ("2-4", "6-8")
    # A page link of the real program drops what the page before had put into the URL.
    for name in ("early", "late"):
        dashboard.app.query_params.pop(name)
    dashboard.app.query_params["strategy"] = "Top: the hardest samples"
    dashboard.visit("coreset")
    assert "Windows 2-4 and 6-8" in dashboard.words
    assert windows(dashboard) == ("2-4", "6-8")


def test_windows_that_nobody_chose_follow_a_growing_run(open_dashboard, write_run):
    import json

    paths = write_run("running", epoch=2, epochs=12)
    status = json.loads(paths.status.read_text())
    # All epochs are on disk; only the status decides what is complete.
    whole = write_run("finished", epoch=12, epochs=12)
    for plane in whole.dynamics.iterdir():
        (paths.dynamics / plane.name).write_bytes(plane.read_bytes())
    dashboard = open_dashboard("trajectories", run=paths.root.name)
    assert windows(dashboard) == ("1-1", "2-2")
    paths.status.write_text(json.dumps(status | {"epoch": 12}))
    dashboard.run()
    assert windows(dashboard) == DEFAULT


@pytest.mark.parametrize(
    "query",
    [
        {"early": "abc", "late": "5-6"},
        {"early": "1-3"},
        {"early": "1-5", "late": "4-8"},
        {"early": "1-3", "late": "90-99"},
        {"early": "0-3", "late": "5-6"},
        {"early": "3-1", "late": "5-6"},
        {"early": "", "late": ""},
        {"early": "1-3<script>", "late": "5-6"},
    ],
)
def test_windows_that_make_no_sense_give_the_defaults(open_dashboard, write_run, query):
    write_run()
    dashboard = open_dashboard("trajectories", **query)
    assert not dashboard.errors
    assert windows(dashboard) == DEFAULT


@pytest.mark.parametrize("sample", ["999999", "-1", "1.5", "abc", "", "1" * 40, "²"])
def test_a_sample_that_is_not_there_gives_the_hardest(open_dashboard, write_run, sample):
    write_run()
    hardest = open_dashboard("trajectories").url["sample"]
    dashboard = open_dashboard("trajectories", sample=sample)
    assert not dashboard.errors
    assert dashboard.url["sample"] == hardest


def test_the_sample_of_a_link_is_shown(open_dashboard, write_run):
    write_run()
    dashboard = open_dashboard("trajectories", sample="7")
    assert "train-00007" in dashboard.words
    assert dashboard.url["sample"] == "7"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("keep", "500"),
        ("keep", "-1"),
        ("keep", "abc"),
        ("noise", "95"),
        ("strategy", "best"),
        ("score", "beauty"),
        ("balance", "<b>"),
    ],
)
def test_options_that_do_not_exist_are_replaced_by_ones_that_do(
    open_dashboard, write_run, name, value
):
    write_run()
    dashboard = open_dashboard("coreset", **{name: value})
    assert not dashboard.errors
    assert int(dashboard.metric("Samples").replace(",", "")) > 0
