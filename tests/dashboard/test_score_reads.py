"""What the pages read of a run's scores: ranks, and what was added to the run since."""

import os

import numpy as np
import pytest

from coreset_lib.atomic import write_array
from coreset_lib.errors import CoresetError
from coreset_lib.runs.store import Run
from coreset_lib.runs.summary import RunVersion, summarise
from coreset_lib.scores import compute_score
from dashboard import reads as data

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


def rank_by_counting(values, index):
    """Return one more than the number of harder samples; equal ones go by their place."""
    harder = sum(v > values[index] for v in values)
    return 1 + harder + sum(v == values[index] for v in values[:index])


def test_a_row_has_the_rank_among_all_samples_whichever_were_found(cache, write_run):
    paths = write_run()
    summary, score = summarise(Run(paths)), compute_score(Run(paths).dynamics(), "eva")
    found = score.order()[3::7]
    rows = data.ranking_rows(summary, score, found)
    assert rows["index"].tolist() == found.tolist()
    assert rows["rank"].tolist() == list(range(4, 161, 7))
    assert rows["rank"].tolist() == [rank_by_counting(score.values, i) for i in found]
    assert rows["eva"].tolist() == score.values[found].tolist()
    names = Run(paths).samples()
    assert rows["sample"].tolist() == [names["sample_id"][i] for i in found]
    assert rows["class"].tolist() == [names["class_name"][i] for i in found]


def test_the_table_of_a_class_shows_ranks_among_all_samples(open_dashboard, write_run):
    run = Run(write_run())
    dashboard = open_dashboard("trajectories", score="eva")
    (everything,) = (t.value for t in dashboard.app.dataframe if "rank" in t.value)
    assert everything["rank"].tolist() == list(range(1, len(everything) + 1))
    dashboard.labelled("multiselect", "Class").set_value([2])
    dashboard.run()
    (table,) = (t.value for t in dashboard.app.dataframe if "rank" in t.value)
    values, labels = compute_score(run.dynamics(), "eva").values, run.labels()
    ranks = [rank_by_counting(values, index) for index in np.flatnonzero(labels == 2)]
    assert table["rank"].tolist() == sorted(ranks)[: len(table)]


def test_a_score_that_was_added_to_a_run_is_seen_at_once_and_so_is_its_successor(cache, write_run):
    paths = write_run()
    version = RunVersion(str(paths.root), Run(paths).manifest.created, 12)
    before = data.open_dynamics(version)
    with pytest.raises(CoresetError, match="vog_pixel"):
        compute_score(before, "vog_pixel")
    for second in (1, 2):
        values = np.random.default_rng(second).normal(size=160)
        write_array(paths.vog_pixel, values)  # another file in its place, as the library does it
        os.utime(paths.vog_pixel, (second, second))
        opened = data.open_dynamics(version)
        assert compute_score(opened, "vog_pixel").values.tolist() == values.tolist()
        shown = data.score_values(version, "vog_pixel", ())
        assert shown.values.tolist() == values.tolist()
        assert data.open_dynamics(version) is opened
    paths.vog_pixel.unlink()
    with pytest.raises(CoresetError, match="vog_pixel"):
        compute_score(data.open_dynamics(version), "vog_pixel")
