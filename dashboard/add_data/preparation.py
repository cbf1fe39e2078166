"""Preparing a dataset in the background, so that the page stays alive and shows how far it is."""

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from coreset_lib.cache import allowed_roots, default_cache
from coreset_lib.datasets import DatasetReport, LabeledImages, dataset_report, load_dataset
from coreset_lib.datasets.sources.choices import NO_CHOICES, ReadingChoices
from coreset_lib.datasets.sources.listing import is_within
from coreset_lib.errors import CoresetError

MOST_JOBS = 16
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """What a person wants to look at."""

    path: str
    image_size: int
    grey_window: str
    choices: ReadingChoices = NO_CHOICES
    leave_copies_out: bool = False


@dataclass(eq=False)
class Job:
    """One preparation: under way, done with a report, or ended with a sentence."""

    choice: Choice
    done: int = 0
    total: int = 0
    dataset: LabeledImages | None = None
    report: DatasetReport | None = None
    error: str = ""
    _thread: threading.Thread | None = field(default=None, repr=False)

    @property
    def is_running(self) -> bool:
        """Whether it is still at work."""
        return not self.error and self.report is None

    @property
    def progress(self) -> float:
        """Share of the files that are read."""
        return self.done / self.total if self.total else 0.0

    def start(self) -> "Job":
        """Begin in a thread that ends with the program."""
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self

    def wait(self) -> None:
        """Wait for the end."""
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        """Prepare and report; files that cannot be used are for the report to list."""
        try:
            dataset = load_dataset(
                self.choice.path,
                image_size=self.choice.image_size,
                grey_window=self.choice.grey_window,
                skip_bad=True,
                again=True,
                cache=default_cache(),
                roots=allowed_roots(),
                choices=self.choice.choices,
                leave_copies_out=self.choice.leave_copies_out,
                progress=self._note,
            )
            report = dataset_report(dataset, cache=default_cache())
        except CoresetError as error:
            self.error = str(error) or _unforeseen(error)
        except MemoryError:
            self.error = "There is not enough memory for this dataset. Choose a smaller image size."
        except BaseException as error:  # nobody above would tell: the page would wait for ever
            log.exception("the check of %s ended unexpectedly", self.choice.path)
            self.error = _unforeseen(error)
        else:
            self.dataset, self.report = dataset, report

    def _note(self, done: int, total: int) -> None:
        """Keep how far it is."""
        self.done, self.total = done, total


def _unforeseen(error: BaseException) -> str:
    """Say that something went wrong which nobody has thought of."""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"The check of this dataset ended unexpectedly ({what}). "
        "Check it again; if that does not help, the log of the dashboard tells where it happened."
    )


@st.cache_resource(show_spinner=False)
def _jobs() -> dict[Choice, Job]:
    """Return the jobs of this server, shared by its sessions."""
    return {}


def start_job(choice: Choice) -> Job:
    """Begin a preparation, unless the same one is under way."""
    jobs = _jobs()
    job = jobs.get(choice)
    if job is None or not job.is_running:
        jobs.pop(choice, None)
        job = jobs[choice] = Job(choice).start()
    for old in [c for c, j in jobs.items() if not j.is_running][: max(0, len(jobs) - MOST_JOBS)]:
        del jobs[old]
    return job


def find_job(choice: Choice | None) -> Job | None:
    """Return the job of a choice, if it is still known."""
    return None if choice is None else _jobs().get(choice)


def folder_of(choice: Choice) -> str:
    """Return the folder that a dataset lies in; itself where nothing above it is allowed."""
    path = Path(choice.path)
    return str(path.parent if is_within(path.parent, allowed_roots()) else path)
