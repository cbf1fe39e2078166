"""Coverage of a class by k-means cells, and the strategy that we recommend."""

import numpy as np
import pytest

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.selection import SelectionConfig, select_coreset
from coreset_lib.selection.coverage import early_margin, k_means_cells

LABELS = np.repeat([0, 1], [40, 20])


def dynamics_with(margins):
    """Margins of each epoch, or six times the same; the other planes follow from them loosely."""
    margin = np.asarray(margins, np.float32)
    margin = margin if margin.ndim == 2 else np.tile(margin, (6, 1))
    planes = {
        "error_norm": 1 - margin,
        "label_probability": (1 + margin) / 2,
        "margin": margin,
        "entropy": np.ones_like(margin),
        "prediction": np.zeros(margin.shape, np.uint8),
    }
    return TrainingDynamics(planes, LABELS, len(margin), ("large", "small"))


def blobs(n_blobs, seed=0):
    """Features in well separated blobs, and the blob of each sample."""
    blob = np.arange(len(LABELS)) % n_blobs
    noise = np.random.default_rng(seed).normal(scale=0.05, size=(len(LABELS), 5))
    return (10 * np.eye(5)[blob] + noise).astype(np.float32), blob


def choose(dynamics, features, **config):
    config = {"score": None, "balance": "proportional"} | config
    return select_coreset(dynamics, SelectionConfig(**config), features=features)


def test_every_blob_of_every_class_gives_its_most_central_sample():
    corners, blob = blobs(4)
    features = corners @ np.array([[1, 1], [1, -1], [-1, 1], [-1, -1], [0, 0]], np.float32)
    dynamics = dynamics_with(np.full(60, 0.5))
    kept = choose(dynamics, features, strategy="coverage", rate=12 / 60).indices
    assert sorted(np.bincount(LABELS[kept])) == [4, 8]
    small = kept[LABELS[kept] == 1]
    assert sorted(blob[small]) == [0, 1, 2, 3]
    for sample in small:
        mates = np.flatnonzero((LABELS == 1) & (blob == blob[sample]))
        centre = features[mates].mean(axis=0)
        distances = np.linalg.norm(features[mates] - centre, axis=1)
        assert sample == mates[distances.argmin()]


def test_equal_rows_share_a_cell_and_the_budget_is_filled_all_the_same():
    features = np.zeros((60, 3), np.float32)
    features[::2] = 1
    kept = choose(dynamics_with(np.full(60, 0.5)), features, strategy="coverage", rate=0.5).indices
    assert len(set(kept.tolist())) == 30


def test_as_many_cells_as_different_rows_are_these_rows():
    rows = np.array([[0.0], [1.0], [1.0], [5.0]])
    cells, distances = k_means_cells(rows, 3, seed=0)
    assert cells.tolist() == [0, 1, 1, 2]
    assert distances.tolist() == [0] * 4


def test_recommended_leaves_out_what_its_label_did_not_fit_early_on():
    margins = np.full((20, 60), 0.5, np.float32)
    suspects = [3, 7, 11, 45]
    margins[:2, suspects] = -0.4  # the first tenth of the epochs; memorised later
    margins[2:, [20, 50]] = -0.4  # learned at first: no suspects
    found = choose(dynamics_with(margins), blobs(5)[0], strategy="recommended", rate=0.9)
    assert set(range(60)) - set(found.indices.tolist()) >= set(suspects)
    counts = [(part["suspects"], part["left_out"]) for part in found.report["suspects"]]
    assert counts == [(3, 3), (1, 1)]


def test_the_early_margin_is_the_mean_of_the_first_share_of_the_epochs():
    margins = np.random.default_rng(0).uniform(-1, 1, (20, 60)).astype(np.float32)
    found = early_margin(dynamics_with(margins), 0.25)
    np.testing.assert_allclose(found.values, margins[:5].mean(axis=0), atol=1e-6)
    one = early_margin(dynamics_with(margins), 0.01)
    np.testing.assert_allclose(one.values, margins[0], atol=1e-6)


def test_recommended_never_cuts_a_class_below_its_quota():
    margins = np.where(LABELS == 1, -0.5, 0.5)
    found = choose(dynamics_with(margins), blobs(5)[0], strategy="recommended", rate=0.5)
    assert np.bincount(LABELS[found.indices]).tolist() == [20, 10]
    small = found.report["suspects"][1]
    assert small == {"part": "small", "suspects": 20, "left_out": 10, "drawn": True}
    everything = choose(dynamics_with(margins), blobs(5)[0], strategy="recommended", rate=1)
    assert len(set(everything.indices.tolist())) == 60


