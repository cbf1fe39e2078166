"""Kappa against cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coreset_lib.errors import ReviewError
from coreset_lib.review.agreement import (
    LEAST_SAMPLES,
    Agreement,
    _interval,
    _kappas,
    agreement,
    cohen_kappa,
    fleiss_kappa,
    kappa_in_words,
)


@pytest.fixture
def database(tmp_path):
    """One kind of database is enough here: nothing depends on it."""
    return str(tmp_path / "review.sqlite3")


def test_cohens_kappa_of_a_table_worked_by_hand():
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: p_o = 0.7, p_e = 0.5*0.6 + 0.5*0.4 = 0.5.
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohen_kappa(first, second) == pytest.approx(0.4)


def test_cohens_kappa_of_three_classes_worked_by_hand():
    # p_o = 3/4; shares a 2/4, b 1/4, c 1/4 and a 1/4, b 2/4, c 1/4: p_e = 5/16.
    assert cohen_kappa(["a", "a", "b", "c"], ["a", "b", "b", "c"]) == pytest.approx(7 / 11)


def test_kappa_is_not_defined_where_chance_agrees_fully():
    assert cohen_kappa(["a", "a"], ["a", "a"]) is None
    assert cohen_kappa([], []) is None
    assert fleiss_kappa(np.array([[3, 0], [3, 0]])) is None
    assert fleiss_kappa(np.array([[1, 0]])) is None


def test_readers_of_different_numbers_of_samples_are_refused():
    with pytest.raises(ReviewError, match="got 1 and 2 labels"):
        cohen_kappa(["a"], ["a", "b"])


def test_fleiss_kappa_of_the_example_in_the_literature():
    # 10 subjects, 14 raters, 5 categories: P = 0.378, P_e = 0.213, kappa = 0.210.
    counts = np.array(
        [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ]
    )
    assert fleiss_kappa(counts) == pytest.approx(0.210, abs=5e-4)


def test_fleiss_kappa_worked_by_hand():
    # Three readers: aab, bbb. P = (1/3 + 1)/2 = 2/3; shares 1/3, 2/3: P_e = 5/9.
    assert fleiss_kappa(np.array([[2, 1], [0, 3]])) == pytest.approx((2 / 3 - 5 / 9) / (4 / 9))


labels = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=20)


@given(labels)
def test_kappa_is_symmetric_and_at_most_one(pairs):
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    kappa = cohen_kappa(first, second)
    assert kappa == pytest.approx(cohen_kappa(second, first)) if kappa is not None else True
    assert kappa is None or -1 - 1e-12 <= kappa <= 1


@given(labels, st.permutations("abc"))
def test_kappa_does_not_care_how_classes_are_called(pairs, names):
    renamed = dict(zip("abc", names, strict=True))
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    again = cohen_kappa([renamed[a] for a in first], [renamed[b] for b in second])
    kappa = cohen_kappa(first, second)
    assert (kappa is None) == (again is None)
    assert kappa is None or kappa == pytest.approx(again)


def test_two_readers_have_cohens_kappa_of_what_both_labelled(decide, reviews, reviewed):
    for sample, first, second in (
        ("s0", "kidney", "kidney"),
        ("s1", "kidney", "=liver"),
        ("s2", "=liver", "=liver"),
        ("s3", "spleen", "spleen"),
    ):
        decide("rita", sample, first)
        decide("ravi", sample, second)
    decide("rita", "s8", "kidney")
    found = agreement(reviews.events(reviewed.fingerprint))
    assert (found.readers, found.n_samples, found.kind) == (("ravi", "rita"), 4, "Cohen")
    assert found.kappa == pytest.approx(7 / 11)
    assert found.share_agreed == 0.75


def test_three_readers_have_fleiss_kappa_and_every_pair_cohens(decide, reviews, reviewed):
    for reader, given_labels in (
        ("rita", ("kidney", "=liver")),
        ("ravi", ("kidney", "=liver")),
        ("sam", ("=liver", "=liver")),
    ):
        for sample, label in zip(("s0", "s1"), given_labels, strict=True):
            decide(reader, sample, label)
    found = agreement(reviews.events(reviewed.fingerprint))
    assert (found.kind, found.n_samples) == ("Fleiss", 2)
    assert found.kappa == pytest.approx(0.25)
    assert ("ravi", "rita", 2, 1.0) in found.pairs


def test_an_undone_label_and_a_confirmation_are_no_readings(decide, reviews, reviewed):
    proposal = decide("rita", "s0", "spleen")
    decide("sam", "s0", action="confirm", target=proposal.id)
    decide("ravi", "s0", "spleen")
    reviews.undo(reviewed, "ravi")
    assert agreement(reviews.events(reviewed.fingerprint)).n_samples == 0


@pytest.mark.parametrize(
    ("kappa", "word"),
    [(-0.1, "poor"), (0.2, "slight"), (0.5, "moderate"), (0.9, "almost perfect"), (None, "not")],
)
def test_kappa_has_words(kappa, word):
    assert kappa_in_words(kappa).startswith(word)


def pairs_of(counts):
    """Labels of two readers: how often each pair of labels was given."""
    return [{"a": a, "b": b} for (a, b), n in counts.items() for _ in range(n)]


def test_the_interval_is_that_of_the_usual_large_sample_formula():
    # The table of 50 above has kappa 0.4; Fleiss, Cohen and Everitt (1969), Eq. 13, give the
    # standard error 0.1270.
    given = pairs_of({("y", "y"): 20, ("y", "n"): 5, ("n", "y"): 10, ("n", "n"): 15})
    low, high = _interval(given, "Cohen", ("a", "b"))
    assert low == pytest.approx(0.4 - 1.96 * 0.1270, abs=0.04)
    assert high == pytest.approx(0.4 + 1.96 * 0.1270, abs=0.04)


def test_a_draw_of_every_sample_once_gives_the_kappas_themselves():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, size=(40, 3))
    one_hot = np.eye(3)[labels]
    once = np.ones((1, 40), dtype=np.int64)
    counts = one_hot.sum(axis=1).astype(np.int64)
    assert _kappas(once, one_hot, is_cohen=False)[0] == pytest.approx(fleiss_kappa(counts))
    two = [list(map(str, labels[:, reader])) for reader in (0, 1)]
    found = _kappas(once, one_hot[:, :2], is_cohen=True)[0]
    assert found == pytest.approx(cohen_kappa(*two))


def test_kappa_is_told_only_from_a_sensible_number_on():
    few = Agreement(
        readers=("a", "b"), n_samples=LEAST_SAMPLES - 1, share_agreed=1.0, kind="Cohen",
        kappa=1.0, pairs=(), interval=(1.0, 1.0),
    )  # fmt: skip
    assert "Kappa is told from 30 such samples on" in str(few)
    assert "kappa 1.00" not in str(few)


def test_there_is_no_interval_where_kappa_is_mostly_not_defined():
    given = [*pairs_of({("y", "y"): 39}), {"a": "y", "b": "n"}]
    low, high = _interval(given, "Cohen", ("a", "b"))
    assert low <= high <= 0
    assert _interval(pairs_of({("y", "y"): 40}), "Cohen", ("a", "b")) is None
