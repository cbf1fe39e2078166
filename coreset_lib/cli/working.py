"""The command of a worker that shares the work on a plan with others: ``work``."""

import time
from typing import Annotated

import typer

from coreset_lib import workflows
from coreset_lib.checks import check_real
from coreset_lib.cli.options import Cache, cache_folder


def work(
    plan: Annotated[
        str,
        typer.Argument(help="Folder of a comparison or refinement, or its name in the cache"),
    ],
    max_minutes: Annotated[
        float | None, typer.Option("--max-minutes", help="Begin no training after that long")
    ] = None,
    cache: Cache = None,
) -> None:
    """Work on a comparison or refinement, beside any number of other workers.

    Start as many as you like, on any computer that sees the folder; each may be killed at any
    moment. The same evaluate command as before then writes the results.
    """
    seconds = None
    if max_minutes is not None:
        seconds = 60 * check_real("--max-minutes", max_minutes, above=0, most=100_000)
    began = time.monotonic()
    workflows.end_work_on_request()

    def say(done: int, total: int) -> None:
        typer.echo(f"{time.monotonic() - began:7.1f} s: {done} of {total} trainings", err=True)

    worked = workflows.work(plan, cache=cache_folder(cache), seconds=seconds, on_step=say)
    state = "nothing is left" if worked.is_finished else "not finished yet"
    typer.echo(f"{worked.done} of {worked.total}: {state}")


COMMANDS = (work,)
