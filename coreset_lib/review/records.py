"""What is recorded of a review: events, rules and exports, and what they may contain."""

from dataclasses import dataclass
from datetime import datetime

from coreset_lib.checks import check_choice, check_whole
from coreset_lib.errors import ReviewError
from coreset_lib.review.limits import check_number, check_text

LABELLING = ("keep", "relabel")
ACTIONS = (*LABELLING, "flag", "skip", "confirm", "reject", "undo")
ROLES = ("reader", "second_reader", "admin")
NO_ROLE = "none"
SECOND_READERS = ("second_reader", "admin")
ROLE_TITLES = {"reader": "reader", "second_reader": "second reader", "admin": "admin"}
# Whose labels need a second reader before they count.
SECOND_READINGS = {
    "never": "one reader is enough",
    "relabel": "changed labels need a second reader",
    "always": "every decision needs a second reader",
}
CONFIDENCES = {1: "a guess", 2: "unsure", 3: "fairly sure", 4: "sure", 5: "certain"}
LONGEST_NAME = 120
LONGEST_REASON = 2000


@dataclass(frozen=True, kw_only=True)
class Event:
    """One row of the audit trail; rows are only ever added.

    Attributes
    ----------
    id : int
        Counts up in the order of recording, over all datasets.
    at : datetime
        When it was recorded, UTC.
    reader, role : str
        Who decided, and the role held at that moment.
    recorded_by : str
        Who entered it: the reader, or whoever imported a table; with the account of the system
        where the name was given on a command line.
    fingerprint, sample_id : str
        Of the dataset, and the sample in it.
    action : str
        One of `ACTIONS`.
    old_label : str
        Name of the class in the dataset.
    new_label : str or None
        Name of the class decided for; None for a flag or a skip.
    reason : str
    confidence : int or None
        1 (a guess) to 5 (certain).
    run, view : str
        Training run and kind of view (for example "blind") that it was decided in.
    target : int or None
        The event that is undone, confirmed or rejected.
    previous : int
        The event before it on the same sample, 0 for the first.
    token : str or None
        Chosen by the sender: the same decision sent twice is recorded once.
    decided : str
        When it was decided according to an imported table, as written there; else "".
    """

    id: int
    at: datetime
    reader: str
    role: str
    recorded_by: str
    fingerprint: str
    sample_id: str
    action: str
    old_label: str
    new_label: str | None
    reason: str
    confidence: int | None
    run: str
    view: str
    target: int | None
    previous: int
    token: str | None
    decided: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a person wants to have recorded about one sample.

    Attributes
    ----------
    reader, sample_id, action : str
        Who, on what, and one of `ACTIONS` but "undo", which has a function of its own.
    fingerprint : str
        Of the dataset that the reader saw.
    label : str or None
        Name of the class, for "relabel".
    target : int or None
        The event to confirm or reject.
    seen : int or None
        The last event on the sample that the reader knew of, 0 for none: the decision is
        refused if another reader came later. None leaves that out.
    reason, confidence, run, view, token, recorded_by, decided
        See `Event`; ``recorded_by`` is the reader if not given.
    """

    reader: str
    sample_id: str
    action: str
    fingerprint: str
    label: str | None = None
    target: int | None = None
    seen: int | None = None
    reason: str = ""
    confidence: int | None = None
    run: str = ""
    view: str = ""
    token: str | None = None
    recorded_by: str | None = None
    decided: str = ""

    def __post_init__(self) -> None:
        check_choice("action", self.action, [name for name in ACTIONS if name != "undo"])
        check_name(self.reader)
        check_reason(self.reason)
        for name in ("sample_id", "fingerprint", "label", "run", "view", "token", "decided"):
            check_text(name.replace("_", " "), getattr(self, name))
        check_text("recorded by", self.recorded_by)
        check_number("target", self.target)
        check_number("seen", self.seen)
        if self.confidence is not None:
            check_whole("confidence", self.confidence, least=1, most=5)
        if self.action in ("confirm", "reject") and self.target is None:
            raise ReviewError(f"{self.action} must name the event that it is about. Give target.")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How a dataset is reviewed.

    Attributes
    ----------
    second_reading : str
        Which decisions need a second reader, one of `SECOND_READINGS`.
    budget : int or None
        Labels that may be paid for; None for no limit. It is shown, not enforced.
    """

    second_reading: str = "relabel"
    budget: int | None = None

    def __post_init__(self) -> None:
        check_choice("second reading", self.second_reading, SECOND_READINGS)
        if self.budget is not None:
            check_whole("budget", self.budget, least=1, most=100_000_000)

    def needs_second(self, action: str) -> bool:
        """Whether a decision of this kind waits for a second reader."""
        return self.second_reading == "always" or (
            self.second_reading == "relabel" and action == "relabel"
        )


@dataclass(frozen=True, kw_only=True)
class ReviewExport:
    """A file of labels that was handed out; ``labels`` maps sample ids to class names."""

    id: int
    at: datetime
    exported_by: str
    last_event: int
    sha256: str
    labels: dict[str, str]


def check_name(name: str) -> str:
    """Return the name of a reader; raises ReviewError for one that cannot be shown in a line."""
    if not name or name != name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise ReviewError(
            f"reader must be 1 to {LONGEST_NAME} printable characters without spaces around "
            f"them, got {name[:80]!r}. For example anna.meier@clinic.example."
        )
    return name


def check_reason(reason: str) -> str:
    """Return a reason; raises ReviewError for one that a database or table cannot hold."""
    if len(reason) > LONGEST_REASON:
        raise ReviewError(
            f"reason must be at most {LONGEST_REASON} characters of text, got {len(reason)}. "
            "Shorten it."
        )
    check_text("reason", reason, longest=4 * LONGEST_REASON)
    return reason
