"""A run's report: everything in one file, nothing from elsewhere, no image unless asked for."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from coreset_lib import workflows
from coreset_lib.cli import _run as command
from coreset_lib.datasets.catalog import load_dataset
from coreset_lib.errors import CoresetError
from coreset_lib.export.coresets import export_coreset
from coreset_lib.export.report import markup
from coreset_lib.export.report.run_report import report_of_run
from coreset_lib.export.report.sections import coreset_section, data_section
from coreset_lib.review.suspicion import queue_of_run
from coreset_lib.runs.store import Run
from coreset_lib.selection import SelectionConfig
from coreset_lib.selection.problem import Coreset

CHAPTERS = [
    "Training",
    "Data check",
    "How the images were learned",
    "Suspicious labels",
    "Coreset",
    "Does a coreset do as well?",
    "Where the numbers come from",
]


class Page(HTMLParser):
    """The parts of a page: headings, text, and whatever a browser would load or run."""

    def __init__(self, content):
        super().__init__()
        self.headings, self.words, self.loads, self.open = [], [], [], []
        self.feed(content.decode())

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        given = dict(attrs)
        self.loads += [given[name] for name in ("src", "href", "srcset", "data") if name in given]
        assert tag not in ("script", "iframe", "link", "object", "embed")
        assert not any(name.startswith("on") for name in given)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        self.words.append(data)
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def run(tmp_path, make_run):
    """A finished run; its images cannot be loaded, as on another computer."""
    return make_run(tmp_path / "cache")


def test_a_report_has_all_chapters_and_loads_nothing(run):
    page = Page(report_of_run(run))
    assert page.headings == CHAPTERS
    assert page.loads == []
    assert "so the data were not checked" in page.text
    assert "it is not known whether one does better than a random draw" in page.text
    assert run.manifest.dataset.fingerprint in page.text


def test_without_images_no_name_of_a_sample_is_in_it(run):
    names = run.samples()["sample_id"].tolist()
    plain = Page(report_of_run(run)).text
    assert not [name for name in names if name in plain]
    first = int(queue_of_run(run).order[0])
    assert f"row {first}: labelled" in plain
    assert names[first] in Page(report_of_run(run, with_images=True)).text


def test_a_report_of_the_same_run_is_the_same_bytes(run):
    assert report_of_run(run) == report_of_run(run)


def test_the_coreset_table_counts_what_was_chosen(run):
    dynamics = run.dynamics()
    chosen = np.flatnonzero(dynamics.labels == 1)[:5]
    config = SelectionConfig(strategy="random", score=None, rate=5 / dynamics.n_samples)
    text = Page("".join(coreset_section(dynamics, config, Coreset(chosen, {}))).encode()).text
    assert f"5 of {dynamics.n_samples:,} images" in text
    n_here = int((dynamics.labels == 1).sum())
    share = 100 * n_here / dynamics.n_samples
    assert f"{dynamics.class_names[1]} {n_here} {share:.1f} % 5 100.0 %" in text
    assert f"No image is left of: {dynamics.class_names[0]}" in text


@pytest.mark.parametrize(("left_out", "is_said"), [(1, False), (30, True)])
def test_the_coreset_says_by_class_what_was_left_out_and_warns_of_much(run, left_out, is_said):
    dynamics = run.dynamics()
    name, n_here = dynamics.class_names[1], int((dynamics.labels == 1).sum())
    report = {"version": "2", "suspects": [{"part": name, "left_out": left_out, "of": n_here}]}
    config = SelectionConfig(strategy="recommended", score=None, rate=0.1)
    coreset = Coreset(np.arange(5), report)
    text = Page("".join(coreset_section(dynamics, config, coreset)).encode()).text
    assert f"{name} {n_here} {left_out} {100 * left_out / n_here:.1f} %" in text
    assert ("were left out as suspects" in text) is is_said


def test_folders_are_named_only_where_names_are_asked_for(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (28, 28), dtype=np.uint8)
    for place in ("train/a", "train/b", "test/a", "test/b", "Meier_Anna"):
        (tmp_path / "set" / place).mkdir(parents=True)
        for number in range(4):
            Image.fromarray(pixels + number).save(tmp_path / "set" / place / f"{number}.png")
    images = load_dataset(str(tmp_path / "set"), cache=tmp_path / "cache")
    told = Page("".join(data_section(images, with_names=True)).encode()).text
    assert "Meier_Anna" in told
    hidden = Page("".join(data_section(images, with_names=False)).encode()).text
    assert "Meier_Anna" not in hidden
    assert "Points on files and folders, left out here" in hidden


def test_the_coreset_is_the_one_that_is_exported(run, monkeypatch):
    labels = run.dynamics().labels
    near = labels.copy()
    near[np.flatnonzero(labels == 0)[:5]] = 1  # early on they lie among the other class
    noise = np.random.default_rng(0).normal(scale=0.01, size=(len(labels), 4))
    features = (np.eye(4)[near % 4] + noise).astype(np.float32)
    monkeypatch.setattr(Run, "features", lambda self, name: features)
    monkeypatch.setattr(Run, "early_features", lambda self: features)
    config = SelectionConfig(strategy="recommended", score=None, rate=0.5)
    report = export_coreset(run, config).provenance["report"]
    assert sum(part["left_out"] for part in report["suspects"]) >= 5
    text = Page(report_of_run(run, selection=config)).text
    for part in report["suspects"]:
        share = 100 * part["left_out"] / part["of"]
        assert f"{part['part']} {part['of']} {part['left_out']} {share:.1f} %" in text


def test_names_cannot_become_markup():
    content = markup.document("<b>", [markup.paragraph("<script>alert(1)</script>")])
    assert b"<script>" not in content
    assert Page(content).text.count("<script>") == 1


def test_a_line_with_a_gap_is_drawn_in_two_pieces():
    values = np.array([0.1, 0.2, np.nan, 0.3, 0.4])
    figure = markup.line_chart("Loss", [("train", "#000", values)])
    (path,) = re.findall(r'<path d="(M[^"]*)" fill="none" stroke="#000"', figure)
    assert path.count("M") == 2
    assert path.count("L") == 2


def test_the_command_writes_a_report_and_keeps_what_is_something_else(run, tmp_path, capsys):
    cache, out = str(tmp_path / "cache"), tmp_path / "report.html"
    arguments = ["report", run.run_id, "--cache", cache, "--out", str(out)]
    assert command(arguments) == 0
    assert "without images" in capsys.readouterr().out
    assert command(arguments) == 0  # a report may be replaced by a newer one
    assert out.read_bytes().startswith(b"<!doctype html>")
    other = tmp_path / "scores.csv"
    other.write_text("index,sample_id\n")
    assert command([*arguments[:-1], str(other)]) == 2
    assert other.read_text() == "index,sample_id\n"
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_run_without_an_epoch_has_no_report(tmp_path, make_run):
    run = make_run(tmp_path / "cache", recorded=0)
    with pytest.raises(CoresetError):
        workflows.run_report(run, cache=tmp_path / "cache")
