"""The recommended strategy: the second version, the first, and which one a record means."""

import numpy as np
import pytest
from two_class_run import LABELS, blobs, choose, dynamics_with

from coreset_lib.selection import SelectionConfig, recommended
from coreset_lib.selection.agreement import neighbour_votes
from coreset_lib.selection.recommended import early_margin, say_left_out

FIRST = {"strategy": "recommended", "strategy_options": {"version": "1"}}
SECOND = {"strategy": "recommended", "strategy_options": {"version": "2"}}


def votes_by_loops(features, labels, n_neighbours):
    """Count the classes of the nearest others, by angle; each vote over the size of its class."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    found = []
    for i, row in enumerate(unit):
        others = [j for j in range(len(unit)) if j != i]
        near = sorted(others, key=lambda j: -float(row @ unit[j]))[:n_neighbours]
        votes = [sum(labels[j] == k for j in near) / sum(labels[others] == k) for k in (0, 1)]
        found.append([vote / sum(votes) for vote in votes])
    return np.array(found)


@pytest.mark.parametrize("n_neighbours", [1, 7, 50, 80])
def test_votes_of_the_nearest_others_count_by_the_rarity_of_their_class(n_neighbours):
    rng = np.random.default_rng(n_neighbours)
    features = rng.normal(size=(60, 4)).astype(np.float32)
    found = neighbour_votes(features, LABELS, 2, n_neighbours=n_neighbours)
    np.testing.assert_allclose(found, votes_by_loops(features, LABELS, n_neighbours))


def test_a_sample_does_not_vote_for_itself_among_copies():
    found = neighbour_votes(np.ones((60, 3), np.float32), LABELS, 2, n_neighbours=59)
    own = found[np.arange(60), LABELS]
    np.testing.assert_allclose(own, np.full(60, 0.5))


def test_a_sample_that_is_alone_is_no_suspect():
    assert neighbour_votes(np.ones((1, 3), np.float32), np.array([1]), 2).tolist() == [[0, 1]]


def test_among_very_many_the_neighbours_are_sought_among_a_part(monkeypatch):
    monkeypatch.setattr("coreset_lib.selection.agreement.MOST_REFERENCES", 30)
    early = np.eye(2, dtype=np.float32)[LABELS]
    np.testing.assert_array_equal(neighbour_votes(early, LABELS, 2, n_neighbours=5), early)


def early_blobs(strangers):
    """An early embedding of one island for each class; strangers lie on the other one's."""
    island = LABELS.copy()
    island[strangers] = 1 - island[strangers]
    noise = np.random.default_rng(1).normal(scale=0.01, size=(60, 2))
    return (np.eye(2)[island] + noise).astype(np.float32)


def test_the_second_version_leaves_out_what_other_classes_outvote():
    strangers = [3, 7, 11, 45]
    margins = np.full(60, 0.5)
    margins[[20, 50]] = -0.4  # suspects of the first version
    found = choose(dynamics_with(margins), blobs(5)[0], early_blobs(strangers), **SECOND, rate=0.9)
    assert set(range(60)) - set(found.indices.tolist()) >= set(strangers)
    assert [
        (part["part"], part["suspects"], part["left_out"], part["of"])
        for part in found.report["suspects"]
    ] == [("large", 3, 3, 40), ("small", 1, 1, 20)]
    said = "left out, as early neighbours say another class: large: 3 of 40; small: 1 of 20"
    assert say_left_out(found.report) == said
    nobody = choose(dynamics_with(margins), blobs(5)[0], early_blobs([]), **SECOND, rate=0.9)
    assert say_left_out(nobody.report) == "left out, as early neighbours say another class: none"
    first = choose(dynamics_with(margins), blobs(5)[0], **FIRST, rate=0.9)
    assert say_left_out(first.report) == ""


@pytest.mark.parametrize(
    ("votes", "is_suspect"),
    [((0.51, 0.49), False), ((0.49, 0.51), True), ((0.5, 0.5), False), ((0.0, 1.0), True)],
)
def test_a_sample_is_outvoted_by_the_smallest_majority_and_not_by_a_tie(
    monkeypatch, votes, is_suspect
):
    monkeypatch.setattr(recommended, "neighbour_votes", lambda *_: np.tile(votes, (60, 1)))
    found = choose(dynamics_with(np.zeros(60)), blobs(5)[0], early_blobs([]), **SECOND, rate=0.5)
    assert [part["suspects"] for part in found.report["suspects"]] == [
        40 * is_suspect,
        20 * (votes[0] > votes[1]),
    ]


