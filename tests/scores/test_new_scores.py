"""Ablations, dynamic uncertainty, DUAL, TDDS, DUCS and the data map."""

import math
import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from score_oracles import (
    N_CLASSES,
    column,
    dual_loops,
    dyn_unc_loops,
    dynamics_of,
    forgotten_loops,
    random_dynamics,
    rank_loops,
    tdds_loops,
)

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.scores import SCORES, compute_score
from coreset_lib.scores.data_map import data_map
from coreset_lib.scores.windows import sliding_moments
from coreset_lib.windows import Window

NEW = (
    "eva_single",
    "expectation_single",
    "expectation_dual",
    "dyn_unc",
    "dual",
    "tdds",
    "ducs",
)


@pytest.mark.parametrize("n_epochs", [3, 10, 11, 23, 40])
def test_dynamic_uncertainty_equals_plain_loops(n_epochs: int):
    dynamics = random_dynamics(n_epochs)
    for window in {2, min(7, n_epochs), n_epochs}:
        values = compute_score(dynamics, "dyn_unc", {"window": window}).values
        expected = [
            dyn_unc_loops(column(dynamics, "label_probability", i), window) for i in range(9)
        ]
        np.testing.assert_allclose(values, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("n_epochs", "epochs", "window"), [(23, 12, 5), (40, 30, 10), (8, 8, 8)])
def test_dual_equals_plain_loops(n_epochs: int, epochs: int, window: int):
    dynamics = random_dynamics(n_epochs)
    values = compute_score(dynamics, "dual", {"epochs": epochs, "window": window}).values
    expected = [
        dual_loops(column(dynamics, "label_probability", i)[:epochs], window) for i in range(9)
    ]
    np.testing.assert_allclose(values, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("n_epochs", "window", "decay"), [(23, 10, 0.9), (12, 3, 0.2), (5, 5, 1)])
def test_tdds_equals_plain_loops(n_epochs: int, window: int, decay: float):
    dynamics = random_dynamics(n_epochs)
    values = compute_score(dynamics, "tdds", {"window": window, "decay": decay}).values
    histories = dynamics.plane("probabilities").astype(np.float64)
    expected = [tdds_loops(histories[:, i].tolist(), window, decay) for i in range(9)]
    np.testing.assert_allclose(values, expected, rtol=1e-10, atol=1e-12)


def test_tdds_is_the_same_however_samples_are_cut_into_chunks(monkeypatch: pytest.MonkeyPatch):
    dynamics = random_dynamics()
    whole = compute_score(dynamics, "tdds").values
    monkeypatch.setattr("coreset_lib.scores.tdds.CHUNK_CELLS", 2 * N_CLASSES)
    monkeypatch.setattr("coreset_lib.dynamics.BLOCK_CELLS", 23 * 5)
    np.testing.assert_array_equal(compute_score(dynamics, "tdds").values, whole)


@pytest.mark.parametrize("confidence", ["label", "max"])
@pytest.mark.parametrize("never_learned", ["max", "zero", "exclude"])
def test_ducs_equals_plain_loops_for_every_combiner(confidence: str, never_learned: str):
    dynamics = random_dynamics(seed=4)
    uncertainty, forgetting, never = [], [], []
    for i in range(9):
        history = (
            column(dynamics, "label_probability", i)
            if confidence == "label"
            else [max(row) for row in dynamics.plane("probabilities")[:, i].tolist()]
        )
        uncertainty.append(dyn_unc_loops(history, 6))
        events, is_never = forgotten_loops(dynamics, i)
        never.append(is_never)
        forgetting.append(23.0 if is_never and never_learned == "max" else float(events))
    u, f = rank_loops(uncertainty), rank_loops(forgetting)
    low_u, high_u, high_f = min(uncertainty), max(uncertainty), max(forgetting)
    expected = {
        "weighted": [0.7 * a + 0.3 * b for a, b in zip(u, f, strict=True)],
        "rank_sum": [a + b for a, b in zip(u, f, strict=True)],
        "product": [a * b for a, b in zip(u, f, strict=True)],
        "min_max_sum": [
            0.7 * (a - low_u) / (high_u - low_u)
            + 0.3 * (b - min(forgetting)) / (high_f - min(forgetting))
            for a, b in zip(uncertainty, forgetting, strict=True)
        ],
    }
    for combiner, values in expected.items():
        score = compute_score(
            dynamics,
            "ducs",
            {
                "lambda": 0.3,
                "window": 6,
                "confidence": confidence,
                "combiner": combiner,
                "never_learned": never_learned,
            },
        )
        np.testing.assert_allclose(score.values, values, rtol=1e-12, atol=1e-14)
        if never_learned == "exclude":
            assert score.is_excluded is not None
            assert score.is_excluded.tolist() == never
        else:
            assert score.is_excluded is None


