"""Planned work tells what ended it, whatever that was."""

import json

import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.plans import PlanPaths, working
from coreset_lib.runs.status import StatusWriter


@pytest.fixture
def paths(tmp_path):
    return PlanPaths(tmp_path)


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (CoresetError("the images are gone."), "the images are gone."),
        (
            KeyError("a\nb"),
            r"this comparison ended unexpectedly (KeyError: 'a\nb'). See the log.",
        ),
        (
            ValueError("a\n  b"),
            "this comparison ended unexpectedly (ValueError: a b). See the log.",
        ),
    ],
)
def test_what_ends_it_stands_in_its_status_as_one_sentence(paths, raised, told):
    with pytest.raises(type(raised)), working(paths, "comparison", 3):
        raise raised
    status = json.loads(paths.status.read_text())
    assert (status["state"], status["error"], status["step"]) == ("failed", told, "")


def test_an_error_is_not_lost_to_a_disk_that_takes_no_status(paths, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    def work():
        with working(paths, "comparison", 3):
            monkeypatch.setattr(StatusWriter, "update", fail)
            raise KeyError

    with pytest.raises(KeyError):
        work()
