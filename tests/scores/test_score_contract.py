"""What every score promises, whichever file it lies in; the list comes from the registry."""

from pathlib import Path

import numpy as np
import pytest
from score_oracles import ORACLES, full_dynamics

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.errors import CoresetError
from coreset_lib.scores import SCORES, compute_score

METHODS = Path(__file__).parents[2] / "docs" / "methods.md"
OWN = SCORES.built_in_names


def permuted(dynamics, order):
    """The same run with its samples in another order."""
    planes = {name: plane[:, order] for name, plane in dynamics.planes.items()}
    extras = {name: values[order] for name, values in dynamics.extras.items()}
    labels = dynamics.labels[order]
    return TrainingDynamics(planes, labels, dynamics.n_epochs, dynamics.class_names, extras)


@pytest.mark.parametrize("name", OWN)
class TestEveryScore:
    def test_has_an_oracle_in_plain_loops_and_equals_it(self, name):
        assert name in ORACLES, f"tests/oracles/score_oracles.py has no formula of {name}"
        for seed in range(3):
            dynamics = full_dynamics(seed)
            values = compute_score(dynamics, name).values
            np.testing.assert_allclose(values, ORACLES[name](dynamics), rtol=1e-9, atol=1e-12)

    def test_has_a_line_in_the_methods(self, name):
        section = METHODS.read_text().split("\n## Scores\n")[1].split("\n## ")[0]
        rows = [row for row in section.splitlines() if row.startswith("|")]
        found = [row for row in rows if f"`{name}`" in row.split("|")[1]]
        assert found, f"docs/methods.md has no row of {name}"
        direction = found[0].rstrip("| ").rpartition("|")[2].strip()
        assert direction == {"harder": "high", "easier": "low"}[SCORES[name].direction]

    def test_says_what_a_list_shows(self, name):
        score = SCORES[name]
        assert score.title
        assert score.summary.endswith(".")
        assert score.source
        assert all(option.help for option in score.options.values())

    def test_permuting_samples_permutes_scores(self, name):
        dynamics = full_dynamics()
        order = np.random.default_rng(5).permutation(dynamics.n_samples)
        moved = compute_score(permuted(dynamics, order), name).values
        np.testing.assert_allclose(moved, compute_score(dynamics, name).values[order], rtol=1e-9)

    def test_gives_one_finite_number_per_sample_even_of_one(self, name):
        score = compute_score(full_dynamics(n_samples=2), name)
        assert score.values.shape == (2,)
        assert score.values.dtype == np.float64
        only = permuted(full_dynamics(n_samples=2), np.array([0]))
        assert np.isfinite(compute_score(only, name).values).all()

    def test_names_what_was_not_recorded(self, name):
        dynamics = full_dynamics()
        for plane in SCORES[name].needs:
            planes = {n: p for n, p in dynamics.planes.items() if n != plane}
            extras = {n: v for n, v in dynamics.extras.items() if n != plane}
            less = TrainingDynamics(planes, dynamics.labels, 40, dynamics.class_names, extras)
            with pytest.raises(CoresetError, match=f"needs {plane}, which this run"):
                compute_score(less, name)

    def test_options_survive_a_trip_through_text(self, name):
        dynamics = full_dynamics()
        first = compute_score(dynamics, name)
        texts = {option: str(value) for option, value in first.plain_options().items()}
        np.testing.assert_array_equal(compute_score(dynamics, name, texts).values, first.values)


def test_no_oracle_is_left_of_a_score_that_is_gone():
    assert set(ORACLES) <= set(OWN)
