"""Where the label of each chosen sample stands in the review, as it stood at the export."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coreset_lib.errors import CoresetError
from coreset_lib.runs.store import Run

OPEN = "open"


@dataclass(frozen=True, kw_only=True)
class ReviewStatuses:
    """What a review says of the samples of a dataset.

    Attributes
    ----------
    last_event : int
        The latest event of the review database that was counted; 0 where the dataset was
        never reviewed: then every status is empty.
    second_reading : str
        The rule by which decisions needed a second reader.
    statuses : mapping of sample id to str
        One of :data:`coreset_lib.review.states.STATUSES` for every sample with an event.
        What was handed out before reads "confirmed", so that an export changes no table.
    """

    last_event: int = 0
    second_reading: str = ""
    statuses: Mapping[str, str] = field(default_factory=dict[str, str])

    def of(self, sample_ids: list[str]) -> list[str]:
        """Return the status of each sample, in this order: "open" where nobody has looked."""
        usual = OPEN if self.last_event else ""
        return [self.statuses.get(name, usual) for name in sample_ids]

    def as_dict(self, sample_ids: list[str]) -> dict[str, Any]:
        """Return what a provenance keeps: later decisions then change nothing."""
        known = {name: self.statuses[name] for name in sample_ids if name in self.statuses}
        return {
            "last_event": self.last_event,
            "second_reading": self.second_reading,
            "statuses": known,
        }


NOT_REVIEWED = ReviewStatuses()


def current_statuses(run: Run) -> ReviewStatuses:
    """Return what the review database of the run's cache says of its dataset now.

    A cache without a database gives `NOT_REVIEWED`; none is made.

    Raises
    ------
    ReviewError
        If the database cannot be read.
    """
    from coreset_lib.review.address import has_database
    from coreset_lib.review.states import sample_states
    from coreset_lib.review.store import open_reviews

    if not has_database(run.paths.cache):
        return NOT_REVIEWED
    fingerprint = run.manifest.dataset.fingerprint
    with open_reviews(run.paths.cache) as store:
        rules, events = store.rules(fingerprint), store.events(fingerprint)
    if not events:
        return NOT_REVIEWED
    return ReviewStatuses(
        last_event=events[-1].id,
        second_reading=rules.second_reading,
        statuses={name: state.status for name, state in sample_states(events, rules).items()},
    )


def recorded_statuses(record: Mapping[str, Any]) -> ReviewStatuses:
    """Return the statuses that a provenance keeps; none for those of earlier versions.

    Raises
    ------
    CoresetError
        If they cannot be understood.
    """
    kept = record.get("review")
    if kept is None:
        return NOT_REVIEWED
    try:
        return ReviewStatuses(
            last_event=int(kept["last_event"]),
            second_reading=str(kept["second_reading"]),
            statuses={str(name): _known(status) for name, status in kept["statuses"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CoresetError(
            "the review in the provenance cannot be read. Restore the file from a copy, or use "
            "the version that wrote it."
        ) from None


def _known(status: Any) -> str:
    """Return a status that this program knows; raises ValueError for another one."""
    from coreset_lib.review.states import STATUSES

    if status not in STATUSES:
        raise ValueError(status)
    return str(status)
