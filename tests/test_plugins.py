"""What another package brings is used like our own, recorded, and missed in one sentence."""

import json
import logging
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from coreset_lib import plugins
from coreset_lib.errors import CoresetError
from coreset_lib.plugins import Plugin, Registry, check_installed, with_source
from coreset_lib.scores import SCORES, compute_score
from coreset_lib.scores.score import Score

EXAMPLE = Path(__file__).parent / "plugin_example"
DOCS = Path(__file__).parents[1] / "docs" / "plugins.md"
COMMAND = "from coreset_lib.cli import main; main()"


@pytest.fixture(scope="module")
def example(tmp_path_factory) -> Path:
    """The folder that the example package was installed into, by pip."""
    root = tmp_path_factory.mktemp("plugin")
    shutil.copytree(EXAMPLE, root / "source", ignore=shutil.ignore_patterns("__pycache__"))
    return install(root / "source", root / "site")


def install(source: Path, site: Path) -> Path:
    """Install a package by pip into a folder of its own."""
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation"]
    options = ["--no-index", "--quiet", "--disable-pip-version-check"]
    place = ["--target", str(site), str(source)]
    subprocess.run([*pip, *options, *place], check=True, capture_output=True, timeout=300)
    return site


@pytest.fixture
def lens(subprocess_environment, tmp_path):
    """Return ``lens(words, site) -> finished process`` of the command line."""

    def run(*words, site=None, status=0):
        environment = {**subprocess_environment, "CORESET_LENS_CACHE": str(tmp_path / "cache")}
        if site is not None:
            environment["PYTHONPATH"] = f"{site}:{environment['PYTHONPATH']}"
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *map(str, words)],
            env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def test_a_package_is_used_from_training_to_rebuilding(example, lens, tmp_path):
    options = ["--model", "two_layers", "--epochs", 3, "--batch-size", 16, "--device", "cpu"]
    lens("train", "--dataset", "bars", *options, site=example)
    scores, coreset = tmp_path / "scores.csv", tmp_path / "core.csv"
    lens("score", "latest", "--score", "spread", "--out", scores, site=example)
    chosen = ["--strategy", "evenly", "--score", "spread", "--rate", 0.2, "--out", coreset]
    lens("select", "latest", *chosen, site=example)
    for csv in (scores, coreset):
        assert "same" in lens("rebuild", csv, site=example).stdout

    assert len(coreset.read_text().splitlines()) == 1 + 12
    record = json.loads((tmp_path / "core.provenance.json").read_text())
    origin = {"package": "lens-example", "version": "1.2"}
    assert record["plugins"] == [
        {"kind": "score", "name": "spread", **origin},
        {"kind": "strategy", "name": "evenly", **origin},
    ]
    assert record["run"]["plugins"] == [
        {"kind": "network", "name": "two_layers", **origin},
        {"kind": "source", "name": "bars", **origin},
    ]

    missing = lens("rebuild", coreset, status=2).stderr
    assert "score spread from package lens-example 1.2 is needed" in missing
    assert "pip install lens-example==1.2" in missing
    assert "got 'bars'" in lens("train", "--dataset", "bars", status=2).stderr
    assert "got 'two_layers'" in lens("train", "--model", "two_layers", "--dataset", "phantom",
                                      status=2).stderr  # fmt: skip
    shown = lens("runs", "--json")
    assert json.loads(shown.stdout)[0]["model"] == "two_layers"


def test_a_package_stands_in_every_list(example, lens):
    assert lens("plugins", site=example).stdout.splitlines() == [
        "score spread from package lens-example 1.2",
        "strategy evenly from package lens-example 1.2",
        "network two_layers from package lens-example 1.2",
        "source bars from package lens-example 1.2",
    ]
    origin = "from package lens-example 1.2"
    for command in ("scores", "strategies", "networks", "datasets"):
        assert origin in lens(command, site=example).stdout
    assert "no plug-ins" in lens("plugins").stdout


