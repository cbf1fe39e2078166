"""Tables that are taken away as CSV hold nothing that a spreadsheet runs."""

import csv
import io
import tomllib
from pathlib import Path

import pytest

from coreset_lib.cli.server_options import SAFETY_OPTIONS
from dashboard.shared.downloads import table_csv

ROOT = Path(__file__).parents[3]
FORMULAS = ("=1+1", "+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1")


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_and_no_column_of_a_table_is_a_formula(formula):
    rows = [{formula: formula, "tags": [formula, "b"], "n": -1}, {formula: "", "tags": [], "n": 2}]
    table = list(csv.reader(io.StringIO(table_csv(rows).decode(), newline="")))
    for row in table:
        for cell in row:
            assert not cell.startswith(("=", "+", "@", "\t", "\r", "\n")), row
    assert table[0][0] == f"'{formula}"
    assert table[1] == [f"'{formula}", f"'{formula}, b", "-1"]


def test_the_download_of_streamlit_is_off_however_the_dashboard_is_started():
    written = tomllib.loads((ROOT / "dashboard" / ".streamlit" / "config.toml").read_text())
    assert written["client"]["disableDataExport"] is True
    assert SAFETY_OPTIONS["client.disableDataExport"] == "true"


def test_runs_and_audit_trail_offer_their_own_table(open_dashboard, write_run, readers, decide):
    paths = write_run()
    decide(paths, "rita", 0)
    for page in ("runs", "review"):
        labels = [
            e.proto.label for e in open_dashboard(page, reader="rita").app.get("download_button")
        ]
        assert "Table (CSV)" in labels, page