def test_the_second_version_leaves_out_a_share_of_a_class_at_most_the_most_outvoted_first():
    strangers = [*range(12), *range(40, 46)]
    early = early_blobs(strangers)
    votes = neighbour_votes(early, LABELS, 2)
    small = {**SECOND["strategy_options"], "most_left_out": 0.1}
    few = choose(
        dynamics_with(np.zeros(60)),
        blobs(5)[0],
        early,
        strategy="recommended",
        strategy_options=small,
        rate=0.1,
    )
    assert [part["left_out"] for part in few.report["suspects"]] == [4, 2]
    own = votes[np.arange(60), LABELS]
    out = [*np.argsort(own[:40], kind="stable")[:4], *(40 + np.argsort(own[40:])[:2])]
    everybody = choose(
        dynamics_with(np.zeros(60)),
        blobs(5)[0],
        early,
        strategy="recommended",
        strategy_options=small,
        rate=0.9,
    )
    assert set(range(60)) - set(everybody.indices.tolist()) == set(map(int, out))


def test_a_class_that_everybody_outvotes_keeps_three_quarters():
    early = np.ones((60, 2), np.float32)
    early[LABELS == 1] += np.random.default_rng(0).normal(scale=1e-3, size=(20, 2))
    early[:40] = early[40:].repeat(2, axis=0)  # beside each small one two large ones
    found = choose(dynamics_with(np.zeros(60)), blobs(5)[0], early, **SECOND, rate=0.1)
    for part in found.report["suspects"]:
        assert part["left_out"] <= part["of"] / 4


def test_the_second_version_never_cuts_a_class_below_its_quota():
    found = choose(
        dynamics_with(np.zeros(60)), blobs(5)[0], early_blobs([1, 2, 3, 41]), **SECOND, rate=0.95
    )
    assert np.bincount(LABELS[found.indices]).tolist() == [38, 19]
    assert [part["left_out"] for part in found.report["suspects"]] == [2, 1]


@pytest.mark.parametrize("n_keep", [1, 2, 3])
def test_without_two_samples_for_each_class_the_second_version_is_random(n_keep):
    dynamics, early = dynamics_with(np.zeros(60)), early_blobs([3])
    for seed in range(5):
        choice = {"rate": n_keep / 60, "seed": seed}
        found = choose(dynamics, blobs(5)[0], early, **SECOND, **choice)
        drawn = choose(dynamics, blobs(5)[0], early, strategy="random", **choice)
        assert found.indices.tolist() == drawn.indices.tolist()
        assert "drawn at random" in found.report["note"]
    four = choose(dynamics, blobs(5)[0], early, **SECOND, rate=4 / 60)
    assert "note" not in four.report


def test_without_an_early_embedding_the_second_version_has_no_suspects():
    found = choose(dynamics_with(np.full(60, -0.5)), blobs(5)[0], **SECOND, rate=0.5)
    assert [part["left_out"] for part in found.report["suspects"]] == [0, 0]
    assert found.report["note"] == "the run kept no early embedding, so nobody is a suspect"


def test_the_second_version_is_the_default_and_a_record_says_so():
    config = SelectionConfig(strategy="recommended")
    assert config.as_dict()["strategy_options"]["version"] == "2"
    again = SelectionConfig.from_record(config.as_dict())
    assert again.read_strategy_options() == config.read_strategy_options()
    assert again.as_dict() == config.as_dict()


def test_the_second_version_covers_the_early_embedding_or_the_chosen_one():
    early = np.concatenate([early_blobs([]), 5 * blobs(2)[0]], axis=1).astype(np.float32)
    island = blobs(2)[1]
    wide = blobs(5)[0]
    kept = {
        embedding: choose(
            dynamics_with(np.zeros(60)),
            wide,
            early,
            strategy="recommended",
            balance="equal",
            rate=10 / 60,
            strategy_options={"embedding": embedding},
        ).indices
        for embedding in ("early", "chosen")
    }
    assert np.bincount(blobs(5)[1][kept["chosen"]]).tolist() == [2] * 5
    assert np.bincount(blobs(5)[1][kept["early"]]).tolist() != [2] * 5
    assert set(island[kept["early"]]) == {0, 1}


def test_a_record_from_before_there_were_versions_means_the_first():
    options = {"variance": 0.95, "early_share": 0.1, "draw_above": 0.25}
    record = {"strategy": "recommended", "strategy_options": options, "rate": 0.2}
    config = SelectionConfig.from_record(record)
    assert config.read_strategy_options()["version"] == "1"
    assert config.as_dict()["strategy_options"] == options


@pytest.mark.parametrize(("version", "last_middle", "first_drawn"), [("1", 15, 17), ("2", 9, 10)])
def test_where_the_samples_begin_to_be_drawn_follows_from_the_version(
    version, last_middle, first_drawn
):
    reports = [
        choose(
            dynamics_with(np.full(60, 0.5)),
            blobs(5)[0],
            early_blobs([]),
            strategy="recommended",
            strategy_options={"version": version},
            rate=n_keep / 60,
        ).report["suspects"]
        for n_keep in (last_middle, first_drawn)
    ]
    assert [part["drawn"] for part in reports[0]] == [False, False]
    assert any(part["drawn"] for part in reports[1])


