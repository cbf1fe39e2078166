import io
import re

import numpy as np
import pytest
from streamlit import config

from coreset_lib.errors import CoresetError
from coreset_lib.runs.store import Run
from dashboard.routes import answers, table
from dashboard.routes.quantised import GAP, STEPS, Scale, quantise, scale_of
from dashboard.routes.served_run import find_run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


@pytest.fixture
def run(write_run):
    return Run(write_run())


@pytest.fixture
def source(run):
    return table.source_of(find_run(run.run_id))


def plane_of(run, name="error_norm"):
    return np.array(run.dynamics().plane(name))


def test_rows_come_as_recorded_and_as_rounded_numbers(get, run, source):
    exact = get(f"{source['url']}/error_norm.f32?rows=3-5")
    rows = np.frombuffer(exact.body, "<f4").reshape(3, -1)
    assert np.array_equal(rows, plane_of(run)[2:5])
    rounded = get(f"{source['url']}/error_norm.u16?rows=3-5")
    numbers = np.frombuffer(rounded.body, "<u2").reshape(3, -1)
    scale = source["scales"]["error_norm"]
    assert np.abs(scale["low"] + scale["step"] * numbers - rows).max() <= 0.51 * scale["step"]


def test_answers_are_kept_for_ever_and_problems_not_at_all(get, source):
    assert "immutable" in get(f"{source['url']}/labels").headers["cache-control"]
    assert get(f"{source['url']}/error_norm.u16?rows=0-1").headers["cache-control"] == "no-store"


def test_histories_and_names_are_those_of_the_samples(get, run, source):
    found = get(f"{source['url']}/margin/histories?samples=7,2&epochs=4")
    assert np.array_equal(
        np.frombuffer(found.body, "<f4").reshape(2, 4), plane_of(run, "margin")[:4, [7, 2]].T
    )
    assert get(f"{source['url']}/names?samples=7,2").body == b'["train-00007","train-00002"]'
    labels = np.frombuffer(get(f"{source['url']}/labels").body, "<i4")
    assert np.array_equal(labels, run.labels())


def test_a_thumbnail_is_the_samples_image(get, run, source):
    from PIL import Image

    answer = get(f"{source['url']}/thumbnails/3.png")
    assert answer.headers["content-type"] == "image/png"
    assert max(Image.open(io.BytesIO(answer.body)).size) <= 48


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("error_norm.u16?rows=1-999", 422),
        ("error_norm.u16?rows=3-2", 422),
        ("error_norm.u16?rows=1", 422),
        ("error_norm.u16?rows=", 422),
        ("error_norm.u16?rows=a-b", 422),
        ("error_norm.u16?rows=-1-2", 422),
        ("error_norm.f64?rows=1-2", 422),
        ("probabilities.u16?rows=1-2", 404),
        ("../error_norm.u16?rows=1-2", 404),
        ("error_norm/histories?samples=999999&epochs=2", 422),
        ("error_norm/histories?samples=1&epochs=99", 422),
        ("error_norm/histories?samples=1&epochs=0", 422),
        ("names?samples=" + "1," * 3000 + "1", 422),
        ("thumbnails/999999.png", 404),
    ],
)
def test_what_is_not_there_gives_one_sentence(get, source, path, status):
    answer = get(f"{source['url']}/{path}")
    assert answer.status == status
    assert len(answer.body.decode().splitlines()) == 1
    assert "Traceback" not in answer.body.decode()


@pytest.mark.parametrize("run_id", ["..", "%2e%2e", "gone", ".", "a/b"])
def test_only_runs_of_the_cache_are_served(get, run, run_id):
    assert get(f"/lens/runs/{run_id}/stamp/labels").status == 404
    with pytest.raises(CoresetError, match="not in the cache"):
        find_run(run_id)


def test_a_run_that_was_written_anew_is_not_taken_for_the_former(get, run, source):
    plane = run.paths.plane("error_norm")
    np.save(plane, np.load(plane) * 0.5)
    assert get(f"{source['url']}/labels").status == 404
    assert table.source_of(find_run(run.run_id))["url"] != source["url"]


