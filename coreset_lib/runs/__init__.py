"""Run directories: file names, records, creation and reading."""
