"""The ``coreset-lens`` command: exit 0 on success, 2 with one clear line on a mistake."""

import errno
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from coreset_lib.cli import (
    data,
    evaluating,
    exports,
    methods,
    refining,
    reporting,
    reviewing,
    running,
    serving,
    training,
    working,
)
from coreset_lib.errors import CoresetError
from coreset_lib.system.computing import prepare_computing
from coreset_lib.system.privacy import private_files
from coreset_lib.system.signals import end_with_reader

app = typer.Typer(
    name="coreset-lens",
    help="See how each sample of a medical image dataset is learned, and choose a coreset. "
    "For research use only.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
COMMANDED = (serving, data, training, running, exports, reporting, methods, evaluating, working)
for commands in COMMANDED:
    for command in commands.COMMANDS:
        app.command(command.__name__.removesuffix("_command").replace("_", "-"))(command)
app.add_typer(refining.app)
app.add_typer(reviewing.app)


def _print_version(is_asked: bool) -> None:
    """Print the version and leave, where it is asked for."""
    if is_asked:
        typer.echo(f"coreset-lens {version('coreset-lens')}")
        raise typer.Exit


@app.callback()
def _options_of_all(
    _: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Take what is asked of the program itself; everything else is a command."""


FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
# Options that had another name once, still understood.
OLD_OPTIONS = {"--window": "--grey-window"}

# Typer brings its own copy of click in some versions: take its base class from where it stands.
_UsageError: type[Exception] = typer.BadParameter.__mro__[2]


def main() -> None:
    """Run the command line; a mistake of the user becomes one line on stderr and exit 2."""
    end_with_reader()
    prepare_computing()
    with private_files():
        status = _run(sys.argv[1:])
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    """Run the command and return its exit status."""
    try:
        result = app(
            args=[_with_new_name(argument) for argument in arguments],
            prog_name="coreset-lens",
            standalone_mode=False,
        )
    except (CoresetError, _UsageError) as error:
        message = str(error) if isinstance(error, CoresetError) else _usage_message(error)
        sys.stderr.write(f"coreset-lens: {' '.join(message.split())}\n")
        return 2
    except OSError as error:
        if error.errno not in FULL_DISK:
            raise
        where = f" at {error.filename}" if error.filename else ""
        sys.stderr.write(
            f"coreset-lens: the disk is full{where} ({error.strerror}). Free some space and start "
            "again; what was finished is kept.\n"
        )
        return 2
    except (typer.Abort, KeyboardInterrupt):
        sys.stderr.write("coreset-lens: stopped\n")
        return 130
    return result if isinstance(result, int) else 0


def _with_new_name(argument: str) -> str:
    """Return an argument, with the new name of an option that had another one once."""
    option, equals, value = argument.partition("=")
    return f"{OLD_OPTIONS.get(option, option)}{equals}{value}"


def _usage_message(error: Exception) -> str:
    """Return what Typer has to say about a wrong option."""
    return str(getattr(error, "format_message", error.__str__)())
