"""Data that comes in without a terminal: a ZIP file, or a folder chosen in a dialog."""
