"""EL2N, area under the margin and entropy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coreset_lib.errors import CoresetError
from coreset_lib.scores import compute_score

PLANES = {"el2n": "error_norm", "aum": "margin", "entropy": "entropy"}


def test_el2n_is_the_mean_of_the_first_ten_epochs(make_dynamics):
    error_norm = np.zeros((12, 2), np.float32)
    error_norm[9:, 0] = 1
    error_norm[:10, 1] = 0.5
    score = compute_score(make_dynamics(error_norm=error_norm), "el2n")
    assert score.values.tolist() == [0.1, 0.5]
    assert score.options == {"epochs": 10}
    assert score.order().tolist() == [1, 0]


def test_el2n_of_a_short_run_uses_what_there_is(make_dynamics):
    score = compute_score(make_dynamics(error_norm=[[1.0], [0.0]]), "el2n")
    assert score.values.tolist() == [0.5]


def test_low_area_under_the_margin_is_hard(make_dynamics):
    score = compute_score(make_dynamics(margin=[[1, -0.5, 0], [0.5, -1, 0]]), "aum")
    assert score.values.tolist() == [0.75, -0.75, 0]
    assert score.direction == "easier"
    assert score.order().tolist() == [1, 2, 0]


def test_entropy_is_that_of_the_last_epoch(make_dynamics):
    score = compute_score(make_dynamics(entropy=[[1, 0], [0.25, 0.5]]), "entropy")
    assert score.values.tolist() == [0.25, 0.5]


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(sorted(PLANES)),
    arrays(
        np.float32,
        st.tuples(st.integers(1, 6), st.integers(1, 6)),
        elements=st.floats(0, 1, width=32),
    ),
)
def test_equals_the_plain_loop(make_dynamics, name, plane):
    values = compute_score(make_dynamics(**{PLANES[name]: plane}), name).values
    first = len(plane) - 1 if name == "entropy" else 0
    for sample in range(plane.shape[1]):
        cells = [float(plane[epoch, sample]) for epoch in range(first, len(plane))]
        assert values[sample] == pytest.approx(sum(cells) / len(cells), abs=1e-12)
    assert (values >= 0).all()
    assert (values <= 1).all()


@pytest.mark.parametrize(("name", "plane"), PLANES.items())
def test_gaps_are_refused(make_dynamics, name, plane):
    with pytest.raises(CoresetError, match=rf"{plane} must be recorded .* got 1 gaps"):
        compute_score(make_dynamics(**{plane: [[0.5, np.nan]]}), name)


@pytest.mark.parametrize(("name", "plane"), PLANES.items())
def test_a_plane_that_was_not_recorded_is_named(make_dynamics, name, plane):
    other = "error_norm" if plane != "error_norm" else "margin"
    with pytest.raises(CoresetError, match=plane):
        compute_score(make_dynamics(**{other: [[0.5]]}), name)


@pytest.mark.parametrize("epochs", ["0", "2.5", "many", "7", "nan"])
def test_a_wrong_number_of_epochs_is_refused(make_dynamics, epochs):
    with pytest.raises(CoresetError, match=rf"got .*{epochs}"):
        compute_score(make_dynamics(error_norm=np.zeros((6, 1))), "el2n", {"epochs": epochs})
