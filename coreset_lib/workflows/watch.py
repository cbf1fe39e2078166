"""Who is told how a training in this process goes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coreset_lib.runs.records import Status

if TYPE_CHECKING:
    from coreset_lib.training.loop import EpochMetrics


def in_silence(_: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Who is told how a training in this process goes.

    Attributes
    ----------
    on_start : callable
        Told of the run's status before its first epoch.
    on_epoch : callable
        Told of the metrics of every complete epoch.
    on_wait : callable
        Told of the runs ahead whenever they change; an empty list while one trains.
    """

    on_start: Callable[[Status], None] = in_silence
    on_epoch: "Callable[[EpochMetrics], None]" = in_silence
    on_wait: Callable[[list[str]], None] = in_silence


SILENT = Watch()
