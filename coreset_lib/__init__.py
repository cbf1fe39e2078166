"""Scores, selection and honest comparison of coresets from recorded training dynamics."""

__version__ = "0.1.0"
