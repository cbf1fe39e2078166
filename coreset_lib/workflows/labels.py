"""Labels: which look wrong, and the corrected ones to take away."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.export import corrections
from coreset_lib.export.provenance import Export
from coreset_lib.review.records import Rules
from coreset_lib.review.rights import check_role
from coreset_lib.review.suspicion import SuspicionQueue, queue_of_run
from coreset_lib.runs.store import Run
from coreset_lib.spreadsheets import TEXT_COLUMNS, disarm_formulas

if TYPE_CHECKING:
    from coreset_lib.review.store import ReviewStore

FEWEST_TO_JUDGE = 3


def suspicion(
    run: Run,
    *,
    dynamics: TrainingDynamics | None = None,
) -> SuspicionQueue:
    """Order the training samples by how much their label looks wrong.

    Parameters
    ----------
    run : Run
    dynamics : TrainingDynamics, optional
        The run's dynamics, where they are open already.

    Raises
    ------
    CoresetError
        If the run has recorded no epoch, or is damaged.
    """
    return queue_of_run(run, dynamics=dynamics)


def classes_too_small_to_judge(run: Run) -> list[str]:
    """Say which classes have too few training images for any sign of a wrong label to count."""
    counts = run.samples()["class_name"].value_counts()
    few = [f"{name} ({count})" for name, count in counts.items() if count < FEWEST_TO_JUDGE]
    if not few:
        return []
    return [
        f"classes with fewer than {FEWEST_TO_JUDGE} training images cannot be judged, their images "
        f"look wrong whatever their label: {', '.join(few)}"
    ]


def suspicion_table(
    run: Run, *, queue: SuspicionQueue | None = None, is_per_class: bool = False
) -> pd.DataFrame:
    """Return all samples, the most suspicious first, with every sign and the reasons in words.

    Parameters
    ----------
    run : Run
    queue : SuspicionQueue, optional
        The run's queue, where it is known already.
    is_per_class : bool
        Let the classes take turns.

    Returns
    -------
    DataFrame
        index, sample_id, label, class_name, suspicion in [0, 1], one column per sign, place,
        reasons, suspect, chance_wrong, suggested_class with suggested_because, and
        suspects_in_class; one row per training sample. Texts are harmless to spreadsheets.

    Raises
    ------
    CoresetError
        If the run has recorded no epoch, or is damaged.
    """
    queue = suspicion(run) if queue is None else queue
    order = queue.order_by_class() if is_per_class else queue.order
    table = pd.DataFrame(run.samples()[["index", "sample_id", "label", "class_name"]])
    table = table.iloc[order].reset_index(drop=True)
    table["suspicion"] = queue.values[order]
    for name, values in queue.signs.items():
        table[name] = values[order]
    table["place"] = range(1, len(table) + 1)
    table["reasons"] = ["; ".join(queue.reasons(index)) for index in order]
    names = queue.dynamics.class_names
    table["suspect"] = queue.is_suspect[order]
    table["chance_wrong"] = queue.chance_wrong[order]
    table["suggested_class"] = [names[queue.suggested[index]] for index in order]
    table["suggested_because"] = [queue.suggestion(index) for index in order]
    counts = {found.class_name: str(found) for found in queue.class_suspects()}
    table["suspects_in_class"] = [counts[str(name)] for name in table["class_name"]]
    more = ("suggested_class", "suggested_because", "suspects_in_class")
    return disarm_formulas(table, (*TEXT_COLUMNS, *more))


def export_corrections(
    run: Run,
    reviews: "ReviewStore",
    *,
    included: str = "confirmed",
    up_to: int | None = None,
    rules: Rules | None = None,
) -> Export:
    """Export the decided labels of a run's dataset; CSV and provenance.

    Parameters
    ----------
    run : Run
        Any run on the dataset.
    reviews : ReviewStore
        See :func:`coreset_lib.review.store.open_reviews`.
    included : str
        ``confirmed``: labels decided for good; ``all``: with their status.
    up_to : int, optional
        Count events up to this one only.
    rules : Rules, optional
        By default those that hold now.

    Raises
    ------
    CoresetError
        If nothing is there to export, or run or database cannot be read.
    """
    return corrections.export_labels(run, reviews, included=included, up_to=up_to, rules=rules)


def hand_out_corrections(
    run: Run,
    reviews: "ReviewStore",
    *,
    by: str,
    up_to: int | None = None,
    rules: Rules | None = None,
    keep: Callable[[Export], object] = lambda export: None,
) -> Export:
    """Export the confirmed labels and note that they were handed out, "exported" from now on.

    Parameters
    ----------
    run, reviews, up_to, rules
        As for :func:`export_corrections`.
    by : str
        A reader who may export.
    keep : callable
        Writes the export; only when that went well is it noted.

    Raises
    ------
    ReviewError
        If ``by`` may not export; nothing is written then.
    CoresetError
        If nothing is there to export, or run or database cannot be read.
    """
    export = export_corrections(run, reviews, up_to=up_to, rules=rules)
    check_role(by, reviews.role_of(by), "export")
    keep(export)
    corrections.hand_out(export, run, reviews, by=by)
    return export
