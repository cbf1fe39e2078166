"""Commands about label decisions: ``coreset-lens review …``."""

import getpass
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coreset_lib import workflows
from coreset_lib.cli.options import Cache, RunName, cache_folder, find_run
from coreset_lib.errors import CoresetError

if TYPE_CHECKING:
    from coreset_lib.review.incoming import ImportReport
    from coreset_lib.review.store import ReviewStore

READER_VARIABLE = "CORESET_LENS_READER"
MOST_LINES = 20
EXPECTED_AMONG = 100

app = typer.Typer(
    name="review", help="Label decisions: who decided what, and the labels that follow."
)
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        help="Address of the review database, postgresql://name@host/database or a SQLite file.  "
        "[default: CORESET_LENS_REVIEW_DB, else review.sqlite3 in the cache]",
    ),
]
Me = Annotated[
    str | None,
    typer.Option(
        "--as",
        help="Your name as a reader: it is believed, and recorded together with your account.  "
        "[default: CORESET_LENS_READER, else login]",
    ),
]
ROLES_HELP = "reader, second_reader, admin, or none to take the role away"


@app.command("status")
def status_command(run: RunName, database: Database = None, cache: Cache = None) -> None:
    """Say how far the review of a run's dataset is, who disagrees, and how well readers agree."""
    from coreset_lib.review.agreement import agreement
    from coreset_lib.review.dataset import ReviewedDataset
    from coreset_lib.review.records import SECOND_READINGS
    from coreset_lib.review.states import STATUSES, conflicts, progress, sample_states

    dataset = ReviewedDataset.of_run(find_run(cache, run))
    with _open(cache, database) as store:
        events = store.events(dataset.fingerprint)
        rules = store.rules(dataset.fingerprint)
        states = sample_states(events, rules, store.exports(dataset.fingerprint))
        name = store.name
    found = progress(states)
    budget = "" if rules.budget is None else f" of {rules.budget} in the budget"
    typer.echo(f"{dataset.name}: {len(dataset.labels)} samples; database {name}")
    typer.echo(f"labels given: {found.n_labels}{budget}; {SECOND_READINGS[rules.second_reading]}")
    for status, meaning in STATUSES.items():
        if found.by_status.get(status):
            typer.echo(f"{status:<10} {found.by_status[status]:>7}  {meaning}")
    typer.echo(f"labels changed for good: {found.n_changed}")
    for reader, count in sorted(found.by_reader.items()):
        typer.echo(f"reader {reader}: {count} labels")
    for state in conflicts(states)[:MOST_LINES]:
        said = ", ".join(f"{who}: {e.new_label}" for who, e in state.decisions.items())
        typer.echo(f"conflict on {state.sample_id} ({state.old_label}): {said}")
    both = agreement(events)
    if both.n_samples:
        typer.echo(str(both))


@app.command("queue")
def queue_command(
    run: RunName,
    out: Annotated[Path, typer.Option("--out", help="CSV to write")],
    per_class: Annotated[
        bool, typer.Option("--per-class", help="Let the classes take turns in the order")
    ] = False,
    cache: Cache = None,
) -> None:
    """Write all samples in the order in which their labels should be looked at, with reasons.

    Says of every class how many of its samples are suspect, and warns above a quarter.
    """
    from coreset_lib.atomic import csv_bytes
    from coreset_lib.outputs import write_output

    found = find_run(cache, run)
    queue = workflows.suspicion(found)
    table = workflows.suspicion_table(found, queue=queue, is_per_class=per_class)
    write_output(out, csv_bytes(table))
    for sentence in workflows.classes_too_small_to_judge(found):
        typer.echo(f"note: {sentence}", err=True)
    turns = ", the classes in turns" if per_class else ""
    typer.echo(f"{out}: {len(table)} samples, most suspicious first{turns}")
    typer.echo(f"suspects: {', '.join(map(str, queue.class_suspects()))}")
    first = queue.order[:EXPECTED_AMONG]
    n_wrong = round(queue.expected_wrong(first))
    typer.echo(f"about {n_wrong} of the {len(first)} most suspicious are expected to be wrong")
    for warning in queue.warnings():
        typer.echo(f"warning: {warning}", err=True)


