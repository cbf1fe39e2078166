import numpy as np
import pandas as pd
import pytest

from coreset_lib.scores.score import ScoreValues
from coreset_lib.scores.search import SampleQuery, compare_tops, find_samples

SAMPLES = pd.DataFrame(
    {
        "sample_id": ["A-1", "a-2", "b(3)", "c"],
        "label": [0, 1, 1, 2],
        "extra:scanner": ["GE", "Siemens", "", "GE"],
    }
)
SCORE = ScoreValues("eva", np.array([0.1, 0.4, 0.2, 0.3]), "harder")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"text": "a-"}, [0, 1]),
        ({"text": " 2 "}, [1, 2]),
        ({"text": "(3)"}, [2]),
        ({"text": "*"}, []),
        ({"classes": (1, 2)}, [1, 2, 3]),
        ({"lowest": 0.2, "highest": 0.3}, [2, 3]),
        ({"shape": 5}, [3]),
        ({"column": "extra:scanner", "slices": ("GE",)}, [0, 3]),
        ({"column": "extra:scanner", "slices": ("GE", "Siemens"), "text": "a"}, [0, 1]),
        ({"column": "extra:scanner"}, [0, 1, 2, 3]),
        ({"text": "a", "classes": (1,), "lowest": 0.4}, [1]),
    ],
)
def test_queries_find_what_fits_all_their_parts(query, expected):
    shapes = np.array([0, 1, 1, 5])
    found = find_samples(SampleQuery(**query), SAMPLES, SCORE, shapes)
    assert np.flatnonzero(found).tolist() == expected


def test_the_change_of_the_hardest_counts_those_that_stay_and_the_class_mix():
    other = ScoreValues("eva", np.array([0.9, 0.4, 0.2, 0.3]), "harder")
    change = compare_tops(SCORE, other, SAMPLES["label"].to_numpy(), 2, 3)
    assert (change.n_kept, change.n_stay) == (2, 1)  # 1, 3 before; 0, 1 after
    assert change.share_before.tolist() == [0, 0.5, 0.5]
    assert change.share_after.tolist() == [0.5, 0.5, 0]
