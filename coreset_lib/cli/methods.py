"""Commands about methods: what there is to choose from, ``cluster`` and ``compare``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from coreset_lib import workflows
from coreset_lib.cli.options import Cache, RunName, find_run
from coreset_lib.datasets.sources import SOURCES
from coreset_lib.networks import NETWORKS, Network
from coreset_lib.plugins import Registry
from coreset_lib.scores import SCORES
from coreset_lib.scores.score import Option
from coreset_lib.selection import STRATEGIES

# A default that depends on the run is shown for the surrogate's usual length.
SHOWN_EPOCHS = 200
AsJson = Annotated[bool, typer.Option("--json", help="Print the same as JSON")]
HARDER = {"harder": "higher = harder", "easier": "higher = easier"}


def scores(as_json: AsJson = False, cache: Cache = None) -> None:
    """List the scores: direction, what they need recorded, options, source."""
    del cache  # taken by every command
    records: list[dict[str, Any]] = [
        {
            "name": name,
            "title": score.title,
            "summary": score.summary,
            "direction": score.direction,
            "needs": list(score.needs),
            "source": score.source,
            "options": _describe_options(score.options),
        }
        for name, score in SCORES.items()
    ]
    if as_json:
        typer.echo(json.dumps(records, indent=2, ensure_ascii=False))
        return
    for record in records:
        typer.echo(f"{record['name']}: {record['title']}; {HARDER[record['direction']]}")
        typer.echo(f"    {record['summary']}")
        typer.echo(f"    needs: {', '.join(record['needs'])}; source: {record['source']}")
        _print_options("--option", record["options"])


def strategies(as_json: AsJson = False, cache: Cache = None) -> None:
    """List the selection strategies: what they need, options, source."""
    del cache  # taken by every command
    records: list[dict[str, Any]] = [
        {
            "name": name,
            "title": strategy.title,
            "summary": strategy.summary,
            "needs": _needs(strategy.needs_score, strategy.needs_features),
            "source": strategy.source,
            "options": _describe_options(strategy.options),
        }
        for name, strategy in STRATEGIES.items()
    ]
    if as_json:
        typer.echo(json.dumps(records, indent=2, ensure_ascii=False))
        return
    for record in records:
        typer.echo(f"{record['name']}: {record['title']}")
        typer.echo(f"    {record['summary']}")
        typer.echo(f"    needs: {', '.join(record['needs'])}; source: {record['source']}")
        _print_options("--strategy-option", record["options"])


def networks(as_json: AsJson = False, cache: Cache = None) -> None:
    """List the networks: what they are trained on, and their source."""
    del cache  # taken by every command
    records = [{"name": name, **_plain(network)} for name, network in NETWORKS.items()]
    if as_json:
        typer.echo(json.dumps(records, indent=2, ensure_ascii=False))
        return
    for record in records:
        typer.echo(f"{record['name']}: {record['title']}; for {record['samples']}")
        typer.echo(f"    {record['summary']}")
        typer.echo(f"    source: {record['source']}")


def plugins(cache: Cache = None) -> None:
    """List what other packages bring, and what of it cannot be used."""
    del cache  # taken by every command
    registries: tuple[Registry[Any], ...] = (SCORES, STRATEGIES, NETWORKS, SOURCES)
    found = [plugin for registry in registries for plugin in registry.plugins]
    for plugin in found:
        typer.echo(f"{plugin.kind} {plugin.name} {plugin.origin}")
    problems = [problem for registry in registries for problem in registry.problems]
    for problem in problems:
        typer.echo(problem)
    if not found and not problems:
        typer.echo("no plug-ins are installed")


def cluster(
    run: RunName,
    out: Annotated[
        Path, typer.Option("--out", help="CSV to write; what was found goes beside it as JSON")
    ],
    k: Annotated[
        str, typer.Option("--k", help="Clusters, or auto: the number with the best silhouette")
    ] = "auto",
    most_clusters: Annotated[int, typer.Option(help="Largest number that auto tries")] = 10,
    metric: Annotated[str, typer.Option(help="euclidean, cosine or manhattan")] = "euclidean",
    engine: Annotated[str, typer.Option(help="auto, fasterpam, pam, alternate or clara")] = "auto",
    variance: Annotated[float, typer.Option(help="Share of the variance that PCA keeps")] = 0.95,
    overall: Annotated[
        bool, typer.Option("--overall", help="Cluster all samples at once, not class by class")
    ] = False,
    seed: Annotated[int, typer.Option(help="Decides random starts")] = 0,
    cache: Cache = None,
) -> None:
    """Cluster a run's embedding around medoids and write a CSV."""
    from coreset_lib.checks import check_whole
    from coreset_lib.outputs import check_output

    options = {
        "k": k,
        "most_clusters": most_clusters,
        "metric": metric,
        "engine": engine,
        "variance": variance,
    }
    check_whole("--seed", seed, least=0, most=2**31 - 1)
    check_output(out, like=b"index,sample_id")
    check_output(out.with_name(f"{out.stem}.clusters.json"), like=b"{")
    found = workflows.cluster(
        find_run(cache, run), options=options, per_class=not overall, seed=seed
    )
    found.write(out)
    for record in found.record["classes"]:
        silhouette = record["silhouette"]
        quality = "" if silhouette is None else f", silhouette {silhouette:.3f}"
        sizes = ", ".join(map(str, record["sizes"]))
        typer.echo(f"{record['class']}: {record['k']} clusters of {sizes}{quality}")
    n_clusters = sum(record["k"] for record in found.record["classes"])
    typer.echo(f"{out}: {n_clusters} clusters")


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="A CSV that score or select wrote")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another one, of the same dataset")],
    rate: Annotated[
        float, typer.Option(help="Share of the hardest to take of two tables of scores")
    ] = 0.1,
    as_json: AsJson = False,
    cache: Cache = None,
) -> None:
    """Compare two selections or scores: overlap, rank correlation, classes."""
    del cache  # taken by every command
    found = workflows.compare_tables(first, second, rate=rate)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
        return
    typer.echo(f"A: {found.first}, {found.n_first} samples")
    typer.echo(f"B: {found.second}, {found.n_second} samples")
    chance = "" if found.expected_both is None else f", by chance {found.expected_both:.1f}"
    typer.echo(f"in both: {found.n_both} (Jaccard {found.jaccard:.3f}{chance})")
    rho = found.rank_correlation
    told = "not defined" if rho is None else f"{rho:.3f}"
    typer.echo(f"rank correlation (Spearman): {told} over {found.n_ranked} samples")
    width = max([5, *(len(share.class_name) for share in found.classes)])
    typer.echo(f"{'class':<{width}} {'A':>8} {'B':>8}")
    for share in found.classes:
        typer.echo(f"{share.class_name:<{width}} {share.n_first:>8} {share.n_second:>8}")


