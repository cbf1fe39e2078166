"""Commands that compute and write files: ``score``, ``select``, ``take-away``, ``rebuild``."""

from pathlib import Path
from typing import Annotated

import typer

from coreset_lib import workflows
from coreset_lib.cli.options import (
    Cache,
    Early,
    Late,
    RunName,
    ScoreOptions,
    StrategyOptions,
    find_run,
    named_values,
    score_options,
)
from coreset_lib.configs import FEATURES
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.export.forms import NAMES as FORM_NAMES
from coreset_lib.export.provenance import Export, check_exportable
from coreset_lib.label_sets import EXACT_MATCH
from coreset_lib.runs.store import Run
from coreset_lib.scores import SCORES
from coreset_lib.selection import BALANCES, STRATEGIES, SelectionConfig
from coreset_lib.selection.recommended import say_left_out
from coreset_lib.windows import Window

Out = Annotated[Path, typer.Option("--out", help="CSV to write; provenance goes beside it")]
ScoreName = Annotated[str, typer.Option("--score", help=", ".join(SCORES))]


def score(
    run: RunName,
    out: Out,
    score: ScoreName = "eva",
    early: Early = None,
    late: Late = None,
    option: ScoreOptions = None,
    cache: Cache = None,
) -> None:
    """Score every training sample of a run and write a CSV (rank 1 = hardest)."""
    found = find_run(cache, run)
    check_exportable(out, like=b"index,sample_id")
    export = workflows.export_scores(found, score, options=score_options(early, late, option))
    export.write(out)
    _say_notes(found, export)
    options = export.provenance["score_options"]
    used = ", ".join(f"{name}={value}" for name, value in options.items())
    n_train = found.manifest.dataset.n_train
    typer.echo(f"{out}: {n_train} samples by {score} {f'({used})' if used else ''}".rstrip())
    if score == "eva":
        windows = (Window.parse(str(options[name])) for name in ("early", "late"))
        _say_shares(found.dynamics(), *windows)


def _say_shares(dynamics: TrainingDynamics, early: Window, late: Window) -> None:
    """Say how much of EVA comes from which window, and where the population still moves."""
    from coreset_lib.scores.moving_windows import LITTLE, moving_windows, window_shares

    shares = window_shares(dynamics, early=early, late=late)
    typer.echo(f"of the score, {shares[0]:.1%} comes from {early} and {shares[1]:.1%} from {late}")
    moving = moving_windows(dynamics)[1]
    if 0 < shares[1] < LITTLE and moving != late:
        typer.echo(f"the population still moves in {moving}: --late {moving}")


def select(
    run: RunName,
    out: Out,
    rate: Annotated[float, typer.Option(help="Share to keep, in (0, 1]")],
    strategy: Annotated[str, typer.Option(help=", ".join(STRATEGIES))] = "top",
    strategy_option: StrategyOptions = None,
    score: ScoreName = "eva",
    early: Early = None,
    late: Late = None,
    option: ScoreOptions = None,
    balance: Annotated[str, typer.Option(help=", ".join(BALANCES))] = "global",
    noise_cut: Annotated[
        float, typer.Option(help="Share with the lowest AUM to drop first, in [0, 1)")
    ] = 0.0,
    features: Annotated[
        str, typer.Option(help=f"What distances are measured in: {', '.join(FEATURES)}")
    ] = "surrogate",
    seed: Annotated[int, typer.Option(help="Decides random choices")] = 0,
    cache: Cache = None,
) -> None:
    """Choose a coreset and write it as CSV with provenance."""
    config = SelectionConfig(
        strategy=strategy,
        strategy_options=named_values(strategy_option, flag="--strategy-option"),
        score=score,
        score_options=score_options(early, late, option),
        rate=rate,
        balance=balance,
        noise_cut=noise_cut,
        features=features,
        seed=seed,
    )
    found = find_run(cache, run)
    check_exportable(out, like=b"index,sample_id")
    export = workflows.export_coreset(found, config)
    export.write(out)
    _say_notes(found, export)
    n_train = found.manifest.dataset.n_train
    typer.echo(f"{out}: {export.provenance['n_selected']} of {n_train} samples")
    if said := say_left_out(export.provenance["report"]):
        typer.echo(said)
    for sentence in workflows.lost_classes(found, export):
        typer.echo(f"note: {sentence}", err=True)
    typer.echo(f"sha256: {export.provenance['sha256']}")


def _say_notes(run: Run, export: Export) -> None:
    """Say what a score ties, and how classes are counted where samples carry many labels."""
    for note in export.provenance.get("notes", ()):
        typer.echo(f"note: {note}", err=True)
    if run.manifest.dataset.label_names:
        typer.echo(EXACT_MATCH, err=True)


def take_away(
    csv: Annotated[Path, typer.Argument(metavar="CSV", help="A coreset's CSV, or its ZIP")],
    form: Annotated[str, typer.Option(help=", ".join(FORM_NAMES))],
    out: Annotated[
        Path, typer.Option("--out", help="File, or folder for croissant, folder and dicom-kos")
    ],
    links: Annotated[
        bool, typer.Option("--links", help="folder: links to the images, not copies")
    ] = False,
    with_uids: Annotated[
        bool,
        typer.Option("--with-uids", help="dicom-kos: the UIDs of studies and images may be given"),
    ] = False,
    cache: Cache = None,
) -> None:
    """Write a coreset in a form that another program reads."""
    said = workflows.take_away(csv, form, out, cache=cache, links=links, with_uids=with_uids)
    typer.echo(f"{out}: {said}")


def rebuild(
    csv: Annotated[
        Path,
        typer.Argument(
            metavar="CSV", help="A CSV with its provenance beside it, or the ZIP of a download"
        ),
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Write the rebuilt CSV here")] = None,
    cache: Cache = None,
) -> int:
    """Compute a CSV again from its provenance and say whether it is the same."""
    if out is not None:
        check_exportable(out)
    export, is_same = workflows.rebuild(csv, cache=cache)
    if out is not None:
        export.write(out)
    verdict = "same" if is_same else "NOT the same: the file, the run or the program has changed"
    typer.echo(f"{csv}: {verdict}")
    typer.echo(f"sha256: {export.provenance['sha256']}")
    return 0 if is_same else 1


COMMANDS = (score, select, take_away, rebuild)
