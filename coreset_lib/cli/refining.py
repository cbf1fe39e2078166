"""The commands ``refine start``, ``status``, ``stop`` and ``continue``."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coreset_lib import workflows
from coreset_lib.cli.options import (
    BatchSize,
    Cache,
    Device,
    LearningRate,
    RunName,
    WeightDecay,
    find_run,
    given_recipe,
)
from coreset_lib.errors import CoresetError
from coreset_lib.refinement.plan import EXPERTS, RefinementPlan
from coreset_lib.refinement.queries import QUERIES
from coreset_lib.refinement.results import RefinementPaths
from coreset_lib.runs.store import Run

if TYPE_CHECKING:
    from coreset_lib.jobs.refinements import Refinement

app = typer.Typer(
    name="refine",
    no_args_is_help=True,
    help="Judge labels by co-teaching, ask an expert about the doubtful ones, train on the rest.",
)
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", help="CSV to write: the results, or with --expert people the queries to answer"
    ),
]
Background = Annotated[
    bool, typer.Option("--background", help="Return at once; the refinement goes on")
]
Id = Annotated[
    str | None, typer.Option("--id", help="Which refinement of the run  [default: the newest]")
]


@app.command("start")
def start(
    run: RunName,
    query: Annotated[
        str, typer.Option(help=f"Query strategies, several by commas: {', '.join(QUERIES)}")
    ] = "entropy",
    budget: Annotated[
        int | None, typer.Option(help="Labels in all rounds together  [default: a tenth of all]")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Rounds that the budget is split into")] = 4,
    seeds: Annotated[str, typer.Option(help="first-last, or a list with commas")] = "0",
    expert: Annotated[
        str, typer.Option(help=f"Who answers: {', '.join(EXPERTS)}; simulated needs injected noise")
    ] = "simulated",
    noise_rate: Annotated[
        str, typer.Option(help="Share of labels thought to be wrong, or: estimate")
    ] = "estimate",
    vog_share: Annotated[
        float, typer.Option(help="Share of kept samples chosen by small VOG, 0 to 1")
    ] = 0.2,
    ramp: Annotated[int, typer.Option(help="Epochs until the noise rate is reached")] = 10,
    model: Annotated[str | None, typer.Option(help="Networks  [default: the run's]")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs  [default: the run's]")] = None,
    lr: LearningRate = None,
    batch_size: BatchSize = None,
    weight_decay: WeightDecay = None,
    device: Device = None,
    out: Out = None,
    background: Background = False,
    cache: Cache = None,
) -> None:
    """Judge the labels of a run's dataset, and improve them in rounds under a budget.

    Goes on where it stopped when it is started again with the same options.
    """
    from coreset_lib.cli.training import parse_seeds

    found = find_run(cache, run)
    _check_out(out)
    plan = workflows.refinement_plan(
        found,
        queries=[part.strip() for part in query.split(",")],
        budget=budget,
        n_rounds=rounds,
        seeds=parse_seeds(seeds),
        model=model,
        epochs=epochs,
        batch_size=batch_size,
        recipe=given_recipe(learning_rate=lr, weight_decay=weight_decay, device=device),
        noise_rate=_noise_rate(noise_rate),
        vog_share=vog_share,
        ramp_epochs=ramp,
        expert=expert,
    )
    warning = workflows.refinement_warning(plan, cache=cache)
    if warning:
        typer.echo(f"note: {warning}", err=True)
    if background:
        workflows.start_refinement(plan, cache=cache)
    else:
        with _refinement_bar() as show:
            refined = workflows.refine(plan, cache=cache, on_step=show)
        _tell_end(refined, out)
    typer.echo(f"refinement: {plan.refinement_id}")


@app.command("continue")
def go_on(
    run: RunName,
    labels: Annotated[
        Path | None,
        typer.Option("--labels", help="Answers: a CSV with sample_id and new, one row per query"),
    ] = None,
    refinement: Id = None,
    out: Out = None,
    background: Background = False,
    cache: Cache = None,
) -> None:
    """Go on with a refinement that was stopped, or that waits for the labels given here."""
    chosen = _find(cache, find_run(cache, run), refinement)
    _check_out(out)
    if labels is not None:
        n_others = workflows.answer_refinement(chosen, labels)
        if n_others:
            typer.echo(f"{n_others} rows of {labels} are not about open queries", err=True)
    if background:
        workflows.continue_refinement(chosen)
    else:
        with _refinement_bar() as show:
            refined = workflows.continue_refinement(chosen, here=True, on_step=show)
        _tell_end(refined, out)
    typer.echo(f"refinement: {chosen.plan.refinement_id}")


@app.command("status")
def status(
    run: RunName,
    refinement: Id = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="CSV of the results so far; provenance beside it")
    ] = None,
    cache: Cache = None,
) -> None:
    """List the refinements of a run, and what the newest or the chosen one has found."""
    from coreset_lib.refinement.sentences import verdict_lines

    found = find_run(cache, run)
    known = workflows.refinements(found.run_id, cache=cache)
    if as_json:
        typer.echo(json.dumps([_as_dict(item) for item in known], indent=2))
        return
    if not known:
        typer.echo(
            f"run {found.run_id} has no refinement; start one with: coreset-lens refine start"
        )
        return
    chosen = _find(cache, found, refinement)
    for item in known:
        progress = f"{item.status.epoch}/{item.plan.n_steps}"
        text = item.status.error or item.status.step
        typer.echo(f"{item.plan.refinement_id}  {item.status.state:<12} {progress:>9}  {text}")
    for line in verdict_lines(chosen.paths, chosen.plan):
        typer.echo(line)
    if out is not None:
        workflows.export_refinement(chosen).write(out)
        typer.echo(f"results: {out}")


@app.command("stop")
def stop(run: RunName, refinement: Id = None, cache: Cache = None) -> None:
    """Stop a refinement in the background; its finished steps are kept."""
    chosen = _find(cache, find_run(cache, run), refinement)
    workflows.stop_refinement(chosen)
    typer.echo(f"refinement {chosen.plan.refinement_id} stopped")


def _check_out(out: Path | None) -> None:
    """Raise CoresetError, before the work, for an output that could not be written after it."""
    from coreset_lib.export.provenance import check_exportable

    if out is not None:
        check_exportable(out)


def _tell_end(refined: "Refinement", out: Path | None) -> None:
    """Say how the work on a refinement ended."""
    from coreset_lib.refinement.run_plan import WAITING
    from coreset_lib.refinement.sentences import verdict_lines

    for line in verdict_lines(refined.paths, refined.plan):
        typer.echo(line)
    if refined.status.step == WAITING:
        _tell_queries(refined.paths, refined.plan, out)
    elif out is not None:
        workflows.export_refinement(refined).write(out)
        typer.echo(f"results: {out}")


@contextmanager
def _refinement_bar() -> Generator[Callable[[int, int, str], None]]:
    """Yield who is told of steps done, all steps, and the step."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=None)

        def show(done: int, total: int, step: str) -> None:
            progress.update(task, completed=done, total=total, description=step)

        yield show


