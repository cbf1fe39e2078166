"""The embedded dataset: synthetic slices with known wrong labels."""
