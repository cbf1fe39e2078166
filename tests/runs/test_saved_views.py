"""Named views and stored selections of a run."""

import json
import os

import numpy as np
import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.runs import saved_views
from coreset_lib.runs.saved_views import (
    SavedView,
    check_view_name,
    delete_view,
    list_views,
    load_selection,
    load_view,
    save_view,
    store_selection,
)


@pytest.fixture
def paths(make_run, tmp_path):
    return make_run(tmp_path).paths


def view(name="hard cases", **changes):
    fields = {"page": "map", "parameters": {"colour": "Score"}, "selection": np.array([5, 2])}
    return SavedView(name=name, **(fields | changes))


def test_a_saved_view_comes_back_as_it_was(paths):
    assert not save_view(paths, view())
    found = load_view(paths, "hard cases")
    assert (found.name, found.page, dict(found.parameters)) == (
        "hard cases",
        "map",
        {"colour": "Score"},
    )
    assert found.selection.tolist() == [5, 2]
    assert found.created


def test_saving_again_replaces_and_says_so(paths):
    save_view(paths, view())
    assert save_view(paths, view(page="coreset"))
    assert load_view(paths, "hard cases").page == "coreset"
    assert list_views(paths) == ["hard cases"]


def test_views_are_listed_by_the_alphabet_and_other_files_are_not_views(paths):
    assert list_views(paths) == []
    for name in ("b", "A", "Ängste 2"):
        save_view(paths, view(name))
    (paths.views / ".b.json.1234.part").write_text("")
    (paths.views / "notes.txt").write_text("")
    assert list_views(paths) == ["A", "b", "Ängste 2"]


def test_a_deleted_view_is_gone_and_may_be_deleted_twice(paths):
    save_view(paths, view())
    delete_view(paths, "hard cases")
    delete_view(paths, "hard cases")
    assert list_views(paths) == []


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "../x", "a/b", "a\\b", "a\nb", ".hidden", "a:b", "x" * 61, "a."]
)
def test_names_that_cannot_be_files_are_refused(paths, name):
    for act in (check_view_name, lambda n: load_view(paths, n), lambda n: delete_view(paths, n)):
        with pytest.raises(CoresetError, match="view name must be 1 to 60 letters"):
            act(name)
    with pytest.raises(CoresetError, match="view name must be"):
        save_view(paths, view(name))


def test_spaces_around_a_name_do_not_count(paths):
    save_view(paths, view("  hard cases "))
    assert load_view(paths, "hard cases ").name == "hard cases"


def test_a_missing_view_names_those_there_are(paths):
    with pytest.raises(
        CoresetError, match=r"view 'x' was not found in run .*\. Its views are: none"
    ):
        load_view(paths, "x")
    save_view(paths, view("y"))
    with pytest.raises(CoresetError, match="Its views are: y"):
        load_view(paths, "x")


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "null",
        '{"schema_version": 1}',
        {"schema_version": 99},
        {"selection": ["5"]},
        {"selection": [1, 1]},
        {"selection": [-1]},
        {"selection": [True]},
        {"selection": [1.5]},
        {"selection": [10**30]},
        {"selection": {"a": 1}},
        {"parameters": [1]},
        {"parameters": {"a": 1}},
        {"page": None},
    ],
)
def test_a_damaged_view_gives_one_sentence(paths, damage):
    save_view(paths, view())
    file = paths.view("hard cases")
    if isinstance(damage, dict):
        damage = json.dumps(json.loads(file.read_text()) | damage)
    file.write_text(damage)
    with pytest.raises(CoresetError, match=r"view 'hard cases' of run .* cannot be read") as caught:
        load_view(paths, "hard cases")
    assert "\n" not in str(caught.value)


def test_a_stored_selection_comes_back_and_has_one_name(paths):
    indices = np.array([7, 1, 3])
    name = store_selection(paths, indices)
    assert store_selection(paths, indices) == name
    assert store_selection(paths, indices[::-1]) != name
    assert load_selection(paths, name).tolist() == [7, 1, 3]


@pytest.mark.parametrize("name", ["s-0123456789abcdef", "", "../x", "s-0123", "s-" + "g" * 16])
def test_an_unknown_selection_gives_one_sentence(paths, name):
    with pytest.raises(CoresetError, match="is not stored with run"):
        load_selection(paths, name)


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_damaged_selection_gives_one_sentence(paths, content):
    name = store_selection(paths, np.arange(60))
    if content is None:
        np.save(paths.selection(name), np.zeros((2, 2)))
    else:
        paths.selection(name).write_bytes(content)
    with pytest.raises(CoresetError, match="cannot be read"):
        load_selection(paths, name)


def test_only_the_latest_selections_are_kept(paths, monkeypatch):
    monkeypatch.setattr(saved_views, "MOST_SELECTIONS", 3)
    names = []
    for number in range(5):
        names.append(store_selection(paths, np.arange(number + 1)))
        os.utime(paths.selection(names[-1]), (number, number))
    kept = [name for name in names if paths.selection(name).exists()]
    assert kept == names[2:]


def test_a_file_in_the_place_of_the_folder_is_told(paths):
    paths.views.write_text("")
    with pytest.raises(CoresetError, match=r"views of run .* cannot be written"):
        save_view(paths, view())
    assert list_views(paths) == []