@app.command("export")
def export_command(
    run: RunName,
    out: Annotated[Path, typer.Option("--out", help="CSV to write; provenance goes beside it")],
    include: Annotated[
        str, typer.Option(help="confirmed: labels decided for good; all: with their status")
    ] = "confirmed",
    me: Me = None,
    database: Database = None,
    cache: Cache = None,
) -> None:
    """Write the decided labels: sample_id, old, new, who, when, why, status."""
    found = find_run(cache, run)
    with _open(cache, database) as store:
        if include == "confirmed":
            export = workflows.hand_out_corrections(
                found, store, by=_me(me), keep=lambda export: export.write(out)
            )
            _say_whose(_me(me))
        else:
            export = workflows.export_corrections(found, store, included=include)
            export.write(out)
    numbers = export.provenance
    typer.echo(f"{out}: {numbers['n_labels']} labels, {numbers['n_changed']} of them changed")
    typer.echo(f"sha256: {numbers['sha256']}")


@app.command("import")
def import_command(
    run: RunName,
    table: Annotated[Path, typer.Argument(metavar="CSV", help="At least sample_id and new")],
    reader: Annotated[
        str | None, typer.Option(help="Whose decisions these are, if there is no column who")
    ] = None,
    trial: Annotated[bool, typer.Option("--trial", help="Only report")] = False,
    report: Annotated[Path | None, typer.Option(help="Write what became of each row")] = None,
    me: Me = None,
    database: Database = None,
    cache: Cache = None,
) -> int:
    """Record decisions made elsewhere, and report where they disagree with those here."""
    from coreset_lib.review.dataset import ReviewedDataset
    from coreset_lib.review.incoming import import_labels

    dataset = ReviewedDataset.of_run(find_run(cache, run))
    with _open(cache, database, create=not trial) as store:
        found = import_labels(store, dataset, table, by=_me(me), reader=reader, is_trial=trial)
    if report is not None:
        _write_report(report, found)
    _print_report(found)
    if found.counts.get("wrong"):
        raise CoresetError(
            f"nothing was recorded: {found.counts['wrong']} rows of {table} cannot be used, the "
            f"first because {found.of('wrong')[0].note}"
        )
    done = "would be recorded" if trial else "recorded"
    if not trial:
        _say_whose(_me(me))
    n_new = found.counts["new"] + found.counts["conflict"] if trial else found.n_recorded
    typer.echo(f"{table}: {n_new} of {len(found.rows)} decisions {done}")
    return 0


