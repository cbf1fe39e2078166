"""K-Medoids ends on every input: searched in a process of its own, under a deadline."""

import subprocess
import sys
import textwrap

import pytest

DEADLINE_SECONDS = 240

# Rows that are copies, or all equally far apart, or equal but for rounding.
SEARCH = textwrap.dedent("""
    import sys
    import numpy as np
    from hypothesis import given, settings, strategies as st
    from coreset_lib.clustering import k_medoids
    from coreset_lib.errors import CoresetError

    KIND, N_EXAMPLES = sys.argv[1], int(sys.argv[2])

    FOUND = []

    def rows(kind, random, n, width):
        if kind == "one_hot":
            return np.eye(width)[random.integers(0, width, n)]
        if kind == "binary":
            return random.integers(0, 2, (n, width)).astype(float)
        few = random.normal(size=(max(n // 20, 1), width)) * 10.0 ** random.integers(-3, 4)
        copies = few[random.integers(0, len(few), n)]
        if kind == "copies":
            return copies
        turned = np.linalg.qr(random.normal(size=(width, width)))[0]
        noise = 10.0 ** random.integers(-9, -4) * random.normal(size=copies.shape)
        return ((copies - copies.mean(axis=0)) @ turned + noise).astype(np.float32)

    @settings(max_examples=N_EXAMPLES, deadline=None, derandomize=True, database=None)
    @given(
        seed=st.integers(0, 2**20),
        n=st.integers(3, 150),
        width=st.integers(2, 40),
        k=st.integers(2, 40),
        metric=st.sampled_from(["euclidean", "manhattan", "cosine"]),
    )
    def search(seed, n, width, k, metric):
        features = rows(KIND, np.random.default_rng(seed), n, width)
        try:
            found = k_medoids(features, k, metric=metric, seed=seed % 7, workers=1)
        except CoresetError:  # more clusters than different rows
            return
        FOUND.append(found)
        assert len(set(found.medoids.tolist())) == k
        assert np.isfinite(found.inertia) and found.inertia >= 0

    search()
    print("ended", len(FOUND) > 5)
""")


@pytest.mark.parametrize("kind", ["one_hot", "binary", "copies", "turned_copies"])
def test_the_search_ends_on_rows_that_are_nearly_equal(kind):
    done = subprocess.run(
        [sys.executable, "-c", SEARCH, kind, "200"],
        timeout=DEADLINE_SECONDS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "ended True\n", done.stderr[-2000:]