@pytest.mark.parametrize("version", [FIRST, SECOND])
@pytest.mark.parametrize("balance", ["global", "proportional"])
def test_the_classes_keep_their_shares_where_no_balance_is_asked(version, balance):
    found = choose(
        dynamics_with(np.full(60, 0.5)),
        blobs(5)[0],
        early_blobs([]),
        **version,
        balance=balance,
        rate=0.3,
    )
    assert np.bincount(LABELS[found.indices]).tolist() == [12, 6]
    assert found.report["balance"] == "proportional"


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_middle_of_each_region_is_kept_at_low_rates_and_any_of_it_at_high_ones(version):
    def kept(seed: int, **options: float) -> set[int]:
        return set(
            choose(
                dynamics_with(np.full(60, 0.5)),
                blobs(3)[0],
                early_blobs([]),
                strategy="recommended",
                rate=6 / 60,
                seed=seed,
                balance="equal",
                strategy_options={"version": version, "embedding": "chosen", **options},
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


def test_the_first_version_leaves_out_what_its_label_did_not_fit_early_on():
    margins = np.full((20, 60), 0.5, np.float32)
    suspects = [3, 7, 11, 45]
    margins[:2, suspects] = -0.4  # the first tenth of the epochs; memorised later
    margins[2:, [20, 50]] = -0.4  # learned at first: no suspects
    found = choose(dynamics_with(margins), blobs(5)[0], **FIRST, rate=0.9)
    assert set(range(60)) - set(found.indices.tolist()) >= set(suspects)
    counts = [(part["suspects"], part["left_out"]) for part in found.report["suspects"]]
    assert counts == [(3, 3), (1, 1)]


def test_the_early_margin_is_the_mean_of_the_first_share_of_the_epochs():
    margins = np.random.default_rng(0).uniform(-1, 1, (20, 60)).astype(np.float32)
    found = early_margin(dynamics_with(margins), 0.25)
    np.testing.assert_allclose(found.values, margins[:5].mean(axis=0), atol=1e-6)
    one = early_margin(dynamics_with(margins), 0.01)
    np.testing.assert_allclose(one.values, margins[0], atol=1e-6)


def test_the_first_version_never_cuts_a_class_below_its_quota():
    margins = np.where(LABELS == 1, -0.5, 0.5)
    found = choose(dynamics_with(margins), blobs(5)[0], **FIRST, rate=0.5)
    assert np.bincount(LABELS[found.indices]).tolist() == [20, 10]
    small = found.report["suspects"][1]
    assert small == {"part": "small", "suspects": 20, "left_out": 10, "drawn": True}
    everything = choose(dynamics_with(margins), blobs(5)[0], **FIRST, rate=1)
    assert len(set(everything.indices.tolist())) == 60


def test_the_first_version_does_not_depend_on_the_score_that_was_chosen():
    dynamics, features = dynamics_with(np.linspace(-0.3, 0.9, 60)), blobs(3)[0]
    kept = [
        choose(dynamics, features, **FIRST, score=score, rate=0.2).indices.tolist()
        for score in (None, "eva", "forgetting")
    ]
    assert kept[0] == kept[1] == kept[2]


def test_the_first_version_suspects_a_negative_margin_and_no_other():
    margins = np.full(60, 0.5)
    margins[[0, 1, 2, 40]] = -1e-3
    margins[[3, 4, 41]] = 0
    margins[[5, 42]] = 1e-3
    found = choose(dynamics_with(margins), blobs(5)[0], **FIRST, rate=0.8)
    counts = [(part["suspects"], part["left_out"]) for part in found.report["suspects"]]
    assert counts == [(3, 3), (1, 1)]
    assert not {0, 1, 2, 40} & set(found.indices.tolist())


def test_the_first_version_leaves_out_the_lowest_margins_where_the_quota_needs_other_suspects():
    margins = np.full(60, 0.5)
    margins[:4] = -0.2, -0.9, -0.1, -0.6
    found = choose(dynamics_with(margins), blobs(5)[0], **FIRST, rate=0.95)
    quotas = np.bincount(LABELS[found.indices]).tolist()
    assert quotas == [38, 19]
    assert found.report["suspects"][0]["left_out"] == 40 - quotas[0]
    assert set(range(40)) - set(found.indices.tolist()) == {1, 3}


def test_the_first_version_looks_at_a_tenth_of_the_epochs_and_draws_above_a_quarter_of_a_class():
    margins = np.full((20, 60), 0.5, np.float32)
    margins[0, 3] = margins[2, 9] = -0.4  # the mean of the first two epochs is positive
    margins[:2, 45] = -0.4
    reports = [
        choose(dynamics_with(margins), blobs(5)[0], **FIRST, rate=rate).report
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
