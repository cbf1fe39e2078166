"""The command that tells whether a coreset beats a random one: ``evaluate``."""

import itertools
from pathlib import Path
from typing import Annotated, Any

import typer

from coreset_lib.cli.options import Cache, RunName, cache_folder, find_run
from coreset_lib.configs import Window
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.plan import PROTOCOLS, REGIMES, Arm, EvaluationPlan, random_arm
from coreset_lib.scores import SCORES
from coreset_lib.selection import BALANCES, STRATEGIES, SelectionConfig

Several = "several separated by commas"


def evaluate(
    run: RunName,
    out: Annotated[Path, typer.Option("--out", help="CSV to write; provenance goes beside it")],
    strategy: Annotated[str, typer.Option(help=f"Strategies, {Several}")] = "top",
    score: Annotated[str, typer.Option(help=f"Scores, {Several}")] = "eva",
    rates: Annotated[str, typer.Option(help=f"Shares to keep, {Several}")] = "0.02,0.05,0.1",
    seeds: Annotated[int, typer.Option(help="Paired seeds")] = 5,
    protocol: Annotated[str, typer.Option(help=", ".join(PROTOCOLS))] = "honest",
    regime: Annotated[str, typer.Option(help=", ".join(REGIMES))] = "epochs",
    balance: Annotated[str, typer.Option(help=", ".join(BALANCES))] = "proportional",
    noise_cut: Annotated[
        str, typer.Option(help=f"Noise cuts, {Several}: the best on val is taken")
    ] = "0",
    early: Annotated[
        str | None, typer.Option(help=f"Early windows, {Several}: the best on val is taken")
    ] = None,
    late: Annotated[
        str | None, typer.Option(help=f"Late windows, {Several}: the best on val is taken")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Target network  [default: the run's]")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs  [default: the run's]")] = None,
    full_set: Annotated[bool, typer.Option(help="Train on the full set too")] = True,
    cache: Cache = None,
) -> None:
    """Train on coresets and compare them with random ones of the same size, honestly.

    Goes on where it stopped when it is started again with the same options.
    """
    from coreset_lib.evaluation.evaluate import Evaluator, create_evaluation
    from coreset_lib.evaluation.report import export_results, verdict_lines

    found = find_run(cache, run)
    config = found.manifest.config
    variants = _variants(noise_cut, early, late)
    plan = EvaluationPlan(
        run_id=found.run_id,
        arms=tuple(_arms(strategy, score, balance, variants)),
        rates=tuple(sorted({_number(text, "--rates") for text in rates.split(",")})),
        n_seeds=seeds,
        model=model or str(config["model"]),
        epochs=int(config["epochs"]) if epochs is None else epochs,
        batch_size=int(config["batch_size"]),
        protocol=protocol,
        regime=regime,
        with_full_set=full_set,
    )
    paths = create_evaluation(cache_folder(cache), plan)
    typer.echo(f"comparison: {plan.evaluation_id}", err=True)
    _work(Evaluator.open(found, plan, paths))
    export = export_results(paths, plan, found)
    export.write(out)
    for line in verdict_lines(paths, plan):
        typer.echo(line)
    typer.echo(f"results: {out}")


def _work(evaluator: Any) -> None:
    """Train the open cells with a progress bar."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("trainings", total=None)
        evaluator.work(
            on_cell=lambda done, total: progress.update(task, completed=done, total=total)
        )


def _arms(strategies: str, scores: str, balance: str, variants: list[dict[str, Any]]) -> list[Arm]:
    """Return one arm per strategy, and per score where the strategy uses one."""
    arms: list[Arm] = []
    for strategy in _words(strategies, "--strategy", STRATEGIES):
        if strategy == "random":
            arms.append(random_arm(balance))
        elif not STRATEGIES[strategy].needs_score:
            arms.append(_arm(strategy, strategy, None, balance, variants))
        else:
            arms += [
                _arm(f"{strategy} {name}", strategy, name, balance, variants)
                for name in _words(scores, "--score", SCORES)
            ]
    return arms


def _arm(
    name: str, strategy: str, score: str | None, balance: str, variants: list[dict[str, Any]]
) -> Arm:
    """Return an arm with every variant that makes a difference to it, each once."""
    options = () if score is None else tuple(SCORES[score].options)
    configs: list[SelectionConfig] = []
    for variant in variants:
        windows = {k: v for k, v in variant["windows"].items() if k in options}
        config = SelectionConfig(
            strategy=strategy,
            score=score,
            score_options=windows,
            balance=balance,
            noise_cut=variant["noise_cut"],
        )
        if config not in configs:
            configs.append(config)
    return Arm(name=name, variants=tuple(configs))


def _variants(noise_cuts: str, early: str | None, late: str | None) -> list[dict[str, Any]]:
    """Return every combination of noise cut and disjoint windows."""
    cuts = [_number(text, "--noise-cut") for text in noise_cuts.split(",")]
    pairs: list[dict[str, str]] = [{}]
    if early is not None or late is not None:
        pairs = [
            dict(p) for p in itertools.product(_windows("early", early), _windows("late", late))
        ]
        pairs = [p for p in pairs if _is_disjoint(p)]
        if not pairs:
            raise CoresetError(
                f"no early window ends before a late one begins, got --early {early} "
                f"--late {late}. Move one of them."
            )
    return [{"noise_cut": cut, "windows": pair} for cut in cuts for pair in pairs]


def _windows(name: str, text: str | None) -> list[tuple[str, str]]:
    """Return the windows given for one option, checked."""
    if text is None:
        raise CoresetError(f"--{name} must be given too. Write for example --{name} 1-10.")
    return [(name, str(Window.parse(part))) for part in text.split(",")]


def _is_disjoint(pair: dict[str, str]) -> bool:
    """Whether the early window ends before the late one begins."""
    return Window.parse(pair["early"]).last < Window.parse(pair["late"]).first


def _words(text: str, option: str, known: Any) -> list[str]:
    """Return comma-separated names, each known and once."""
    from coreset_lib.checks import check_choice

    names = [check_choice(option, part.strip(), known) for part in text.split(",")]
    return list(dict.fromkeys(names))


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