def test_ablations_equal_plain_loops():
    dynamics = random_dynamics()
    early, late = Window(2, 5), Window(11, 17)
    for i in range(9):
        history = column(dynamics, "error_norm", i)
        first, second = history[1:5], history[10:17]
        variance = compute_score(dynamics, "eva_single", {"window": late}).values[i]
        single = compute_score(dynamics, "expectation_single", {"window": early}).values[i]
        dual = compute_score(dynamics, "expectation_dual", {"early": early, "late": late}).values[i]
        assert variance == pytest.approx(statistics.pvariance(second), rel=1e-12)
        assert single == pytest.approx(statistics.fmean(first), rel=1e-12)
        assert dual == pytest.approx(statistics.fmean(first) + statistics.fmean(second), rel=1e-12)


def test_dynamic_uncertainty_of_three_epochs_by_hand():
    own = np.array([[0.5, 0.2], [0.5, 0.6], [0.5, 0.4]])
    p = np.stack([own, 1 - own], axis=2)
    dynamics = dynamics_of(p, np.array([0, 0]))
    values = compute_score(dynamics, "dyn_unc", {"window": 2}).values
    np.testing.assert_allclose(values, [0, (0.2 + 0.1) / 2], atol=1e-7)
    dual = compute_score(dynamics, "dual", {"epochs": 3, "window": 2}).values
    np.testing.assert_allclose(dual, [0, (0.2 * 0.6 + 0.1 * 0.5) / 2], atol=1e-7)


def test_tdds_of_a_flip_to_certainty_by_hand():
    own = np.array([0.5, 0.5, 1.0])
    p = np.stack([own, 1 - own], axis=1)[:, None, :]
    value = compute_score(dynamics_of(p, np.array([0])), "tdds", {"window": 3}).values[0]
    # D = (0, log 2); each lies log(2) / 2 from their mean; one window of weight 0.9.
    assert value == pytest.approx(0.9 * math.sqrt(2) * math.log(2) / 2, rel=1e-12)


def test_tdds_takes_a_recorded_zero_for_the_smallest_float16():
    own = np.array([0.0, 0.0, 1.0])
    p = np.stack([own, 1 - own], axis=1)[:, None, :]
    value = compute_score(dynamics_of(p, np.array([0])), "tdds", {"window": 3}).values[0]
    assert value == pytest.approx(0.9 * math.sqrt(2) * 24 * math.log(2) / 2, rel=1e-12)


def test_data_map_equals_plain_loops():
    dynamics = random_dynamics()
    found = data_map(dynamics)
    for i in range(9):
        history = column(dynamics, "label_probability", i)
        right = [p == dynamics.labels[i] for p in column(dynamics, "prediction", i)]
        assert found.confidence[i] == pytest.approx(statistics.fmean(history), rel=1e-12)
        assert found.variability[i] == pytest.approx(statistics.pstdev(history), abs=1e-12)
        assert found.correctness[i] == sum(right) / len(right)
    assert (
        found.confidence.dtype == found.variability.dtype == found.correctness.dtype == np.float64
    )


