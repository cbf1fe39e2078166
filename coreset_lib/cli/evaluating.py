"""The command that tells whether a coreset beats a random one: ``evaluate``."""

import itertools
from pathlib import Path
from typing import Annotated, Any

import typer

from coreset_lib import workflows
from coreset_lib.checks import check_choice, check_whole
from coreset_lib.cli.options import (
    BatchSize,
    Cache,
    Device,
    LearningRate,
    Partition,
    Requeue,
    RunName,
    SlurmLines,
    StrategyOptions,
    TimeLimit,
    WeightDecay,
    cache_folder,
    check_slurm_options,
    find_run,
    given_recipe,
    in_commas,
    several_values,
    typed_options,
)
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.arms import make_arms
from coreset_lib.evaluation.plan import PROTOCOLS, REGIMES, Arm, EvaluationPlan
from coreset_lib.evaluation.presets import PRESETS
from coreset_lib.evaluation.results import FIGURES
from coreset_lib.jobs.evaluations import Evaluation
from coreset_lib.jobs.executor import EXECUTORS, SHARED
from coreset_lib.jobs.kubernetes import KubernetesOptions
from coreset_lib.jobs.local_workers import MOST_WORKERS
from coreset_lib.jobs.ray_workers import RayOptions
from coreset_lib.jobs.slurm.options import SlurmOptions, slurm_options
from coreset_lib.scores import SCORES
from coreset_lib.selection import BALANCES, STRATEGIES
from coreset_lib.windows import Window

SHARING = (*EXECUTORS, *SHARED)
SEVERAL = "repeatable, or several separated by commas"
STRATEGY, SCORE, RATES, NOISE_CUT = "top", "eva", "0.02,0.05,0.1", "0"
# What a preset decides itself.
DECIDED = (
    *("strategy", "score", "balance", "noise_cut", "early", "late", "option"),
    "strategy_option",
)
BEST_ON_VAL = "the best on val is taken"


