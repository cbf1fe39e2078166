"""Training one run directory from start to end: what the background process does."""
