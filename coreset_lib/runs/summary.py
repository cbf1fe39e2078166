"""One line about a run, also about a damaged one: what lists of runs show."""

from dataclasses import dataclass

from coreset_lib.errors import DamagedRunError
from coreset_lib.runs.naming import ARCHIVED, read_naming
from coreset_lib.runs.records import ACTIVE_STATES
from coreset_lib.runs.store import Run

DAMAGED = "damaged"


@dataclass(frozen=True)
class RunVersion:
    """What names the recorded epochs of a run in every cache.

    ``created`` tells a run from another one that took the name of its folder later.
    """

    folder: str
    created: str
    n_epochs: int


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """A run at this moment; ``state`` is ``damaged`` where its records cannot be read."""

    run_id: str
    state: str
    dataset: str = ""
    model: str = ""
    epoch: int = 0
    epochs: int = 0
    step: str = ""
    epoch_progress: float = 0.0
    eta_seconds: float | None = None
    error: str | None = None
    seed: int | None = None
    device: str = ""
    created: str = ""
    is_synthetic: bool = False
    is_multi_label: bool = False
    is_recorded: bool = False
    folder: str = ""
    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    n_train: int = 0

    @property
    def is_archived(self) -> bool:
        """Whether lists leave it out unless they are asked for it."""
        return ARCHIVED in self.tags

    @property
    def is_active(self) -> bool:
        """Whether a process is training it or about to."""
        return self.state in ACTIVE_STATES

    @property
    def version(self) -> RunVersion:
        """The run as far as it was recorded when this was read."""
        return RunVersion(self.folder, self.created, self.epoch)

    @property
    def progress(self) -> float:
        """Share of the epochs done, the one under way included."""
        done = self.epoch + (self.epoch_progress if self.state == "running" else 0.0)
        return min(done / self.epochs, 1.0) if self.epochs else 0.0


def summarise(run: Run) -> RunSummary:
    """Return what a run is and does now; never raises for a damaged one."""
    folder, naming = str(run.paths.root), read_naming(run.paths)
    try:
        manifest, status = run.manifest, run.status()
    except DamagedRunError as error:
        return RunSummary(
            run_id=run.run_id,
            state=DAMAGED,
            error=str(error),
            folder=folder,
            name=naming.name,
            tags=naming.tags,
            note=naming.note,
        )
    return RunSummary(
        run_id=run.run_id,
        state=status.state,
        dataset=manifest.dataset.name,
        model=manifest.title or str(manifest.config.get("model", "")),
        epoch=status.epoch,
        epochs=status.epochs,
        step=status.step,
        epoch_progress=status.epoch_progress,
        eta_seconds=status.eta_seconds,
        error=status.error,
        seed=manifest.seed,
        device=status.device,
        created=manifest.created,
        is_synthetic=manifest.dataset.is_synthetic,
        is_multi_label=bool(manifest.dataset.label_names),
        is_recorded=manifest.is_recorded,
        folder=folder,
        name=naming.name,
        tags=naming.tags,
        note=naming.note,
        n_train=manifest.dataset.n_train,
    )
