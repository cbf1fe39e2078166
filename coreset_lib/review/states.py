"""What follows from the events: where each sample stands, conflicts, and progress."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from coreset_lib.review.records import (
    LABELLING,
    SECOND_READERS,
    Event,
    ReviewExport,
    Rules,
)

STATUSES = {
    "open": "nobody has decided",
    "skipped": "looked at and put off",
    "flagged": "a reader wants a second one to look",
    "proposed": "decided, waits for a second reader",
    "conflict": "readers disagree",
    "rejected": "a second reader refused the decision",
    "confirmed": "decided for good",
    "exported": "confirmed and handed out",
}
DONE = ("confirmed", "exported")


@dataclass(frozen=True, kw_only=True)
class SampleState:
    """Where one sample stands.

    Attributes
    ----------
    sample_id : str
    status : str
        One of `STATUSES`.
    old_label : str
    label : str or None
        What was decided for, None where nothing is, or readers disagree.
    decisions : mapping of reader to Event
        The label decision of each reader that counts now.
    settled_by : str
        The second reader, where there was one.
    is_flagged : bool
        Whether a reader asked for a second one.
    last_event : int
    """

    sample_id: str
    status: str
    old_label: str
    label: str | None
    decisions: Mapping[str, Event] = field(default_factory=dict[str, Event])
    settled_by: str = ""
    is_flagged: bool = False
    last_event: int = 0

    @property
    def decision(self) -> Event | None:
        """The decision for `label`: the first one if several readers agree."""
        return next((e for e in self.decisions.values() if e.new_label == self.label), None)

    @property
    def is_done(self) -> bool:
        """Whether its label is decided for good."""
        return self.status in DONE


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a review is.

    Attributes
    ----------
    n_labels : int
        Label decisions that count now, by all readers: what a budget is spent on.
    by_status, by_reader : mapping to int
        Samples, and label decisions.
    n_changed : int
        Samples whose label is decided for good and is another one than before.
    """

    n_labels: int
    by_status: Mapping[str, int]
    by_reader: Mapping[str, int]
    n_changed: int

    @property
    def n_done(self) -> int:
        """Samples decided for good."""
        return sum(self.by_status.get(status, 0) for status in DONE)


def effective(events: Iterable[Event]) -> list[Event]:
    """Return the events that count: neither undone nor an undo."""
    events = list(events)
    undone = {event.target for event in events if event.action == "undo"}
    return [e for e in events if e.action != "undo" and e.id not in undone]


def sample_state(events: Sequence[Event], rules: Rules, exported: str | None = None) -> SampleState:
    """Return where a sample stands.

    Parameters
    ----------
    events : sequence of Event
        All events on the sample, at least one, in the order of recording.
    rules : Rules
    exported : str, optional
        The label that was last handed out.
    """
    counting = effective(events)
    rejected = {e.target for e in counting if e.action == "reject"}
    decisions: dict[str, Event] = {}
    for event in counting:
        if event.action in LABELLING:
            decisions.pop(event.reader, None)  # a later decision goes to the end
            decisions[event.reader] = event
    decisions = {r: e for r, e in decisions.items() if e.id not in rejected}
    is_flagged = any(e.action == "flag" for e in counting)
    status, label, second = _settle(counting, decisions, rules, is_flagged=is_flagged)
    if status == "confirmed" and exported == label:
        status = "exported"
    return SampleState(
        sample_id=events[0].sample_id,
        status=status,
        old_label=events[0].old_label,
        label=label,
        decisions=decisions,
        settled_by=second,
        is_flagged=is_flagged,
        last_event=events[-1].id,
    )


def sample_states(
    events: Iterable[Event], rules: Rules, exports: Iterable[ReviewExport] = ()
) -> dict[str, SampleState]:
    """Return where every sample with an event stands, by sample id."""
    by_sample: dict[str, list[Event]] = {}
    for event in events:
        by_sample.setdefault(event.sample_id, []).append(event)
    handed_out: dict[str, str] = {}
    for export in exports:
        handed_out |= export.labels
    return {
        sample: sample_state(trail, rules, handed_out.get(sample))
        for sample, trail in by_sample.items()
    }


def conflicts(states: Mapping[str, SampleState]) -> list[SampleState]:
    """Return the samples that readers disagree on, in the order of their ids."""
    return [states[name] for name in sorted(states) if states[name].status == "conflict"]


def progress(states: Mapping[str, SampleState]) -> Progress:
    """Return how far a review is."""
    decisions = [e for state in states.values() for e in state.decisions.values()]
    changed = [s for s in states.values() if s.is_done and s.label != s.old_label]
    return Progress(
        n_labels=len(decisions),
        by_status=Counter(state.status for state in states.values()),
        by_reader=Counter(e.reader for e in decisions),
        n_changed=len(changed),
    )


def _settle(
    counting: Sequence[Event],
    decisions: Mapping[str, Event],
    rules: Rules,
    *,
    is_flagged: bool,
) -> tuple[str, str | None, str]:
    """Return status, label and second reader of a sample."""
    confirmation = _valid_confirmation(counting, decisions)
    if confirmation is not None:
        return "confirmed", *confirmation
    labels = {e.new_label for e in decisions.values()}
    if len(labels) > 1:
        return "conflict", None, ""
    if labels:
        (label,) = labels
        second = _second_reader(decisions)
        needs = is_flagged or any(rules.needs_second(e.action) for e in decisions.values())
        return ("proposed" if needs and not second else "confirmed"), label, second
    if any(e.action == "reject" for e in counting):
        return "rejected", None, ""
    if is_flagged:
        return "flagged", None, ""
    return ("skipped" if any(e.action == "skip" for e in counting) else "open"), None, ""


def _valid_confirmation(
    counting: Sequence[Event], decisions: Mapping[str, Event]
) -> tuple[str | None, str] | None:
    """Return label and reader of the last confirmation, if nobody has objected to it since."""
    standing = {e.id: e.new_label for e in decisions.values()}
    found = [e for e in counting if e.action == "confirm" and e.target in standing]
    if not found:
        return None
    last = found[-1]
    label = standing[last.target or 0]
    later = {e.new_label for e in decisions.values() if e.id > last.id}
    return (label, last.reader) if later <= {label} else None


def _second_reader(decisions: Mapping[str, Event]) -> str:
    """Return who came second to the same label, if either of two may be a second reader."""
    if len(decisions) < 2:
        return ""
    second = [e.reader for e in decisions.values() if e.role in SECOND_READERS]
    return second[-1] if second else ""
