"""What a job asks Slurm for: options of the command line over those of a settings file."""

import re
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from coreset_lib.checks import check_choice, check_whole
from coreset_lib.errors import CoresetError
from coreset_lib.training.processes.ranks import MOST_PROCESSES

SETTINGS = "slurm.toml"
WORD = r"[\w.,@+-]{1,200}"
TIME = r"\d{1,6}|(\d{1,4}-)?\d{1,3}(:\d{1,2}){0,2}"
LINE = r"--[a-z][a-z-]*(=.*)?|-[A-Za-z]( .*)?"


@dataclass(frozen=True, kw_only=True)
class SlurmOptions:
    """Resources of a training job.

    Attributes
    ----------
    partition : str, optional
        None for the cluster's default.
    gpus : int
        Of one node; 0 for none.
    processes : int, optional
        How many train together; None for one per GPU.
    cpus : int, optional
    memory, time_limit : str, optional
        As sbatch reads them, for example ``16G`` and ``2:00:00``.
    requeue : bool
        Whether a job that Slurm ends early goes back to the queue and resumes.
    notice_seconds : int
        How long before the time limit the job is told to save its state.
    lines : tuple of str
        Further options of sbatch, for example ``--account=group``.
    """

    partition: str | None = None
    gpus: int = 0
    processes: int | None = None
    cpus: int | None = None
    memory: str | None = None
    time_limit: str | None = None
    requeue: bool = True
    notice_seconds: int = 60
    lines: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_whole("gpus", self.gpus, least=0, most=MOST_PROCESSES)
        if self.processes is not None:
            check_whole("processes", self.processes, least=1, most=MOST_PROCESSES)
        check_whole("notice seconds", self.notice_seconds, least=1, most=3600)
        if self.cpus is not None:
            check_whole("cpus", self.cpus, least=1, most=4096)
        _check_form("partition", self.partition, WORD, "gpu")
        _check_form("memory", self.memory, r"\d{1,9}[KMGT]?", "16G")
        _check_form("time limit", self.time_limit, TIME, "2:00:00 for two hours")
        for line in self.lines:
            _check_form("Slurm option", line, LINE, "--account=group")

    @property
    def n_processes(self) -> int:
        """How many processes train a run together."""
        return max(self.gpus, 1) if self.processes is None else self.processes

    def directives(self) -> list[str]:
        """Return the options as sbatch reads them, one to a line of the script."""
        named = {
            "partition": self.partition,
            "gres": f"gpu:{self.gpus}" if self.gpus else None,
            "cpus-per-task": self.cpus,
            "mem": self.memory,
            "time": self.time_limit,
        }
        given = [f"--{name}={value}" for name, value in named.items() if value is not None]
        requeue = "--requeue" if self.requeue else "--no-requeue"
        return [*given, requeue, f"--signal=B:TERM@{self.notice_seconds}", *self.lines]


def slurm_options(cache: Path, **given: Any) -> SlurmOptions:
    """Return the options of ``<cache>/slurm.toml``, overruled by those given that are not None.

    Raises
    ------
    CoresetError
        If the file cannot be read or an option is not allowed.
    """
    settings = _read_settings(cache / SETTINGS)
    lines = (*settings.lines, *(given.pop("lines", None) or ()))
    chosen = {name: value for name, value in given.items() if value is not None}
    return replace(settings, **chosen, lines=lines)


def _read_settings(path: Path) -> SlurmOptions:
    """Read the settings file, if there is one."""
    from pydantic import TypeAdapter, ValidationError

    if not path.exists():
        return SlurmOptions()
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CoresetError(f"settings file {path} cannot be read: {error}.") from None
    for name in settings:
        check_choice(f"setting in {path}", name, [field.name for field in fields(SlurmOptions)])
    try:
        return TypeAdapter(SlurmOptions).validate_python(settings)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its options"
        message = first["msg"].removeprefix("Value error, ").rstrip(".")
        raise CoresetError(
            f"settings file {path} must be valid, got in {where}: {message}."
        ) from None


def _check_form(argument: str, value: str | None, form: str, example: str) -> None:
    """Raise CoresetError unless a text is absent or has the form that sbatch expects."""
    if value is not None and re.fullmatch(form, value) is None:
        raise CoresetError(
            f"{argument} must look as sbatch expects it, got {value!r}. For example {example}."
        )
