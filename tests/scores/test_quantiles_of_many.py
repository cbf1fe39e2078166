import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hst

from coreset_lib.scores import population
from coreset_lib.scores.population import BINS, QUANTILES, epoch_quantiles


@settings(deadline=None)
@given(seed=hst.integers(0, 100), skew=hst.sampled_from([0.3, 1.0, 5.0]))
def test_a_histogram_gives_the_exact_quantiles_to_one_bin(seed, skew):
    values = np.random.default_rng(seed).random(2000).astype(np.float32) ** skew
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(population, "MOST_EXACT", 10)
        found = population._quantiles(values)
    below = np.quantile(values, QUANTILES, method="lower")
    above = np.quantile(values, QUANTILES, method="higher")
    bin_width = np.ptp(values) / BINS
    assert (found >= below - 1.01 * bin_width).all()
    assert (found <= above + 1.01 * bin_width).all()


def test_equal_values_have_equal_quantiles(monkeypatch):
    monkeypatch.setattr(population, "MOST_EXACT", 10)
    assert population._quantiles(np.full(100, 0.7, np.float32)).tolist() == pytest.approx([0.7] * 5)


def test_epochs_are_summarised_one_by_one_from_the_first_asked_for(make_dynamics):
    rows = [[0.0, 1.0], [np.nan, 0.5], [np.nan, np.nan]]
    dynamics = make_dynamics(error_norm=rows)
    quantiles = epoch_quantiles(dynamics, "error_norm")
    assert quantiles[0].tolist() == pytest.approx([0.05, 0.25, 0.5, 0.75, 0.95])
    assert quantiles[1].tolist() == [0.5] * 5
    assert np.isnan(quantiles[2]).all()
    assert epoch_quantiles(dynamics, "error_norm", first=1)[0].tolist() == [0.5] * 5
    assert epoch_quantiles(dynamics, "error_norm", first=5).shape == (0, 5)