def test_the_rows_of_a_run_that_trains_keep_their_address(write_run):
    import json

    paths = write_run("running", epoch=4, epochs=12)
    before = find_run(paths.root.name)
    status = json.loads(paths.status.read_text())
    paths.status.write_text(json.dumps(status | {"epoch": 5}))
    after = find_run(paths.root.name)
    assert (before.stamp, before.n_epochs, after.n_epochs) == (after.stamp, 4, 5)
    with pytest.raises(CoresetError, match="from 1 to 5"):
        after.rows("error_norm", 5, 6)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"host": "[::1"},
    ],
)
def test_pages_of_other_sites_get_nothing(get, source, headers):
    assert get(f"{source['url']}/labels", **headers).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost:8501"},
        {"host": "[::1]:8501"},
        {"origin": "http://localhost:8501", "sec_fetch_site": "same-origin"},
    ],
)
def test_pages_of_this_machine_are_answered(get, source, headers):
    assert get(f"{source['url']}/labels", **headers).status == 200


def test_a_server_for_others_goes_by_its_address(get, source, monkeypatch):
    options = {"server.address": "10.1.2.3"}
    known = config.get_option
    monkeypatch.setattr(config, "get_option", lambda name: options.get(name) or known(name))
    assert get(f"{source['url']}/labels", host="10.1.2.3:8501").status == 200
    assert get(f"{source['url']}/labels", host="10.1.2.4:8501").status == 403


def test_the_worker_is_one_script_and_served_under_its_version(get, source):
    answer = get(source["worker"])
    assert answer.headers["content-type"].startswith("text/javascript")
    assert b"class LiveWorker" in answer.body
    assert get(re.sub("worker-.*.js", "worker-other.js", source["worker"])).status == 404
    assert answers.worker_version() in source["worker"]


def test_routes_count_as_served_only_while_the_server_runs(run_async):
    async def serve():
        async with table.lifespan(None):
            return table.is_served()

    assert not table.is_served()
    assert run_async(serve())
    assert not table.is_served()


def test_gaps_have_a_number_of_their_own():
    rows = np.array([[0.0, np.nan, 1.0]], np.float32)
    assert quantise(rows, Scale(0.0, 1 / STEPS)).tolist() == [[0, GAP, STEPS]]


@pytest.mark.parametrize("value", [-0.1, 1.1, np.inf])
def test_a_value_outside_of_the_scale_is_refused(value):
    with pytest.raises(CoresetError, match="must lie from 0 to 1"):
        quantise(np.array([[value]], np.float32), Scale(0.0, 1 / STEPS))


def test_the_scale_holds_every_value_of_a_plane(make_dynamics):
    one = scale_of(make_dynamics(error_norm=[[0.5, 1.0]]), "error_norm")
    assert one.low + STEPS * one.step == pytest.approx(np.sqrt(2))
    margin = scale_of(make_dynamics(error_norm=[[0.5, 1.0]]), "margin")
    assert (margin.low, margin.low + STEPS * margin.step) == (-1, pytest.approx(1))


@pytest.mark.parametrize(("query", "place"), [("", "./"), ("?run=a&tags=b", "./?run=a&tags=b")])
def test_the_first_page_has_an_address_of_its_own_name(get, query, place):
    answer = get(f"/runs{query}")
    assert (answer.status, answer.headers["location"]) == (307, place)


@pytest.mark.parametrize("base", ["", "lens", "a/b"])
def test_a_page_that_asks_below_its_name_is_told_that_the_server_is_elsewhere(
    monkeypatch, request, base
):
    monkeypatch.setattr(config, "get_option", lambda name: base)
    get = request.getfixturevalue("get")  # after the option, which the routes are made of
    before = f"/{base}" if base else ""
    paths = ("/review/_stcore/health", "/map/_stcore/host-config", "/_stcore/health")
    status = {path: get(before + path).status for path in paths}
    # Neither a success, which would lead the page there, nor an error, which consoles show.
    assert list(status.values()) == [300, 300, 404]
