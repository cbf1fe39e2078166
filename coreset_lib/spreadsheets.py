"""Tables that a spreadsheet may open: it runs nothing that stands in them."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

TEXT_COLUMNS = ("sample_id", "class_name", "labels", "source")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def disarmed(text: str) -> str:
    """Return a cell with an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def disarm_formulas(table: pd.DataFrame, columns: Iterable[str] = TEXT_COLUMNS) -> pd.DataFrame:
    """Put an apostrophe before texts that a spreadsheet would run as a formula."""
    for column in columns:
        if column in table:
            texts: Any = table[column].astype(str)
            is_formula = texts.str.startswith(FORMULA_STARTS)
            table[column] = texts.where(~is_formula, "'" + texts)
    return table
