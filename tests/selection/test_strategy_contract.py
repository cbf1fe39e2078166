"""That every strategy has a reference and a line in the docs; the list is the registry's.

What every strategy promises of any run stands in test_strategies.py.
"""

from pathlib import Path

import numpy as np
import pytest
from strategy_references import REFERENCES, make_case

from coreset_lib.selection import STRATEGIES, SelectionConfig, select_coreset

METHODS = Path(__file__).parents[2] / "docs" / "methods.md"
OWN = STRATEGIES.built_in_names


@pytest.mark.parametrize("name", OWN)
class TestEveryStrategy:
    @pytest.mark.parametrize("seed", range(4))
    def test_has_a_reference_and_keeps_what_it_says(self, name, seed):
        assert name in REFERENCES, f"tests/oracles/strategy_references.py has nothing on {name}"
        case = make_case(seed)
        options = {"variance": 0.9999} if "variance" in STRATEGIES[name].options else {}
        config = SelectionConfig(
            strategy=name,
            strategy_options=options,
            rate=case.n_keep / len(case.labels),
            seed=case.seed,
        )
        points = np.array(case.points, np.float32)
        selection = select_coreset(
            case.dynamics, config, score=case.score, features=points, early_features=points
        )
        assert sorted(selection.indices.tolist()) == sorted(REFERENCES[name](case))

    def test_has_a_line_in_the_methods(self, name):
        section = METHODS.read_text().split("\n## Selection\n")[1].split("\n### ")[0]
        points = section.split("\n- ")[1:]
        assert any(f"`{name}`" in point for point in points), f"docs/methods.md says no {name}"

    def test_says_what_a_list_shows(self, name):
        strategy = STRATEGIES[name]
        assert strategy.title
        assert strategy.summary.endswith(".")
        assert strategy.source
        assert all(option.help for option in strategy.options.values())


def test_no_reference_is_left_of_a_strategy_that_is_gone():
    assert set(REFERENCES) <= set(OWN)
