"""One ZIP per download, and reading it, or a renamed CSV, back."""

import io
import json
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from coreset_lib.cli import _run
from coreset_lib.errors import CoresetError
from coreset_lib.export import archive
from coreset_lib.export.archive import archive_bytes, export_name, read_export, zip_bytes
from coreset_lib.export.coresets import export_coreset, export_selection
from coreset_lib.export.provenance import provenance_path
from coreset_lib.export.rebuild import rebuild
from coreset_lib.export.scores import export_scores
from coreset_lib.runs.store import RunStore
from coreset_lib.scores import compute_score
from coreset_lib.selection import SelectionConfig


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "cache")


@pytest.fixture
def run(store, make_run):
    return make_run(store.cache, epochs=4)


@pytest.fixture
def export(run):
    return export_coreset(run, SelectionConfig(rate=0.25, score="aum"))


@pytest.fixture
def downloaded(tmp_path, export):
    path = tmp_path / f"{export_name(export)}.zip"
    path.write_bytes(archive_bytes(export))
    return path


def test_names_say_what_is_in_the_file(run, export):
    digits = export.provenance["sha256"][:6]
    assert export_name(export) == f"coreset-top-25pct-{digits}"
    thin = export_coreset(run, SelectionConfig(rate=0.025, strategy="random"))
    assert export_name(thin).startswith("coreset-random-2.5pct-")
    dynamics = run.dynamics()
    scores = export_scores(run, compute_score(dynamics, "aum"), dynamics)
    assert export_name(scores).startswith("scores-aum-")
    assert export_name(export_selection(run, np.array([1, 5]))).startswith("selection-2-samples-")


def test_a_zip_holds_table_provenance_and_a_note(downloaded, export):
    name = downloaded.stem
    with zipfile.ZipFile(downloaded) as found:
        assert found.namelist() == [f"{name}.csv", f"{name}.provenance.json", "README.txt"]
        assert found.read(f"{name}.csv") == export.csv
        assert json.loads(found.read(f"{name}.provenance.json")) == export.provenance
        assert f"coreset-lens rebuild {name}.zip" in found.read("README.txt").decode()


def test_the_same_export_gives_the_same_zip(export):
    assert archive_bytes(export) == archive_bytes(export)


def test_a_zip_is_rebuilt(downloaded, store, capsys):
    assert rebuild(downloaded, store)[1]
    assert _run(["rebuild", str(downloaded), "--cache", str(store.cache)]) == 0
    assert ": same\n" in capsys.readouterr().out


def test_an_unpacked_zip_is_rebuilt(tmp_path, downloaded, store):
    with zipfile.ZipFile(downloaded) as found:
        found.extractall(tmp_path / "unpacked")
    assert rebuild(tmp_path / "unpacked" / f"{downloaded.stem}.csv", store)[1]


def test_a_zip_under_another_ending_and_repacked_by_a_mac_is_rebuilt(tmp_path, export, store):
    members = {
        "folder/core.csv": export.csv,
        "folder/core.provenance.json": export.provenance_bytes(),
        "__MACOSX/folder/._core.csv": b"resource fork",
        "__MACOSX/folder/._core.provenance.json": b"resource fork",
    }
    path = tmp_path / "download.bin"
    path.write_bytes(zip_bytes(members))
    assert rebuild(path, store)[1]


def test_a_table_that_was_changed_inside_the_zip_is_not_the_same(tmp_path, export, store):
    members = {"a.csv": export.csv + b"x", "a.provenance.json": export.provenance_bytes()}
    path = tmp_path / "a.zip"
    path.write_bytes(zip_bytes(members))
    assert not rebuild(path, store)[1]


def test_a_renamed_csv_finds_its_provenance_by_its_content(tmp_path, run, export, store):
    folder = tmp_path / "Downloads"
    folder.mkdir()
    other = export_coreset(run, SelectionConfig(rate=0.5, score="aum"))
    other.write(folder / "core.csv")
    (folder / "broken.provenance.json").write_text("{")
    (folder / "core (1).csv").write_bytes(export.csv)
    (folder / "core.provenance (1).json").write_bytes(export.provenance_bytes())
    again, is_same = rebuild(folder / "core (1).csv", store)
    assert is_same
    assert again.csv == export.csv
    assert rebuild(folder / "core.csv", store)[1]


