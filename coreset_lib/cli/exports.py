"""Commands that write files: ``score``, ``select``, ``stability``, ``take-away``, ``rebuild``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

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
from coreset_lib.datasets.sample_lists import read_sample_list
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.export.forms import NAMES as FORM_NAMES
from coreset_lib.export.provenance import Export, check_exportable
from coreset_lib.label_sets import EXACT_MATCH
from coreset_lib.runs.store import Run
from coreset_lib.scores import SCORES
from coreset_lib.selection import BALANCES, STRATEGIES, SelectionConfig
from coreset_lib.selection.forced import say_forced
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
    over_seeds: Annotated[
        bool,
        typer.Option(
            "--over-seeds", help="Say in how many runs of the recipe each is in the hardest tenth"
        ),
    ] = False,
    cache: Cache = None,
) -> None:
    """Score every training sample of a run and write a CSV (rank 1 = hardest)."""
    found = find_run(cache, run)
    check_exportable(out, like=b"index,sample_id")
    given = score_options(early, late, option)
    export = workflows.export_scores(found, score, options=given, over_seeds=over_seeds)
    export.write(out)
    _say_notes(found, export)
    options = export.provenance["score_options"]
    used = ", ".join(f"{name}={value}" for name, value in options.items())
    n_train = found.manifest.dataset.n_train
    typer.echo(f"{out}: {n_train} samples by {score} {f'({used})' if used else ''}".rstrip())
    if score == "eva":
        windows = (Window.parse(str(options[name])) for name in ("early", "late"))
        _say_shares(found.dynamics(), *windows)
    _say_other_windows(found, options, given)


def _say_shares(dynamics: TrainingDynamics, early: Window, late: Window) -> None:
    """Say how much of EVA comes from which window."""
    from coreset_lib.scores.movement import window_shares

    shares = window_shares(dynamics, early=early, late=late)
    typer.echo(f"of the score, {shares[0]:.1%} comes from {early} and {shares[1]:.1%} from {late}")


def _say_other_windows(run: Run, options: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Say so where the pages would begin with another late window than the fixed default."""
    from coreset_lib.scores.movement import moving_windows

    if {"early", "late"} & given.keys() or "late" not in options:
        return
    moving = moving_windows(run.dynamics())[1]
    if str(moving) != str(options["late"]):
        typer.echo(
            f"note: without --late the window is {options['late']} whatever the run; the pages "
            f"begin with {moving}, where the population still moves: --late {moving}",
            err=True,
        )


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
    include: Annotated[
        list[Path] | None,
        typer.Option(help="File of samples to force in: a CSV with sample_id, or one id a line"),
    ] = None,
    exclude: Annotated[
        list[Path] | None, typer.Option(help="File of samples to keep out, in the same forms")
    ] = None,
    average: Annotated[
        str,
        typer.Option(
            help="scores: go by the mean score over the runs of this recipe (of an ensemble: its "
            "members); errors: by the run as it is"
        ),
    ] = "errors",
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
        force_in=_named_in(include),
        keep_out=_named_in(exclude),
        average=average,
    )
    found = find_run(cache, run)
    check_exportable(out, like=b"index,sample_id")
    export = workflows.export_coreset(found, config)
    export.write(out)
    _say_notes(found, export)
    n_train = found.manifest.dataset.n_train
    typer.echo(f"{out}: {export.provenance['n_selected']} of {n_train} samples")
    if names := export.provenance.get("repetitions"):
        typer.echo(f"by the mean score over {len(names)} runs: {', '.join(names)}")
    _say_other_windows(found, export.provenance["selection"]["score_options"], config.score_options)
    if said := say_left_out(export.provenance["report"]):
        typer.echo(said)
    if said := say_forced(export.provenance["report"]):
        typer.echo(said)
    for sentence in workflows.lost_classes(found, export):
        typer.echo(f"note: {sentence}", err=True)
    typer.echo(f"sha256: {export.provenance['sha256']}")


def _named_in(files: Sequence[Path] | None) -> tuple[str, ...]:
    """Return the sample ids that files name."""
    return tuple(name for file in files or () for name in read_sample_list(file))


def _say_notes(run: Run, export: Export) -> None:
    """Say what a score ties, and how classes are counted where samples carry many labels."""
    for note in export.provenance.get("notes", ()):
        typer.echo(f"note: {note}", err=True)
    if run.manifest.dataset.label_names:
        typer.echo(EXACT_MATCH, err=True)


def stability(
    run: RunName,
    out: Out,
    score: ScoreName = "eva",
    early: Early = None,
    late: Late = None,
    option: ScoreOptions = None,
    cache: Cache = None,
) -> None:
    """Compare a score over RUN and those that differ in their seed only, or over its members."""
    from coreset_lib.atomic import csv_bytes
    from coreset_lib.outputs import check_output, write_output

    found = find_run(cache, run)
    check_output(out, like=b"index,sample_id")
    runs = workflows.repetitions(found, cache=found.paths.cache)
    options = score_options(early, late, option)
    told = workflows.stability(runs, score, options)
    write_output(out, csv_bytes(workflows.stability_table(runs, score, options)))
    seeds = ", ".join(str(each.manifest.seed) for each in runs)
    typer.echo(f"{out}: {len(told.times_hardest)} samples by {score} in {len(runs)} runs ({seeds})")
    n_always = int((told.times_hardest == told.n_runs).sum())
    typer.echo(
        f"hardest tenth: two runs share {told.overlaps.mean():.0%}; "
        f"{n_always} of {told.n_hardest} samples are in it in every run"
    )


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
    told = " and ".join(workflows.UNCONFIRMED)
    typer.echo(f"not compared, as the provenance alone tells them: {told} of its making")
    return 0 if is_same else 1


COMMANDS = (score, select, stability, take_away, rebuild)