def test_the_example_of_the_docs_is_a_package_that_works(lens, tmp_path, trained_run):
    blocks = DOCS.read_text().split("```")
    code = next(b for b in blocks if b.startswith("python\n")).removeprefix("python\n")
    project = next(b for b in blocks if b.startswith("toml\n")).removeprefix("toml\n")
    source = tmp_path / "source"
    source.mkdir()
    (source / "late_error.py").write_text(code)
    (source / "pyproject.toml").write_text(project)
    install(source, site := tmp_path / "site")
    shutil.copytree(trained_run.paths.cache, tmp_path / "cache")
    words = ("score", "latest", "--score", "late_error", "--out", tmp_path / "late.csv")
    lens(*words, site=site)
    error = trained_run.dynamics().plane("error_norm")
    expected = error[len(error) // 2 :].mean(axis=0, dtype=np.float64)
    found = pd.read_csv(tmp_path / "late.csv").sort_values("index")["late_error"]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    record = json.loads((tmp_path / "late.provenance.json").read_text())
    assert record["plugins"] == [
        {"kind": "score", "name": "late_error", "package": "late-error", "version": "0.3"}
    ]


def write_package(site: Path, name: str, entry_points: str, code: str) -> None:
    """Write a package as an installer leaves it."""
    info = site / f"{name}-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(entry_points)
    (site / f"{name}.py").write_text(code)


def test_broken_and_clashing_packages_are_named_and_stop_nothing(lens, tmp_path):
    site = tmp_path / "site"
    score = "from coreset_lib.scores import SCORES\nSCORE = SCORES['aum']\n"
    write_package(site, "cracked", "[coreset_lens.scores]\nodd = cracked:SCORE\n", "1 / 0\n")
    write_package(site, "thief", "[coreset_lens.scores]\neva = thief:SCORE\n", score)
    write_package(site, "wrong", "[coreset_lens.networks]\nnet = wrong:SCORE\n", score)
    done = lens("scores", site=site)
    assert "eva: " in done.stdout
    lines = {line.split()[4]: line for line in done.stderr.splitlines()}
    assert set(lines) == {"cracked", "thief", "wrong"}
    cracked, thief, wrong = lines["cracked"], lines["thief"], lines["wrong"]
    assert cracked == (
        "score odd from package cracked 0.1 was left out: it cannot be imported "
        "(ZeroDivisionError: division by zero)."
    )
    assert thief == (
        "score eva from package thief 0.1 was left out: its name is that of a built-in score. "
        "It needs another."
    )
    assert wrong.endswith("wrong:SCORE must be a coreset_lib.networks.Network, got Score.")
    assert lens("plugins", site=site).stdout.splitlines() == [thief, cracked, wrong]


class FakeEntry:
    """An entry point of a package that is not installed."""

    def __init__(self, name, member, package="pack"):
        self.name, self.value, self.dist = name, f"{package}:X", SimpleNamespace(name=package)
        self._member = member

    def load(self):
        return self._member


def registry_with(monkeypatch, *entries):
    monkeypatch.setattr(plugins, "entry_points", lambda group: entries)
    monkeypatch.setattr(plugins, "version", lambda name: "3.1")
    monkeypatch.setattr(plugins, "_REGISTRIES", [])
    own = {"aum": SCORES["aum"]}
    return Registry("score", own, group="g", type_of_member=Score, credit=with_source)


def test_members_of_others_stand_behind_our_own(monkeypatch):
    registry = registry_with(monkeypatch, FakeEntry("mine", SCORES["el2n"]))
    assert list(registry) == ["aum", "mine"]
    assert len(registry) == 2
    assert registry["mine"].source == f"{SCORES['el2n'].source}; from package pack 3.1"
    assert registry.plugin("aum") is registry.plugin("nobody") is registry.plugin(None) is None
    assert registry.plugin("mine") == Plugin(
        kind="score", name="mine", package="pack", version="3.1"
    )
    with pytest.raises(KeyError):
        registry["nobody"]


@pytest.mark.parametrize("name", ["Mine", "", "1st", "with-dash", "x" * 41])
def test_names_that_fit_no_column_are_refused(monkeypatch, name):
    registry = registry_with(monkeypatch, FakeEntry(name, SCORES["el2n"]))
    assert list(registry) == ["aum"]
    assert "small letters" in registry.problems[0]


def test_of_two_packages_with_one_name_the_second_is_refused(monkeypatch):
    member = SCORES["el2n"]
    registry = registry_with(
        monkeypatch, FakeEntry("mine", member, "second"), FakeEntry("mine", member, "first")
    )
    assert registry.plugin("mine").package == "first"
    assert registry.problems == (
        "score mine from package second 3.1 was left out: its name is taken by package first. "
        "Uninstall one.",
    )


def test_our_own_members_are_had_without_looking_for_others(monkeypatch):
    registry = registry_with(monkeypatch)
    monkeypatch.setattr(plugins, "entry_points", lambda group: pytest.fail("looked for others"))
    assert "aum" in registry
    assert registry["aum"] is SCORES["aum"]
    assert registry.plugin("aum") is None


def test_what_a_member_of_others_raises_becomes_a_sentence(monkeypatch):
    registry = registry_with(monkeypatch, FakeEntry("mine", SCORES["el2n"]))
    sentence = r"score mine from package pack 3\.1 failed with KeyError"
    with pytest.raises(CoresetError, match=sentence), registry.blaming("mine"):
        {}["gone"]
    with pytest.raises(KeyError), registry.blaming("aum"):
        {}["gone"]


@pytest.mark.parametrize("values", [np.zeros(3), np.zeros((2, 2)), np.array([0.0, np.nan]), "x"])
def test_a_score_that_gives_something_else_is_refused(make_dynamics, monkeypatch, values):
    from dataclasses import replace

    broken = replace(SCORES["aum"], compute=lambda dynamics: values)
    registry = registry_with(monkeypatch, FakeEntry("mine", broken))
    monkeypatch.setattr("coreset_lib.scores.SCORES", registry)
    with pytest.raises(CoresetError, match="score mine"):
        compute_score(make_dynamics(margin=[[0.1, 0.2]]), "mine")


def test_another_version_is_only_told(monkeypatch, caplog):
    registry_with(monkeypatch, FakeEntry("mine", SCORES["el2n"]))
    record = {"kind": "score", "name": "mine", "package": "pack", "version": "3.0"}
    with caplog.at_level(logging.WARNING):
        check_installed([record])
    assert "from package pack 3.0, which is here as 3.1" in caplog.text
    with pytest.raises(CoresetError, match=r"score gone from package pack 3\.0 is needed"):
        check_installed([record | {"name": "gone"}])
    for nothing in (None, {}, [{"kind": "score"}], "text"):
        check_installed(nothing)


def test_real_entry_points_have_what_the_fakes_have():
    entry = EntryPoint(name="a", value="b:c", group="g")
    assert (entry.name, entry.value, entry.dist) == ("a", "b:c", None)
