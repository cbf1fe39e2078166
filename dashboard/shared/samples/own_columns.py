"""The columns of the table that a dataset came from."""

from coreset_lib.runs.summary import RunSummary
from dashboard import reads

COLUMN = "extra:"  # as samples.csv has it


def own_columns(summary: RunSummary) -> dict[str, str]:
    """Return the columns of the table that a dataset came from, by their names in the choice."""
    columns = [str(column) for column in reads.read_samples(summary.version)]
    found = [column for column in columns if column.startswith(COLUMN)]
    return {column: f"Column {column.removeprefix(COLUMN)}" for column in found}