def _tell_queries(paths: RefinementPaths, plan: RefinementPlan, out: Path | None) -> None:
    """Say where the queries are that people must answer, and how to go on."""
    from coreset_lib.outputs import write_output
    from coreset_lib.refinement.experts import open_round

    asked = open_round(paths, plan)
    assert asked is not None
    queries = paths.queries(asked.n_round)
    if out is not None:
        write_output(out, queries.read_bytes())
        queries = out
    typer.echo(f"queries: {queries}")
    typer.echo(
        "fill in the column new, then: coreset-lens refine continue "
        f"{plan.run_id} --id {plan.refinement_id} --labels {queries}"
    )


def _find(cache: Path | None, run: Run, wanted: str | None) -> "Refinement":
    """Return the refinement that is meant: the newest, or the one whose id begins so."""
    return workflows.find_refinement(run.run_id, wanted or "", cache=cache)


def _noise_rate(text: str) -> float | None:
    """Read a share, or the word estimate."""
    if text.strip() == "estimate":
        return None
    try:
        return float(text)
    except ValueError:
        raise CoresetError(
            f"--noise-rate must be a share such as 0.2, or estimate, got {text!r}."
        ) from None


def _as_dict(item: "Refinement") -> dict[str, object]:
    """Describe a refinement for programs."""
    state = asdict(item.status)
    keys = ("state", "step", "error", "eta_seconds")
    return {
        "refinement": item.plan.refinement_id,
        "run_id": item.plan.run_id,
        "done": item.status.epoch,
        "total": item.plan.n_steps,
        **{key: state[key] for key in keys},
        "plan": item.plan.as_dict(),
    }