def _plain(network: Network) -> dict[str, Any]:
    """Return what a list says of a network."""
    fields = ("title", "summary", "samples", "source")
    return {field: getattr(network, field) for field in fields}


def _needs(needs_score: bool, needs_features: bool) -> list[str]:
    """Name what a strategy needs besides labels."""
    needs = [*(["a score"] if needs_score else []), *(["embedding"] if needs_features else [])]
    return needs or ["nothing"]


def _describe_options(options: Mapping[str, Option]) -> list[dict[str, Any]]:
    """Return name, values, default and help of each option."""
    return [
        {
            "name": name,
            "values": _values(option),
            "default": str(option.default_for(SHOWN_EPOCHS)),
            "depends_on_epochs": option.default_of is not None,
            "help": option.help,
        }
        for name, option in options.items()
    ]


def _values(option: Option) -> str:
    """Say what an option may be."""
    if option.kind == "choice":
        return "|".join(option.choices)
    if option.kind == "window":
        return "first-last"
    words = "".join(f"{word}|" for word in option.words)
    return f"{words}{option.least:g} to {option.most:g}"


def _print_options(flag: str, options: list[dict[str, Any]]) -> None:
    """Print one line per option."""
    for option in options:
        default = option["default"]
        if option["depends_on_epochs"]:
            default += f" at {SHOWN_EPOCHS} epochs"
        typer.echo(
            f"    {flag} {option['name']}={option['values']} (default {default}): {option['help']}"
        )


COMMANDS = (scores, strategies, networks, plugins, cluster, compare)
