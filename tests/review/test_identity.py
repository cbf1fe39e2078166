"""Who is who: look-alike names are one person, and a login is its subject at its provider."""

import pytest

from coreset_lib.errors import ReviewError
from coreset_lib.review.identity import folded, is_same_person, login_name, reader_of_login
from coreset_lib.review.records import LONGEST_NAME, Decision
from coreset_lib.review.store import open_reviews

ALIKE = (
    ("r1", "R1"),
    ("r1", "Rl"),
    ("anna.meier", "Anna Meier"),
    ("anna", "аnna"),
    ("anna", "\uff41nna"),
    ("josé", "jose"),
    ("bob", "b0b"),
    ("karen", "karеn"),
    ("modern", "modem"),
    ("Straße", "STRASSE"),
    ("ill", "Ill"),
    ("omar", "οmar"),
)
CLAIMS = {"iss": "https://login.clinic.example", "sub": "77", "email": "a@b.example"}


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_names_that_look_alike_are_one_person(one, other):
    assert is_same_person(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("r1", "r2"), ("anna", "anne"), ("a@b.example", "a@c.example"), ("王", "李")]
)
def test_other_names_are_other_people(one, other):
    assert not is_same_person(one, other)


@pytest.mark.parametrize("name", ["王伟", "Ωμέγα", "Ж", "٣"])
def test_names_of_every_script_keep_something(name):
    assert folded(name)


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_a_look_alike_is_not_added(tmp_path, one, other):
    with open_reviews(tmp_path) as store:
        store.grant(one, "admin", by=one)
        with pytest.raises(ReviewError, match="looks like"):
            store.grant(other, "second_reader", by=one)
        assert list(store.readers()) == [one]


def test_whose_role_was_taken_still_owns_the_name(tmp_path):
    with open_reviews(tmp_path) as store:
        store.grant("ada", "admin", by="ada")
        store.grant("r1", "reader", by="ada")
        store.grant("r1", "none", by="ada")
        with pytest.raises(ReviewError, match="looks like 'r1'"):
            store.grant("R1", "reader", by="ada")
        store.grant("r1", "reader", by="ada")


def test_nobody_confirms_their_own_decision_in_other_letters():
    from dataclasses import make_dataclass

    from coreset_lib.review.rights import check_second

    decision = Decision(reader="R1", sample_id="s", action="confirm", fingerprint="f", target=1)
    event = make_dataclass("Event", ["reader"])
    with pytest.raises(ReviewError, match="must be by another reader"):
        check_second(decision, event("r1"))
    check_second(decision, event("r2"))


def test_a_login_is_its_subject_at_its_provider_with_a_verified_address_shown():
    name = login_name(CLAIMS | {"email_verified": True})
    assert name.startswith("a@b.example [login.clinic.example:")
    renamed = login_name(CLAIMS | {"email": "new@b.example", "email_verified": True})
    assert reader_of_login(renamed, ["other", name]) == name
    assert login_name(CLAIMS).startswith("[login.clinic.example:")
    assert reader_of_login(login_name(CLAIMS), [name]) == name


@pytest.mark.parametrize("claim", [{"iss": "https://evil.example"}, {"sub": "78"}])
def test_another_provider_or_subject_is_another_person(claim):
    name = login_name(CLAIMS | {"email_verified": True})
    stranger = login_name(CLAIMS | claim | {"email_verified": True})
    assert reader_of_login(stranger, [name, "a@b.example"]) is None


def test_an_address_cannot_pretend_to_be_a_subject():
    name = login_name(CLAIMS)
    pretended = {"sub": "1", "email": f"x {name}", "email_verified": True}
    assert reader_of_login(login_name(CLAIMS | pretended), [name]) is None
    long = login_name(CLAIMS | {"email": "x" * 900, "email_verified": True})
    assert len(long) <= LONGEST_NAME
    assert reader_of_login(long, [name]) == name


@pytest.mark.parametrize(
    "claims", [{}, {"sub": "7"}, {"iss": "https://x.example"}, {"iss": "x", "sub": "7"}]
)
def test_a_login_without_provider_or_subject_is_none(claims):
    with pytest.raises(ReviewError, match="the login must tell its provider and a subject"):
        login_name(claims)
