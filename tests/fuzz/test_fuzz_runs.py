"""Runs whose files were edited, cut or written by somebody else, and provenance of such."""

import json
import shutil
from pathlib import Path

import hostile_input as hostile
import pytest

SAMPLES = Path(__file__).parents[1] / "samples"
SCORES = ("eva", "aum", "tdds", "entropy", "forgetting")
STRATEGIES = ("top", "ccs", "random")


@pytest.fixture
def odd_run(tmp_path, fuzzed_cache):
    """A run of which one file is replaced, and what all its files held."""
    shutil.copytree(fuzzed_cache, tmp_path / "cache")
    (folder,) = (tmp_path / "cache" / "runs").iterdir()
    whole = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return tmp_path / "cache", folder, whole


def spoilt(rng, path, content):
    """Return what stands in a file of a run instead of its content."""
    if path.suffix == ".json" and rng.random() < 0.7:
        return json.dumps(hostile.changed(rng, json.loads(content))).encode()
    return hostile.damaged(rng, content)


def uses_of(rng, cache, out):
    """Return a command that reads a run."""
    command = rng.choice((
        ["runs"],
        ["runs", "--json"],
        ["score", "latest", "--out", out, "--score", rng.choice(SCORES)],
        ["select", "latest", "--out", out, "--rate", "0.2", "--strategy", rng.choice(STRATEGIES)],
        ["cluster", "latest", "--out", out, "--k", "2"],
        ["review", "queue", "latest", "--out", out],
        ["review", "status", "latest"],
        ["logs", "latest"],
        ["stop", "latest"],
        ["rename", "latest", "a name", "--tag", "x"],
        ["train", "--resume", "latest"],
        ["ensemble", "latest", "latest"],
        ["evaluate", "latest", "--out", out, "--seeds", "1"],
        ["refine", "status", "latest"],
        ["sbatch", "latest"],
        ["features", "latest", "--kind", "pixels"],
    ))  # fmt: skip
    return [*command, "--cache", cache]


def test_no_spoilt_run_ends_in_a_traceback(odd_run, tmp_path):
    cache, folder, whole = odd_run

    def attempt(rng, _):
        path = rng.choice(list(whole))
        path.write_bytes(spoilt(rng, path, whole[path]))
        status = hostile.command(uses_of(rng, cache, tmp_path / "out.csv"))
        for path, content in whole.items():
            path.write_bytes(content)
        for path in set(folder.rglob("*")) - set(whole):
            if path.is_file():
                path.unlink()
        return status

    hostile.each(800, "run", attempt)


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Exports of every kind with the cache that they came from."""
    folder = tmp_path_factory.mktemp("exports")
    shutil.copytree(SAMPLES / "cache", folder / "cache")
    found = sorted((SAMPLES / "exports").glob("*.provenance.json"))
    return folder, [(path, path.with_name(path.name.split(".")[0] + ".csv")) for path in found]


def said_otherwise(record, forged):
    """What a provenance says that the right one does not; what it leaves out is no lie."""
    if not isinstance(record, dict) or not isinstance(forged, dict):
        return set() if json.dumps(record) == json.dumps(forged) else {"all"}
    found = {name for name in forged if name not in record}
    return found | {
        name for name in {*record} & {*forged} if said_otherwise(record[name], forged[name])
    }


def test_no_edited_provenance_ends_in_a_traceback_and_none_is_called_the_same(exports):
    folder, pairs = exports
    table, beside = folder / "table.csv", folder / "table.provenance.json"

    def attempt(rng, _):
        provenance, csv = rng.choice(pairs)
        content = csv.read_bytes()
        record = json.loads(provenance.read_bytes())
        forged = hostile.changed(rng, record)
        text = json.dumps(forged).encode()
        if rng.random() < 0.2:
            text = hostile.damaged(rng, provenance.read_bytes())
        if rng.random() < 0.2:
            content = hostile.damaged(rng, content)
        table.write_bytes(content)
        beside.write_bytes(text)
        status = hostile.command(["rebuild", table, "--cache", folder / "cache"], allowed=(0, 1, 2))
        assert (table.read_bytes(), beside.read_bytes()) == (content, text)
        if status == 0 and text == json.dumps(forged).encode():
            assert content == csv.read_bytes()
            assert said_otherwise(record, forged) <= {"created", "versions"}
        return status

    hostile.each(500, "provenance", attempt)
