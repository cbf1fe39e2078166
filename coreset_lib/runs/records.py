"""What a run says of itself: its manifest (never changes) and its status (often does)."""

from dataclasses import asdict, dataclass, field
from typing import Any

SCHEMA_VERSION = 1
STATES = ("queued", "running", "finished", "failed", "stopped", "interrupted")
ACTIVE_STATES = ("queued", "running")
TRAINED, RECORDED = "trained", "recorded"


@dataclass(frozen=True, kw_only=True)
class DatasetRecord:
    """The dataset that a run was trained on, enough to recognise it again.

    ``depth`` is the number of slices of a volume, 0 for pictures; ``label_names`` are those of
    samples with any number of labels, empty where each has one class.
    """

    name: str
    title: str
    fingerprint: str
    class_names: tuple[str, ...]
    n_train: int
    n_val: int
    n_test: int
    image_size: tuple[int, int]
    n_channels: int
    is_synthetic: bool
    licence: str = ""
    depth: int = 0
    label_names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Everything that decides what a run computes, and where it was computed.

    ``members`` names the runs that an ensemble averages; empty for a run of its own.
    ``plugins`` are the other packages that brought its network or its dataset, see
    :class:`coreset_lib.plugins.Plugin`.

    ``origin`` is "trained" where the program trained, or "recorded" where somebody's own loop
    did: ``title`` and ``recipe`` are then that person's words, and ``config`` is empty.
    ``image_range`` is what 0 and 255 of the stored pixels stood for, None where they were
    8-bit already. ``git_commit`` is that of the program, if its files are tracked there, and
    ``git_is_dirty`` whether they differed from it.
    """

    run_id: str
    dataset: DatasetRecord
    config: dict[str, Any]
    seed: int
    recording: str
    planes: tuple[str, ...]
    versions: dict[str, str]
    created: str
    device: str = ""
    git_commit: str | None = None
    git_is_dirty: bool | None = None
    members: tuple[str, ...] = ()
    plugins: tuple[dict[str, str], ...] = ()
    origin: str = TRAINED
    title: str = ""
    recipe: str = ""
    image_range: tuple[float, float] | None = None
    schema_version: int = SCHEMA_VERSION

    @property
    def is_recorded(self) -> bool:
        """Whether somebody's own training loop was recorded."""
        return self.origin == RECORDED

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Status:
    """How far a run is, and which process says so.

    ``epoch`` counts complete epochs; ``step`` names what the process is doing beyond
    them; ``heartbeat`` and ``process_start`` are seconds since 1970. ``processes`` is how many
    train together, of which ``pid`` leads.
    """

    state: str
    epoch: int = 0
    epochs: int = 0
    step: str = ""
    epoch_progress: float = 0.0
    eta_seconds: float | None = None
    heartbeat: float = 0.0
    host: str = ""
    pid: int | None = None
    process_start: float | None = None
    device: str = ""
    error: str | None = None
    notes: tuple[str, ...] = field(default=())
    processes: int = 1
    schema_version: int = SCHEMA_VERSION

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)
