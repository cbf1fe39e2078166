"""Options that several commands share, and readers for what a person types into them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from coreset_lib import workflows
from coreset_lib.cache import default_cache
from coreset_lib.checks import check_choice
from coreset_lib.errors import CoresetError
from coreset_lib.jobs.executor import EXECUTORS
from coreset_lib.runs.store import Run
from coreset_lib.windows import Window

Cache = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        help="Folder of runs and prepared datasets.  [default: CORESET_LENS_CACHE, else ./cache]",
    ),
]
RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="Run id, a unique prefix of one, or: latest")
]
SLURM_ONLY = ("partition", "time_limit", "slurm_option", "requeue", "tasks", "script")
# Of these, what other executors understand too.
OWN_OPTIONS = {"ray": ("tasks",), "kubernetes": ("tasks", "script")}
DATASET_HELP = "Name of a dataset, or path of an image folder, a CSV table or an .npz file"
Dataset = Annotated[str, typer.Option("--dataset", help=DATASET_HELP)]
DataRoot = Annotated[
    Path | None, typer.Option("--data-root", help="Folder that holds dataset files")
]
GreyWindow = Annotated[
    str,
    typer.Option(
        "--grey-window",
        help="DICOM and 16-bit images: file, range, a preset such as lung, or centre,width",
    ),
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out image files that cannot be used")
]
KeepPatientIds = Annotated[
    bool,
    typer.Option(
        "--keep-patient-ids", help="Keep patient ids readable, and all columns of a table"
    ),
]
LeaveCopiesOut = Annotated[
    bool,
    typer.Option(
        "--leave-copies-out", help="Leave images out of val and test that train has a copy of"
    ),
]
PathColumn = Annotated[str, typer.Option(help="Column with the names of the files")]
LabelColumn = Annotated[
    str,
    typer.Option(
        help="Column with the labels; several with commas hold a mark each; folder: the folders"
    ),
]
ImageFolder = Annotated[
    str, typer.Option(help="Where the files of a table lie, in full or from the table's folder")
]
Ending = Annotated[str, typer.Option(help="What the names of files lack at their end, as .png")]
LabelsPerImage = Annotated[
    str, typer.Option(help="one class, or several labels: of marks, or of cells such as A|B")
]
Uncertain = Annotated[
    str, typer.Option(help="What a mark of -1 means: positive, negative or leave-out")
]
Blank = Annotated[
    str, typer.Option(help="What an empty label means: positive, negative or leave-out")
]
GroupBy = Annotated[
    str,
    typer.Option(
        help="What stays together in a split: a column, folder, or a regular expression for names"
    ),
]
ImageSize = Annotated[int, typer.Option("--image-size", help="Pixels: 28, 64, 128 or 224")]
Early = Annotated[
    str | None, typer.Option("--early", help="Early window of epochs, first-last (eva)")
]
Late = Annotated[str | None, typer.Option("--late", help="Late window of epochs, first-last (eva)")]
ScoreOptions = Annotated[
    list[str] | None,
    typer.Option("--option", help="An option of the score, name=value; repeatable"),
]
Partition = Annotated[str | None, typer.Option(help="Slurm partition")]
TimeLimit = Annotated[str | None, typer.Option(help="Time limit of the Slurm job, as 2:00:00")]
SlurmLines = Annotated[
    list[str] | None,
    typer.Option("--slurm-option", help="Further option of sbatch, as --account=x; repeatable"),
]
Requeue = Annotated[
    bool | None,
    typer.Option("--requeue/--no-requeue", help="Resume when Slurm ends the job early"),
]
LearningRate = Annotated[
    float | None, typer.Option("--lr", help="First learning rate  [default: the run's]")
]
BatchSize = Annotated[int | None, typer.Option(help="Samples per update  [default: the run's]")]
WeightDecay = Annotated[float | None, typer.Option(help="Weight decay  [default: the run's]")]
Device = Annotated[
    str | None, typer.Option(help="auto, cpu, cuda, cuda:N or mps  [default: the run's]")
]
StrategyOptions = Annotated[
    list[str] | None,
    typer.Option("--strategy-option", help="An option of the strategy, name=value; repeatable"),
]


def cache_folder(cache: Path | None) -> Path:
    """Return the cache directory that a command works in."""
    return default_cache() if cache is None else cache


def find_run(cache: Path | None, name: str) -> Run:
    """Return the run that a person means."""
    return workflows.find_run(name, cache=cache)


def given_recipe(**options: Any) -> dict[str, Any]:
    """Return those options of a recipe that were given."""
    return {name: value for name, value in options.items() if value is not None}


def score_options(early: str | None, late: str | None, pairs: list[str] | None) -> dict[str, Any]:
    """Return score options from the window options and ``name=value`` pairs."""
    options: dict[str, Any] = {}
    for name, text in (("early", early), ("late", late)):
        if text is not None:
            options[name] = Window.parse(text)
    return options | named_values(pairs, flag="--option")


def named_values(pairs: list[str] | None, *, flag: str) -> dict[str, Any]:
    """Return options from ``name=value`` pairs, each given once."""
    found = several_values(pairs, flag=flag)
    for name, values in found.items():
        if len(values) > 1:
            raise CoresetError(
                f"{flag} {name} must be given once, got {' and '.join(values)}. Keep one of them."
            )
    return {name: values[0] for name, values in found.items()}


def several_values(pairs: list[str] | None, *, flag: str) -> dict[str, list[str]]:
    """Return options from ``name=value`` pairs, each with all its values in their order."""
    options: dict[str, list[str]] = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise CoresetError(f"{flag} must look like name=value, got {pair!r}.")
        values = options.setdefault(name.strip().replace("-", "_"), [])
        if value.strip() not in values:
            values.append(value.strip())
    return options


def in_commas(texts: list[str] | None, usual: str) -> list[str]:
    """Return what an option was given, repeated or with commas, or else its default."""
    return [part.strip() for text in texts or [usual] for part in text.split(",")]


def typed_options(context: typer.Context) -> list[str]:
    """Return the names of the options that stand on the command line."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return [name for name, found in sources.items() if found and found.name == "COMMANDLINE"]


def check_slurm_options(
    given: list[str], executor: str, *, executors: Iterable[str] = EXECUTORS
) -> None:
    """Raise CoresetError for an unknown executor or resources that it cannot give."""
    check_choice("executor", executor, executors)
    own = OWN_OPTIONS.get(executor, ())
    wrong = [
        f"--{name.replace('_', '-')}" for name in given if name in SLURM_ONLY and name not in own
    ]
    if executor != "slurm" and wrong:
        raise CoresetError(
            f"{', '.join(wrong)} must come with --executor slurm, got {executor}. "
            "Add it, or leave them out."
        )