def test_a_provenance_of_the_same_name_but_another_table_yields_to_the_right_one(
    tmp_path, run, export, store
):
    export_coreset(run, SelectionConfig(rate=0.5, score="aum")).write(tmp_path / "core.csv")
    (tmp_path / "core.csv").write_bytes(export.csv)
    (tmp_path / "elsewhere.provenance.json").write_bytes(export.provenance_bytes())
    assert rebuild(tmp_path / "core.csv", store)[1]


def test_an_edited_csv_is_held_against_the_provenance_of_its_name(tmp_path, export, store):
    path = tmp_path / "core.csv"
    export.write(path)
    path.write_bytes(export.csv + b"\n")
    assert not rebuild(path, store)[1]


def test_a_csv_alone_is_told(tmp_path, export):
    path = tmp_path / "core (1).csv"
    path.write_bytes(export.csv)
    with pytest.raises(CoresetError, match=r"no other \*.provenance\*.json beside it names"):
        read_export(path)


def wrong_size(content, claimed):
    """Claim another size of every member in both of its headers."""
    changed = bytearray(content)
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = changed.find(mark)
        while place >= 0:
            changed[place + offset : place + offset + 4] = struct.pack("<I", claimed)
            place = changed.find(mark, place + 1)
    return bytes(changed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:100], r"cannot be read"),
        (lambda content: b"PK\x03\x04 and nothing more", r"cannot be read"),
        (lambda content: wrong_size(content, 5), r"cannot be read"),
        (lambda content: zip_bytes({}), r"one file that ends in .csv, got 0"),
        (lambda content: zip_bytes({"a.csv": b"", "b.csv": b""}), r".csv, got 2"),
        (lambda content: zip_bytes({"a.csv": b"index\n"}), r".provenance.json, got 0"),
        (
            lambda content: zip_bytes({"a.csv": b"", "a.provenance.json": b"[1]"}),
            r"provenance in .* cannot be read",
        ),
        (
            lambda content: zip_bytes({"a.csv": b"", "a.provenance.json": b"[" * 100_000}),
            r"provenance in .* cannot be read",
        ),
        (
            lambda content: zip_bytes({f"{n}.txt": b"" for n in range(100)} | {"a.csv": b""}),
            r"among 101 files",
        ),
    ],
)
def test_damaged_and_foreign_zips_are_told(downloaded, change, message):
    downloaded.write_bytes(change(downloaded.read_bytes()))
    with pytest.raises(CoresetError, match=message):
        read_export(downloaded)


def test_a_bomb_is_not_unpacked(downloaded, export, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST_CSV", 2**20)
    bomb = {"a.csv": bytes(2**24), "a.provenance.json": export.provenance_bytes()}
    downloaded.write_bytes(zip_bytes(bomb))
    with pytest.raises(CoresetError, match=r"a file of more than 1 MB"):
        read_export(downloaded)


def test_a_name_that_leads_out_of_the_folder_writes_nothing(tmp_path, export, store):
    inner = tmp_path / "inner"
    inner.mkdir()
    path = inner / "a.zip"
    members = {"../evil.csv": export.csv, "../evil.provenance.json": export.provenance_bytes()}
    path.write_bytes(zip_bytes(members))
    before = sorted(tmp_path.rglob("*evil*"))
    rebuild(path, store)
    assert sorted(tmp_path.rglob("*evil*")) == before == []


def test_a_folder_or_nothing_is_told(tmp_path):
    for path in (tmp_path, tmp_path / "none.zip"):
        with pytest.raises(CoresetError, match=r"was not found. Give the CSV"):
            read_export(path)


def test_the_tables_of_version_0_1_0_are_read_under_another_name(tmp_path):
    exports = Path(__file__).parents[1] / "samples" / "exports"
    for kind in ("csv", "provenance.json"):
        shutil.copy(exports / f"coreset-top.{kind}", tmp_path / f"renamed.{kind}")
    provenance_path(tmp_path / "renamed.csv").rename(tmp_path / "x.provenance.json")
    assert read_export(tmp_path / "renamed.csv").provenance["kind"] == "coreset"


def test_an_empty_member_name_does_no_harm(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr(zipfile.ZipInfo(".csv"), b"")
    path = tmp_path / "a.zip"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(CoresetError):
        read_export(path)
