"""Folders that a page offers, and those that were chosen in a dialog."""

import os
import sys

import pytest

from coreset_lib.cache import ROOTS_VARIABLE, allowed_roots, chosen_folders_file
from coreset_lib.datasets.bringing.folders import MOST_REMEMBERED, folders_in, remember_folder
from coreset_lib.errors import DatasetError
from coreset_lib.system import folder_dialog
from coreset_lib.system.folder_dialog import ask_for_folder, has_folder_dialog


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CORESET_LENS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_chosen_folder_is_allowed_from_then_on(cache, tmp_path, monkeypatch):
    monkeypatch.setenv(ROOTS_VARIABLE, str(tmp_path / "given"))
    (tmp_path / "mine").mkdir()
    remember_folder(tmp_path / "mine", cache=cache)
    remember_folder(tmp_path / "mine", cache=cache)
    assert allowed_roots() == (tmp_path / "given", tmp_path / "mine")


def test_only_the_latest_are_remembered(cache, tmp_path):
    for number in range(MOST_REMEMBERED + 3):
        (tmp_path / str(number)).mkdir()
        remember_folder(tmp_path / str(number), cache=cache)
    assert len(allowed_roots()) == MOST_REMEMBERED
    assert allowed_roots()[0].name == str(MOST_REMEMBERED + 2)


@pytest.mark.parametrize("content", ["", "{}", "[1, null]", '["relative"]', "no json", "\x00"])
def test_a_damaged_list_allows_nothing(cache, content):
    cache.mkdir()
    chosen_folders_file(cache).write_text(content)
    assert allowed_roots() == ()


def test_a_folder_that_is_not_there_is_refused(cache, tmp_path):
    with pytest.raises(DatasetError, match="was not found"):
        remember_folder(tmp_path / "gone", cache=cache)
    assert allowed_roots() == ()


def test_folders_are_listed_within_the_allowed_ones_only(tmp_path):
    root = tmp_path / "root"
    for name in ("10", "2", ".hidden"):
        (root / name).mkdir(parents=True)
    (root / "file.png").touch()
    (tmp_path / "outside").mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    assert folders_in(root, [root]) == ["2", "10"]
    with pytest.raises(DatasetError, match="must lie below a folder that was allowed"):
        folders_in(root / "..", [root])
    with pytest.raises(DatasetError, match="cannot be listed"):
        folders_in(root / "gone", [root])


def test_without_a_screen_there_is_no_dialog(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not has_folder_dialog()


@pytest.mark.parametrize(("answer", "chosen"), [("/some/földer", "/some/földer"), ("", None)])
def test_the_dialogs_answer_is_a_folder_or_nothing(monkeypatch, answer, chosen):
    script = f"import sys; sys.stdout.buffer.write({answer!r}.encode())"
    monkeypatch.setattr(folder_dialog, "SCRIPT", script)
    found = ask_for_folder("Choose")
    assert (found and os.fspath(found)) == chosen


def test_a_dialog_that_cannot_open_is_an_error(monkeypatch):
    monkeypatch.setattr(folder_dialog, "SCRIPT", "raise SystemExit(1)")
    with pytest.raises(OSError, match="opens no dialog"):
        ask_for_folder("Choose")
    monkeypatch.setattr(folder_dialog, "SCRIPT", "import time; time.sleep(60)")
    monkeypatch.setattr(folder_dialog, "MOST_SECONDS", 0.2)
    with pytest.raises(OSError, match="nobody answered"):
        ask_for_folder("Choose")
