"""The Add data page: preparation in the background, and the report."""
