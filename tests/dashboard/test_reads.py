"""Cached reads: a run is read once, its recorded epochs once for every number of them."""

from dataclasses import replace

import pytest

from coreset_lib.runs.status import write_status
from coreset_lib.runs.store import Run
from dashboard import reads


@pytest.fixture
def growing(cache, make_run, monkeypatch):
    """A run with epochs still to come, and what the reads open of it, by number of epochs."""
    run = make_run(cache, epochs=8)

    def version_at(epoch):
        write_status(run.paths, replace(run.status(), epoch=epoch))
        return reads.run_summary(run.run_id).version

    return version_at


def test_a_version_is_equal_and_hashed_by_its_values(growing):
    assert growing(5) == growing(5)
    assert {growing(5), growing(5), growing(6)} == {growing(5), growing(6)}


def test_what_epochs_change_is_read_for_each_number_of_them(growing):
    five, six = growing(5), growing(6)
    assert reads.open_dynamics(five).n_epochs == 5
    assert reads.open_dynamics(six).n_epochs == 6
    assert reads.open_dynamics(five) is reads.open_dynamics(growing(5))
    assert reads.forgetting_events(five) is not reads.forgetting_events(six)


def test_what_no_epoch_changes_is_read_once(growing, monkeypatch):
    five, six = growing(5), growing(6)
    table = reads.read_samples(five)
    monkeypatch.setattr(Run, "samples", lambda self: pytest.fail("read again"))
    assert reads.read_samples(six) is table


def test_another_run_in_the_same_folder_is_read_anew(growing):
    version = growing(5)
    table = reads.read_samples(version)
    assert reads.read_samples(replace(version, created="2001-01-01T00:00:00+00:00")) is not table
