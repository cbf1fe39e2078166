"""The networks, each by its name."""
