"""A report of a run to hand on: one HTML file that needs nothing else."""
