"""Judging coresets: train on them, test them, compare with random ones of the same size."""
