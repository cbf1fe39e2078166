"""Whether a dataset can be trusted: counts, copies, leaks, and a verdict in words."""