def test_recommended_takes_the_middle_of_each_region_at_low_rates_and_any_of_it_at_high_ones():
    def kept(seed: int, **options: float) -> set[int]:
        return set(
            choose(
                dynamics_with(np.full(60, 0.5)),
                blobs(3)[0],
                strategy="recommended",
                rate=6 / 60,
                seed=seed,
                balance="equal",
                strategy_options=options,
            ).indices.tolist()
        )

    _, cell_of = blobs(3)
    middles = kept(0)
    assert all(kept(seed) == middles for seed in range(1, 5))
    drawn = [kept(seed, draw_above=0.05) for seed in range(5)]
    assert len({tuple(sorted(each)) for each in drawn}) > 1
    for each in drawn:
        regions = {(int(LABELS[sample]), int(cell_of[sample])) for sample in each}
        assert len(regions) == 6


@pytest.mark.parametrize("balance", ["global", "proportional"])
def test_recommended_keeps_the_shares_of_the_classes_where_no_balance_is_asked(balance):
    found = choose(
        dynamics_with(np.full(60, 0.5)),
        blobs(5)[0],
        strategy="recommended",
        balance=balance,
        rate=0.3,
    )
    assert np.bincount(LABELS[found.indices]).tolist() == [12, 6]
    assert found.report["balance"] == "proportional"


def test_recommended_does_not_depend_on_the_score_that_was_chosen():
    dynamics, features = dynamics_with(np.linspace(-0.3, 0.9, 60)), blobs(3)[0]
    kept = [
        choose(dynamics, features, strategy="recommended", score=score, rate=0.2).indices.tolist()
        for score in (None, "eva", "forgetting")
    ]
    assert kept[0] == kept[1] == kept[2]


def test_recommended_suspects_a_negative_margin_and_no_other():
    margins = np.full(60, 0.5)
    margins[[0, 1, 2, 40]] = -1e-3
    margins[[3, 4, 41]] = 0
    margins[[5, 42]] = 1e-3
    found = choose(dynamics_with(margins), blobs(5)[0], strategy="recommended", rate=0.8)
    counts = [(part["suspects"], part["left_out"]) for part in found.report["suspects"]]
    assert counts == [(3, 3), (1, 1)]
    assert not {0, 1, 2, 40} & set(found.indices.tolist())


def test_recommended_leaves_out_the_lowest_margins_where_the_quota_needs_other_suspects():
    margins = np.full(60, 0.5)
    margins[:4] = -0.2, -0.9, -0.1, -0.6
    found = choose(dynamics_with(margins), blobs(5)[0], strategy="recommended", rate=0.95)
    quotas = np.bincount(LABELS[found.indices]).tolist()
    assert quotas == [38, 19]
    assert found.report["suspects"][0]["left_out"] == 40 - quotas[0]
    assert set(range(40)) - set(found.indices.tolist()) == {1, 3}


def test_recommended_looks_at_a_tenth_of_the_epochs_and_draws_above_a_quarter_of_a_class():
    margins = np.full((20, 60), 0.5, np.float32)
    margins[0, 3] = margins[2, 9] = -0.4  # the mean of the first two epochs is positive
    margins[:2, 45] = -0.4
    reports = [
        choose(dynamics_with(margins), blobs(5)[0], strategy="recommended", rate=rate).report
        for rate in (15 / 60, 17 / 60)
    ]
    assert [part["suspects"] for part in reports[0]["suspects"]] == [0, 1]
    assert [[part["drawn"] for part in r["suspects"]] for r in reports] == [[False] * 2, [True] * 2]


@pytest.mark.parametrize(
    ("n_epochs", "n_early"), [(1, 1), (14, 1), (16, 2), (24, 2), (26, 3), (100, 10)]
)
def test_the_early_epochs_are_a_tenth_rounded_and_at_least_one(n_epochs, n_early):
    margins = np.random.default_rng(0).uniform(-1, 1, (n_epochs, 60)).astype(np.float32)
    found = early_margin(dynamics_with(margins), 0.1)
    np.testing.assert_allclose(found.values, margins[:n_early].mean(axis=0), atol=1e-6)