@app.command("diff")
def diff_command(
    run: RunName,
    labels: Annotated[
        Path | None, typer.Option(help="CSV of corrected labels  [default: the database]")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the changed samples here")] = None,
    database: Database = None,
    cache: Cache = None,
) -> None:
    """Show how the corrected labels change the dataset: which samples, which classes."""
    from coreset_lib.review.diff import label_diff

    dataset, wanted = _wanted_labels(run, labels, database, cache)
    diff = label_diff(dataset, wanted)
    typer.echo(f"{dataset.name}: {len(diff.changed)} of {len(dataset.labels)} labels change")
    for (old, new), count in diff.moves.items():
        typer.echo(f"{count:>7}  {old} → {new}")
    for name, before in diff.before.items():
        if diff.after[name] != before:
            typer.echo(f"class {name}: {before} → {diff.after[name]}")
    if out is not None:
        _write_table(out, diff.changed, ("sample_id", "old", "new"))


@app.command("users")
def users_command(
    add: Annotated[str | None, typer.Option(metavar="NAME", help="Give this reader a role")] = None,
    role: Annotated[str | None, typer.Option(help=ROLES_HELP)] = None,
    me: Me = None,
    database: Database = None,
    cache: Cache = None,
) -> None:
    """List the readers with their roles, or give one a role (an admin may)."""
    if (add is None) != (role is None):
        raise CoresetError(
            "users must get --add and --role, or neither. For example: --add anna --role reader"
        )
    with _open(cache, database, create=add is not None) as store:
        if add is not None and role is not None:
            by = add if not store.readers() and me is None else _me(me)
            store.grant(add, role, by=by)
            _say_whose(by)
        readers = store.readers()
    if not readers:
        typer.echo("no readers yet; begin with: coreset-lens review users --add NAME --role admin")
    for name, held in readers.items():
        typer.echo(f"{held:<14} {name}")


@app.command("rules")
def rules_command(
    run: RunName,
    second_reading: Annotated[
        str | None,
        typer.Option(help="Who needs a second reader: never, relabel, always"),
    ] = None,
    budget: Annotated[
        int | None, typer.Option(help="Labels that may be paid for; 0: no limit")
    ] = None,
    me: Me = None,
    database: Database = None,
    cache: Cache = None,
) -> None:
    """Show or change how a dataset is reviewed (an admin may)."""
    from coreset_lib.review.records import SECOND_READINGS, Rules

    fingerprint = find_run(cache, run).manifest.dataset.fingerprint
    is_change = second_reading is not None or budget is not None
    with _open(cache, database, create=is_change) as store:
        rules = store.rules(fingerprint)
        if is_change:
            limit = rules.budget if budget is None else budget or None
            rules = Rules(second_reading=second_reading or rules.second_reading, budget=limit)
            store.set_rules(fingerprint, rules, by=_me(me))
            _say_whose(_me(me))
    typer.echo(f"second reading: {rules.second_reading} ({SECOND_READINGS[rules.second_reading]})")
    typer.echo(f"budget: {rules.budget or 'no limit'}")


@app.command("upgrade")
def upgrade_command(database: Database = None, cache: Cache = None) -> None:
    """Make or upgrade the tables of the review database; make a backup first."""
    from coreset_lib.review.address import shown_url
    from coreset_lib.review.connection import connect
    from coreset_lib.review.schema import upgrade

    engine = connect(cache_folder(cache), database)
    try:
        before, after = upgrade(engine)
        name = shown_url(engine.url.render_as_string(hide_password=False))
    finally:
        engine.dispose()
    said = "is new, schema" if before is None else f"upgraded from schema {before} to"
    typer.echo(f"{name}: " + ("is up to date, schema" if before == after else said) + f" {after}")


def _open(cache: Path | None, database: str | None, *, create: bool = False) -> "ReviewStore":
    """Open the review database; commands that only read make none."""
    from coreset_lib.review.store import open_reviews

    return open_reviews(cache_folder(cache), database, create=create, account=_account())


def _me(name: str | None) -> str:
    """Return the name of whoever runs the command."""
    found = name or os.environ.get(READER_VARIABLE) or _account()
    if not found:
        raise CoresetError("your name as a reader is not known. Give it with --as NAME.")
    return found


def _say_whose(name: str) -> None:
    """Say under which name something was recorded, where it is not the account's own."""
    if _account() not in ("", name):
        typer.echo(f"recorded under {name}, as given by the account {_account()}", err=True)


def _account() -> str:
    """Return the name of the account that the command runs under; empty if it has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _wanted_labels(
    run: str, labels: Path | None, database: str | None, cache: Path | None
) -> tuple[Any, Mapping[str, str]]:
    """Return the dataset of a run and the labels that it shall have."""
    from coreset_lib.datasets.relabelling.label_tables import (
        corrections,
        read_label_table,
        use_in_words,
    )
    from coreset_lib.review.dataset import ReviewedDataset
    from coreset_lib.review.diff import decided_labels
    from coreset_lib.review.states import sample_states

    dataset = ReviewedDataset.of_run(find_run(cache, run))
    if labels is not None:
        rows = read_label_table(labels)
        found = corrections(
            rows,
            dataset_name=dataset.name,
            class_names=dataset.class_names,
            label_names=dataset.label_names,
            sample_ids=dataset.sample_ids,
            labels=dataset.codes,
            name=labels.name,
        )
        typer.echo(f"{labels.name}: {use_in_words(rows)}")
        return dataset, {dataset.sample_ids[r]: dataset.text_of(c) for r, c in found.items()}
    with _open(cache, database) as store:
        events = store.events(dataset.fingerprint)
        return dataset, decided_labels(sample_states(events, store.rules(dataset.fingerprint)))


def _print_report(found: "ImportReport") -> None:
    """Print what became of the rows, and those that a person has to look at."""
    from coreset_lib.review.incoming import OUTCOMES

    for outcome, meaning in OUTCOMES.items():
        if found.counts.get(outcome):
            typer.echo(f"{outcome:<9} {found.counts[outcome]:>7}  {meaning}")
    for outcome in ("conflict", "changed"):
        for row in found.of(outcome)[:MOST_LINES]:
            typer.echo(
                f"line {row.line}: {row.sample_id}: {row.reader} says {row.label}, {row.note}"
            )
    for row in found.of("unsettled")[:MOST_LINES]:
        typer.echo(f"line {row.line}: {row.sample_id}: left out, {row.note}")


def _write_report(path: Path, found: "ImportReport") -> None:
    """Write what became of every row."""
    rows = [
        (row.line, row.sample_id, row.reader, row.label, row.outcome, row.note)
        for row in found.rows
    ]
    _write_table(path, rows, ("line", "sample_id", "reader", "label", "outcome", "note"))


def _write_table(path: Path, rows: Any, columns: tuple[str, ...]) -> None:
    """Write a CSV that no spreadsheet runs."""
    import pandas as pd

    from coreset_lib.atomic import csv_bytes
    from coreset_lib.outputs import write_output
    from coreset_lib.spreadsheets import disarm_formulas

    table = disarm_formulas(pd.DataFrame(list(rows), columns=list(columns)), columns)
    write_output(path, csv_bytes(table))
    typer.echo(f"{path}: {len(table)} rows")
