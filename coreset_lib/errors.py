"""Errors that a person can mend; each message says what, which value, and what to do."""


class CoresetError(ValueError):
    """A mistake in what the user gave; its message is one clear sentence or two."""


class DatasetError(CoresetError):
    """A dataset that is unknown, absent, unreadable or unfit for training."""


class BadFilesError(DatasetError):
    """Image files that cannot be used; ``bad`` holds the source and reason of each."""

    def __init__(self, message: str, bad: tuple[tuple[str, str], ...]) -> None:
        super().__init__(message)
        self.bad = bad


class RunNotFoundError(CoresetError):
    """No run, or more than one, answers to the given name."""


class DamagedRunError(CoresetError):
    """A run directory whose files are missing, truncated or contradict each other."""


class NewerRunError(DamagedRunError):
    """A run that a newer program wrote: whole, and not to be deleted."""


class ReviewError(CoresetError):
    """A label decision that may not be taken, or a review database that cannot be used."""


class ReviewDatabaseError(ReviewError):
    """The review database cannot be used now; what was to be recorded may be sent again."""


class StaleDecisionError(ReviewError):
    """Somebody else has decided on the sample since the reader looked at it."""
