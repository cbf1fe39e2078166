"""The command that writes a run's report: ``report``."""

from pathlib import Path
from typing import Annotated

import typer

from coreset_lib import workflows
from coreset_lib.cli.options import Cache, RunName, cache_folder, find_run
from coreset_lib.outputs import check_output, write_output

BEGINNING = b"<!doctype html>"


def report(
    run: RunName,
    out: Annotated[Path, typer.Option("--out", help="HTML file to write")],
    with_images: Annotated[
        bool,
        typer.Option(
            "--with-images", help="Put the most suspicious images and their file names into it"
        ),
    ] = False,
    cache: Cache = None,
) -> None:
    """Write a report of a run to hand on: one HTML file that loads nothing and prints well.

    Data check, how the images were learned, suspicious labels, a coreset and what comparisons have
    shown, with where all numbers come from. No image and no file name is in it unless asked for.
    """
    found = find_run(cache, run)
    check_output(out, like=BEGINNING)
    content = workflows.run_report(found, cache=cache_folder(cache), with_images=with_images)
    write_output(out, content)
    images = "with the most suspicious images" if with_images else "without images"
    typer.echo(f"{out}: report of run {found.run_id}, {images}")


COMMANDS = (report,)
