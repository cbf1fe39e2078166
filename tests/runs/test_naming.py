"""Names and tags of runs: stored beside them, shown in lists, and of no effect on results."""

import pytest

from coreset_lib import cli
from coreset_lib.errors import CoresetError
from coreset_lib.runs.naming import Naming, read_naming, write_naming
from coreset_lib.runs.summary import summarise


def test_a_run_has_no_name_at_first(tmp_path, make_run):
    summary = summarise(make_run(tmp_path))
    assert (summary.name, summary.tags) == ("", ())


def test_a_name_and_tags_are_kept_tidied_and_leave_the_manifest_alone(tmp_path, make_run):
    run = make_run(tmp_path)
    before = run.paths.manifest.read_bytes()
    given = Naming(name="  liver ", tags=("pilot", " Paper", "", "pilot"))
    assert write_naming(run.paths, given) == Naming(name="liver", tags=("Paper", "pilot"))
    summary = summarise(run)
    assert (summary.name, summary.tags) == ("liver", ("Paper", "pilot"))
    assert run.paths.manifest.read_bytes() == before


@pytest.mark.parametrize(
    ("naming", "message"),
    [
        (Naming(name="x" * 81), "name of a run must be one line of at most 80 characters"),
        (Naming(name="two\nlines"), "name of a run must be one line"),
        (Naming(tags=("two words",)), "tag must be one word of at most 30 .* got 'two words'"),
        (Naming(tags=("x" * 31,)), "tag must be one word"),
        (Naming(tags=tuple(f"t{n}" for n in range(21))), "tags must be at most 20 a run, got 21"),
    ],
)
def test_what_cannot_be_a_name_or_tag_is_one_sentence(tmp_path, make_run, naming, message):
    run = make_run(tmp_path)
    with pytest.raises(CoresetError, match=message):
        write_naming(run.paths, naming)
    assert not run.paths.naming.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"name": 5, "tags": []}', b"\xff"])
def test_a_damaged_name_is_no_name(tmp_path, make_run, content):
    run = make_run(tmp_path)
    run.paths.naming.write_bytes(content)
    assert read_naming(run.paths) == Naming()
    assert summarise(run).state == "finished"


@pytest.fixture
def lens(tmp_path, monkeypatch, capsys):
    """Run a command in this process; returns exit status, stdout and stderr."""

    def run(*arguments):
        status = cli._run([*arguments, "--cache", str(tmp_path)])
        return status, *capsys.readouterr()

    return run


def test_runs_are_renamed_tagged_and_found_on_the_command_line(tmp_path, make_run, lens):
    first, second = make_run(tmp_path), make_run(tmp_path, seed=1)
    renamed = lens("rename", first.run_id, "liver", "--tag", "pilot", "--tag", "old")
    assert renamed[:2] == (0, f"run {first.run_id}: liver #old #pilot\n")
    assert lens("rename", first.run_id, "--untag", "old")[1].endswith(": liver #pilot\n")
    status, listed, _ = lens("runs", "--tag", "PILOT")
    assert status == 0
    assert first.run_id in listed
    assert "liver #pilot" in listed
    assert second.run_id not in listed
    assert '"name": "liver"' in lens("runs", "--json", "--tag", "pilot")[1]
    assert lens("runs", "--tag", "nowhere")[1] == "no run has the tag nowhere\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "rename must get a name, --tag or --untag"),
        (("--untag", "x"), "--untag must name a tag of run"),
        (("--tag", "a b"), "tag must be one word"),
        (("n" * 90,), "name of a run must be one line"),
    ],
)
def test_wrong_names_on_the_command_line_are_one_sentence(
    tmp_path, make_run, lens, arguments, message
):
    run = make_run(tmp_path)
    status, _, stderr = lens("rename", run.run_id, *arguments)
    assert status == 2
    assert message in stderr
    assert len(stderr.splitlines()) == 1


def test_a_note_is_kept_and_one_of_an_earlier_version_is_none(make_run, tmp_path):
    run = make_run(tmp_path)
    write_naming(run.paths, Naming(name="liver", note=" for the pilot "))
    assert read_naming(run.paths).note == "for the pilot"
    run.paths.naming.write_text('{"schema_version": 1, "name": "liver", "tags": []}')
    assert read_naming(run.paths) == Naming(name="liver")
    with pytest.raises(CoresetError, match="note on a run must be one line of at most 300"):
        write_naming(run.paths, Naming(note="x" * 301))
