"""Whether a dataset can be trusted: counts, copies, leaks, and whether it is ready, in words."""