def evaluate(
    context: typer.Context,
    run: RunName,
    out: Annotated[Path, typer.Option("--out", help="CSV to write; provenance goes beside it")],
    strategy: Annotated[
        list[str] | None, typer.Option(help=f"Strategies, {SEVERAL}  [default: {STRATEGY}]")
    ] = None,
    score: Annotated[
        list[str] | None, typer.Option(help=f"Scores, {SEVERAL}  [default: {SCORE}]")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help=f"A study of the papers: {', '.join(PRESETS)}")
    ] = None,
    rates: Annotated[
        list[str] | None, typer.Option(help=f"Shares to keep, {SEVERAL}  [default: {RATES}]")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Draws of each strategy, one network each")] = 5,
    random_seeds: Annotated[
        int | None,
        typer.Option(help="Draws of random, which all are judged by  [default: as --seeds]"),
    ] = None,
    first_seed: Annotated[int, typer.Option(help="Seed of the first draw")] = 0,
    figure: Annotated[str, typer.Option(help=f"What is judged on: {', '.join(FIGURES)}")] = FIGURES[
        0
    ],
    protocol: Annotated[str, typer.Option(help=", ".join(PROTOCOLS))] = "honest",
    regime: Annotated[str, typer.Option(help=", ".join(REGIMES))] = "epochs",
    balance: Annotated[str, typer.Option(help=", ".join(BALANCES))] = "proportional",
    noise_cut: Annotated[
        list[str] | None,
        typer.Option(help=f"Noise cuts, {SEVERAL}: {BEST_ON_VAL}  [default: {NOISE_CUT}]"),
    ] = None,
    early: Annotated[
        list[str] | None, typer.Option(help=f"Early windows, {SEVERAL}: {BEST_ON_VAL}")
    ] = None,
    late: Annotated[
        list[str] | None, typer.Option(help=f"Late windows, {SEVERAL}: {BEST_ON_VAL}")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", help=f"An option of the scores, name=value; repeatable: {BEST_ON_VAL}"
        ),
    ] = None,
    strategy_option: StrategyOptions = None,
    model: Annotated[str | None, typer.Option(help="Target network  [default: the run's]")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs  [default: the run's]")] = None,
    lr: LearningRate = None,
    batch_size: BatchSize = None,
    weight_decay: WeightDecay = None,
    device: Device = None,
    full_set: Annotated[bool, typer.Option(help="Train on the full set too")] = True,
    workers: Annotated[
        int, typer.Option(help="Trainings side by side on this computer, for small networks")
    ] = 1,
    executor: Annotated[str, typer.Option(help=", ".join(SHARING))] = "local",
    tasks: Annotated[
        int, typer.Option(help="Workers on Slurm, Ray or Kubernetes, which share the trainings")
    ] = 8,
    script: Annotated[
        Path | None,
        typer.Option(help="Write Slurm's script or Kubernetes' manifest here, submit nothing"),
    ] = None,
    gpus: Annotated[
        float | None,
        typer.Option(help="GPUs of each worker: 0 or 1, on Ray a fraction such as 0.25"),
    ] = None,
    address: Annotated[
        str, typer.Option(help="Ray cluster: auto, or as ray://host:10001")
    ] = "auto",
    image: Annotated[
        str | None, typer.Option(help="Kubernetes: container image with coreset-lens")
    ] = None,
    volume_claim: Annotated[
        str | None, typer.Option("--volume-claim", help="Kubernetes: claim that holds the cache")
    ] = None,
    partition: Partition = None,
    time_limit: TimeLimit = None,
    slurm_option: SlurmLines = None,
    requeue: Requeue = None,
    cache: Cache = None,
) -> None:
    """Train on coresets and compare them with random ones of the same size, honestly.

    Goes on where it stopped when it is started again with the same options.
    """
    from coreset_lib.evaluation.held_out import held_out_note
    from coreset_lib.evaluation.report import verdict_lines
    from coreset_lib.evaluation.tied_scores import tied_scores
    from coreset_lib.export.provenance import check_exportable

    check_slurm_options(typed_options(context), executor, executors=SHARING)
    check_exportable(out, like=b"strategy,rate")
    check_choice("--figure", figure, FIGURES)
    check_whole("--workers", workers, least=1, most=MOST_WORKERS)
    found = find_run(cache, run)
    if preset is None:
        arms = make_arms(
            _words(in_commas(strategy, STRATEGY), "--strategy", STRATEGIES),
            _words(in_commas(score, SCORE), "--score", SCORES),
            check_choice("balance", balance, BALANCES),
            [_number(text, "--noise-cut") for text in in_commas(noise_cut, NOISE_CUT)],
            _window_pairs(early, late),
            score_options=several_values(option, flag="--option"),
            strategy_options=several_values(strategy_option, flag="--strategy-option"),
        )
    else:
        arms = _preset_arms(context, preset, found.status().epochs)
    plan = workflows.evaluation_plan(
        found,
        arms,
        rates=_rates(rates, preset),
        n_seeds=seeds,
        n_random=random_seeds,
        first_seed=first_seed,
        model=model,
        epochs=epochs,
        batch_size=batch_size,
        recipe=given_recipe(learning_rate=lr, weight_decay=weight_decay, device=device),
        protocol=protocol,
        regime=regime,
        with_full_set=full_set,
    )
    note = held_out_note(found.manifest.dataset) if found.manifest.is_recorded else ""
    if note:
        typer.echo(note, err=True)
    for tie in tied_scores(found.dynamics(), plan):
        typer.echo(f"note: {tie}", err=True)
    typer.echo(f"comparison: {plan.evaluation_id}", err=True)
    typer.echo(workflows.comparison_cost(plan, cache=cache_folder(cache)).in_words(), err=True)
    if executor == "slurm":
        options = slurm_options(
            cache_folder(cache),
            partition=partition,
            gpus=None if gpus is None else _whole_gpus(gpus),
            time_limit=time_limit,
            lines=slurm_option,
            requeue=requeue,
        )
        _hand_to_slurm(cache_folder(cache), plan, options, tasks, script)
        return
    if executor == "kubernetes":
        _write_manifest(
            cache_folder(cache),
            plan,
            script,
            image=image or "",
            volume_claim=volume_claim or "",
            n_workers=tasks,
            gpus=_whole_gpus(gpus or 0.0),
        )
        return
    ray = None
    if executor == "ray":
        ray = RayOptions(address=address, n_workers=tasks, gpus=gpus or 0.0)
    evaluation = _work(cache_folder(cache), plan, workers, ray)
    workflows.export_evaluation(evaluation, figure=figure).write(out)
    for line in verdict_lines(evaluation.paths, plan, figure=figure):
        typer.echo(line)
    typer.echo(f"results: {out}")


def _hand_to_slurm(
    cache: Path, plan: EvaluationPlan, options: SlurmOptions, n_tasks: int, script: Path | None
) -> None:
    """Submit the comparison as a job array, or write the script that does."""
    from coreset_lib.outputs import write_output

    if script is not None:
        text = workflows.evaluation_script(plan, cache=cache, slurm_job=options, n_tasks=n_tasks)
        write_output(script, text.encode())
        typer.echo(f"{script}: submit it with sbatch")
    else:
        job = workflows.submit_evaluation(plan, cache=cache, slurm_job=options, n_tasks=n_tasks)
        typer.echo(f"Slurm job: {job}")
    typer.echo("once it is finished, the same command without --executor writes the results")


def _write_manifest(cache: Path, plan: EvaluationPlan, script: Path | None, **options: Any) -> None:
    """Write the manifest of a Job whose pods share the comparison."""
    from coreset_lib.outputs import write_output

    if script is None:
        raise CoresetError(
            "--executor kubernetes writes a manifest for kubectl: say where with --script job.yaml."
        )
    manifest = workflows.evaluation_manifest(plan, KubernetesOptions(**options), cache=cache)
    write_output(script, manifest.encode())
    typer.echo(f"{script}: start it with kubectl apply -f {script}")
    typer.echo("once it is finished, the same command without --executor writes the results")


def _whole_gpus(gpus: float) -> int:
    """Return the GPUs of a worker that has all or none of one."""
    if not gpus.is_integer():
        raise CoresetError(f"--gpus must be 0 or 1, got {gpus:g}. Only Ray shares a GPU.")
    return check_whole("--gpus", int(gpus), least=0, most=1)


def _preset_arms(context: typer.Context, preset: str, n_epochs: int) -> tuple[Arm, ...]:
    """Return the contestants of a study; options that it decides itself are refused."""
    check_choice("--preset", preset, PRESETS)
    typed = typed_options(context)
    given = [name for name in DECIDED if name in typed]
    if given:
        raise CoresetError(
            f"--preset {preset} decides --{given[0].replace('_', '-')} itself, got both. "
            "Leave one of them out."
        )
    return PRESETS[preset].arms(n_epochs)


def _rates(texts: list[str] | None, preset: str | None) -> tuple[float, ...]:
    """Return the rates that were typed, or those of the study, or the default."""
    if not texts and preset is not None:
        return PRESETS[preset].rates
    return tuple(sorted({_number(part, "--rates") for part in in_commas(texts, RATES)}))


def _work(cache: Path, plan: EvaluationPlan, n_workers: int, ray: RayOptions | None) -> Evaluation:
    """Train the open cells with a progress bar."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("trainings", total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        return workflows.evaluate(plan, cache=cache, n_workers=n_workers, ray=ray, on_cell=show)


def _window_pairs(early: list[str] | None, late: list[str] | None) -> list[dict[str, str]]:
    """Return every pair of disjoint windows; one empty pair where none is given."""
    if not early and not late:
        return [{}]
    pairs = [dict(p) for p in itertools.product(_windows("early", early), _windows("late", late))]
    pairs = [pair for pair in pairs if _is_disjoint(pair)]
    if not pairs:
        raise CoresetError(
            f"no early window ends before a late one begins, got --early {_joined(early)} "
            f"--late {_joined(late)}. Move one of them."
        )
    return pairs


def _joined(texts: list[str] | None) -> str:
    """Return the values of an option as one would type them."""
    return ",".join(texts or [])


def _windows(name: str, texts: list[str] | None) -> list[tuple[str, str]]:
    """Return the windows given for one option, checked."""
    if not texts:
        raise CoresetError(f"--{name} must be given too. Write for example --{name} 1-10.")
    return [(name, str(Window.parse(part))) for part in in_commas(texts, "")]


def _is_disjoint(pair: dict[str, str]) -> bool:
    """Whether the early window ends before the late one begins."""
    return Window.parse(pair["early"]).last < Window.parse(pair["late"]).first


def _words(given: list[str], option: str, known: Any) -> list[str]:
    """Return names, each known and once."""
    return list(dict.fromkeys(check_choice(option, name, known) for name in given))


def _number(text: str, option: str) -> float:
    """Read one number of a list."""
    try:
        return float(text)
    except ValueError:
        raise CoresetError(
            f"{option} must be numbers separated by commas, got {text.strip()!r}. "
            "For example 0.02,0.05."
        ) from None


COMMANDS = (evaluate,)
