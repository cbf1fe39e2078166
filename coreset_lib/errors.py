"""Errors that a person can mend; each message says what, which value, and what to do."""


class CoresetError(ValueError):
    """A mistake in what the user gave; its message is one clear sentence or two."""


class DatasetError(CoresetError):
    """A dataset that is unknown, absent, unreadable or unfit for training."""


class RunNotFoundError(CoresetError):
    """No run, or more than one, answers to the given name."""


class DamagedRunError(CoresetError):
    """A run directory whose files are missing, truncated or contradict each other."""