@given(
    n_epochs=st.integers(1, 30),
    length=st.integers(1, 30),
    seed=st.integers(0, 999),
    offset=st.sampled_from([0.0, 1.0, 1e6]),
)
@settings(max_examples=60, deadline=None)
def test_sliding_moments_are_those_of_each_window(
    n_epochs: int, length: int, seed: int, offset: float
):
    length = min(length, n_epochs)
    values = np.random.default_rng(seed).random((n_epochs, 4)) + offset
    groups = list(sliding_moments(values, length))
    mean = np.concatenate([group[0] for group in groups])
    std = np.concatenate([group[1] for group in groups])
    assert len(mean) == len(std) == n_epochs - length + 1
    for start in range(len(mean)):
        part = values[start : start + length]
        np.testing.assert_allclose(mean[start], part.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(std[start], part.std(axis=0), rtol=1e-9, atol=1e-12)


def test_a_plateau_after_a_jump_has_exactly_no_deviation():
    values = np.concatenate([np.full((10, 1), 0.1), np.full((10, 1), 0.9)])
    std = np.concatenate([group[1] for group in sliding_moments(values, 5)])
    assert (std[:6] == 0).all()
    assert (std[10:] == 0).all()
    assert (std[6:10] > 0).all()


@pytest.mark.parametrize("name", NEW)
@given(seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_permuting_samples_permutes_scores(name: str, seed: int):
    dynamics = random_dynamics(14, 8, seed)
    order = np.random.default_rng(seed).permutation(8)
    planes = {plane: values[:, order] for plane, values in dynamics.planes.items()}
    permuted = TrainingDynamics(planes, dynamics.labels[order], 14, dynamics.class_names)
    np.testing.assert_allclose(
        compute_score(permuted, name).values,
        compute_score(dynamics, name).values[order],
        rtol=1e-12,
        atol=1e-14,
    )


@pytest.mark.parametrize("name", [n for n in NEW if not n.startswith("expectation")])
def test_a_constant_history_is_as_easy_as_can_be(name: str):
    p = np.tile(np.array([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3]]), (12, 1, 1))
    values = compute_score(dynamics_of(p, np.array([0, 0])), name).values
    # Ranks of ties are all one half, so that DUCS of equals is one half.
    assert values.tolist() == ([0.5, 0.5] if name == "ducs" else [0.0, 0.0])


@pytest.mark.parametrize("name", NEW)
@given(seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_scores_lie_within_their_bounds(name: str, seed: int):
    values = compute_score(random_dynamics(12, 6, seed), name).values
    most = {
        "eva_single": 0.5,
        "expectation_single": math.sqrt(2),
        "expectation_dual": 2 * math.sqrt(2),
        "dyn_unc": 0.5,
        "dual": 0.5,
        "tdds": math.inf,
        "ducs": 1,
    }[name]
    assert values.dtype == np.float64
    assert values.shape == (6,)
    assert (values >= 0).all()
    assert (values <= most + 1e-6).all()


@pytest.mark.parametrize("name", NEW)
def test_one_sample_is_scored(name: str):
    assert np.isfinite(compute_score(random_dynamics(12, 1), name).values).all()


@pytest.mark.parametrize(
    ("name", "plane"),
    [
        ("eva_single", "error_norm"),
        ("expectation_single", "error_norm"),
        ("expectation_dual", "error_norm"),
        ("dyn_unc", "label_probability"),
        ("dual", "label_probability"),
        ("tdds", "probabilities"),
        ("ducs", "label_probability"),
    ],
)
def test_gaps_are_refused_in_one_sentence(name: str, plane: str):
    dynamics = random_dynamics(14, 5)
    dynamics.planes[plane][1, 3] = np.nan
    with pytest.raises(CoresetError, match=f"{plane} must be recorded for every sample in "):
        compute_score(dynamics, name)


def test_a_gap_outside_the_windows_does_no_harm():
    dynamics = random_dynamics(40, 5)
    dynamics.planes["label_probability"][35, 2] = np.nan
    assert np.isfinite(compute_score(dynamics, "dual").values).all()


def test_the_data_map_refuses_gaps():
    dynamics = random_dynamics(6, 5)
    dynamics.planes["label_probability"][1, 3] = np.nan
    with pytest.raises(CoresetError, match="label_probability must be recorded"):
        data_map(dynamics)
    dynamics = random_dynamics(6, 5)
    dynamics.planes["prediction"][1, 3] = 255
    with pytest.raises(CoresetError, match="prediction must be recorded"):
        data_map(dynamics)


def test_a_run_without_probabilities_says_what_to_record():
    dynamics = random_dynamics(without=("probabilities",))
    with pytest.raises(
        CoresetError,
        match=r"^score tdds needs probabilities, which this run did not record\. "
        r"Train again with a probability budget of at least 1 MB\.$",
    ):
        compute_score(dynamics, "tdds")
    with pytest.raises(CoresetError, match="probabilities"):
        compute_score(dynamics, "ducs", {"confidence": "max"})


@pytest.mark.parametrize("name", SCORES)
def test_every_score_says_which_plane_it_misses(name: str):
    plane = SCORES[name].needs[0]
    with pytest.raises(CoresetError, match=f"^score {name} needs {plane}, which this run did not"):
        compute_score(random_dynamics(without=(plane,)), name)


@pytest.mark.parametrize("n_epochs", [4, 5, 9])
@pytest.mark.parametrize("name", [name for name in SCORES if "vog" not in name])
def test_defaults_shrink_with_a_short_run(name: str, n_epochs: int):
    values = compute_score(random_dynamics(n_epochs, 4), name).values
    assert np.isfinite(values).all()


@pytest.mark.parametrize(
    ("name", "option", "value", "sentence"),
    [
        (
            "dyn_unc",
            "window",
            9,
            "option window must be at most the 8 epochs that are scored, got 9",
        ),
        ("ducs", "window", 9, "option window must be at most the 8 epochs that are scored, got 9"),
        ("tdds", "window", 9, "option window must be at most the 8 epochs that are scored, got 9"),
        ("dual", "epochs", 9, "option epochs must lie within the 8 recorded epochs, got 1-9"),
        ("dual", "epochs", 5, "option window must be at most the 5 epochs that are scored, got 8"),
        ("eva_single", "window", "1-9", "window must lie within the 8 recorded epochs, got 1-9"),
        ("tdds", "window", 2, "option window must be a whole number from 3 to"),
        ("tdds", "decay", 0, "option decay must be a number from 0.001 to 1, got 0"),
        ("dyn_unc", "window", 1, "option window must be a whole number from 2 to"),
        ("ducs", "lambda", 1.1, "option lambda must be a number from 0 to 1, got 1.1"),
        ("ducs", "combiner", "sum", "option combiner must be one of weighted, rank_sum"),
        ("ducs", "weight", 1, "score ducs has no option 'weight'. Its options are: lambda, "),
    ],
)
def test_options_out_of_range_are_refused(name: str, option: str, value: Any, sentence: str):
    with pytest.raises(CoresetError) as raised:
        compute_score(random_dynamics(8, 4), name, {option: value})
    assert sentence in str(raised.value)


@pytest.mark.parametrize(("name", "least"), [("dyn_unc", 2), ("dual", 2), ("ducs", 2), ("tdds", 3)])
def test_a_run_too_short_for_any_window_is_refused(name: str, least: int):
    with pytest.raises(CoresetError, match=f"need at least {least} epochs, got {least - 1}"):
        compute_score(random_dynamics(least - 1, 4), name)


def test_the_reading_of_an_abstract_is_named_as_such():
    assert "our reading of an abstract" in SCORES["ducs"].title.lower()
    assert "our reading of an abstract" in SCORES["ducs"].summary.lower()


@pytest.mark.parametrize("name", SCORES)
def test_every_score_declares_what_a_list_of_scores_shows(name: str):
    score = SCORES[name]
    assert score.title
    assert score.summary
    assert score.source
    assert score.needs
    for option in score.options.values():
        assert option.help
        assert option.default_for(100) is not None
