"""Runs and comparisons as Slurm jobs; one client asks Slurm."""
