"""Another run of the same samples, beside this one on Trajectories and on Runs."""

import numpy as np
import pytest

from coreset_lib.runs.store import Run
from coreset_lib.scores import compute_score
from coreset_lib.scores.contrast import contrast
from coreset_lib.windows import Window
from dashboard import reads
from dashboard.trajectories.contrast_chart import contrast_figure
from dashboard.trajectories.other_run import TITLE

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")
WINDOWS = {"early": "1-6", "late": "7-12"}


def shake(paths, seed):
    """Make the trajectories of a run differ from those of the others."""
    error = np.load(paths.plane("error_norm"))
    noise = np.random.default_rng(seed).normal(0, 0.2, error.shape).astype(np.float32)
    np.save(paths.plane("error_norm"), np.abs(error + noise))


def opened(open_dashboard, paths, **query):
    dashboard = open_dashboard("trajectories", run=paths.root.name, score="eva", **query)
    box = next(e for e in dashboard.app.expander if e.label == TITLE)
    dashboard.app.session_state["other-run-box"] = True
    del box
    return dashboard.run()


def test_runs_of_the_same_samples_are_offered_and_others_not(
    write_run, save_dataset, small_phantom, open_dashboard
):
    first, second = write_run(), write_run(seed=1)
    renamed = save_dataset(small_phantom, "others.npz")
    other = write_run(path=renamed)
    samples = other.samples.read_text()
    other.samples.write_text(samples.replace("train", "elsewhere"))
    own = reads.run_summary(first.root.name)
    assert [run.run_id for run in reads.runs_of_the_same_samples(own)] == [second.root.name]


def test_the_page_says_what_two_runs_share(write_run, open_dashboard):
    first, second = write_run(), write_run(seed=1)
    shake(second, 0)
    dashboard = opened(open_dashboard, first, **WINDOWS)
    assert not dashboard.errors
    options = {name: Window.parse(text) for name, text in WINDOWS.items()}
    scores = [compute_score(Run(p).dynamics(), "eva", options) for p in (first, second)]
    found = contrast(*scores)
    assert 0 < found.n_both < found.n_hardest
    told = f"**{found.n_both} of {found.n_hardest}** samples are in that of the other run"
    assert told in dashboard.words
    assert f"Rank correlation (Spearman) {found.rank_correlation:.2f}" in dashboard.words
    rows = next(
        frame.value
        for frame in dashboard.app.dataframe
        if "rank in the other" in frame.value.columns
    )
    farthest = found.farthest()[: len(rows)]
    assert rows["rank in this run"].tolist() == found.first[farthest].tolist()
    assert rows["rank in the other"].tolist() == found.second[farthest].tolist()


def test_a_shorter_run_that_the_windows_do_not_fit_is_one_sentence(write_run, open_dashboard):
    first = write_run()
    write_run(epoch=5, epochs=5, seed=1)
    dashboard = opened(open_dashboard, first, **WINDOWS)
    assert ["the other run cannot be ranked like this one" in e for e in dashboard.errors] == [True]


def test_without_another_run_the_page_says_how_to_get_one(write_run, open_dashboard):
    dashboard = opened(open_dashboard, write_run())
    assert "No other run was trained on these samples" in dashboard.words


def test_the_chart_has_a_dot_for_each_sample_and_rings_for_the_selected(write_run):
    first, second = write_run(), write_run(seed=1)
    shake(second, 0)
    found = contrast(*(compute_score(Run(p).dynamics(), "el2n", {}) for p in (first, second)))
    ids = [f"s{number}" for number in range(len(found.first))]
    figure = contrast_figure(found, ids, np.array([3, 5]))
    dots, rings = figure.data
    np.testing.assert_array_equal(dots.x, found.first)
    np.testing.assert_array_equal(dots.y, found.second)
    assert list(rings.text) == ["s3", "s5"]
    assert [shape.x0 or shape.y0 for shape in figure.layout.shapes] == [found.n_hardest + 0.5] * 2


def test_a_chart_of_many_samples_shows_a_part_and_the_selected():
    ranks = np.arange(1, 50_001)
    values = type("Two", (), {"first": ranks, "second": ranks[::-1], "n_hardest": 5000})()
    figure = contrast_figure(values, [""] * 50_000, np.array([49_999]))
    assert len(figure.data[0].x) in (20_000, 20_001)
    assert 50_000 in figure.data[0].x


def test_curves_of_other_runs_are_drawn_too(write_run, open_dashboard):
    first, second = write_run(), write_run(seed=1)
    dashboard = open_dashboard("runs", run=first.root.name)
    dashboard.labelled("multiselect", "Draw other runs too").set_value([second.root.name])
    dashboard.run()
    assert not dashboard.errors
    (chart,) = dashboard.app.get("plotly_chart")
    assert chart.proto.spec.count('"name":"val of ') == 2
    assert ", beside " in chart.proto.alt
