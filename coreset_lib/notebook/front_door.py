"""What ``import coreset_lib as cl`` offers; each function asks the module that does the work."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from coreset_lib import workflows
from coreset_lib.cache import default_cache
from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError
from coreset_lib.notebook.opened_run import Coreset, OpenedRun
from coreset_lib.runs.summary import summarise

if TYPE_CHECKING:
    from coreset_lib.notebook.comparison import Comparison
    from coreset_lib.notebook.server import Server
    from coreset_lib.recording.recording import Recorder

Cache = str | Path | None
AnyRun = str | OpenedRun


def record(title: str, *, labels: Any, epochs: int, **options: Any) -> "Recorder":
    """Return a recorder for a training loop of your own.

    ``with cl.record("my CNN", labels=y, epochs=20) as recorder: for epoch in recorder: ...``

    Parameters
    ----------
    title, labels, epochs, **options
        See :func:`coreset_lib.recording.record.record`: class_names, images, recipe, seed,
        cache, dataset, sample_ids, sources, patient_ids, val_images, val_labels, test_images,
        test_labels, umap.

    Raises
    ------
    CoresetError
        If something given does not fit together, or is not known.
    """
    from coreset_lib.recording.record import record as make_recorder

    try:
        return make_recorder(title, labels=labels, epochs=epochs, **options)
    except TypeError as error:
        raise _unknown_option("record", error) from None


def open_run(run: str = "latest", *, cache: Cache = None) -> OpenedRun:
    """Open a run by its id, a unique prefix of it, or ``latest``.

    Raises
    ------
    CoresetError
        If none or several match.
    """
    return OpenedRun(workflows.find_run(run, cache=_folder(cache)))


def runs(*, cache: Cache = None) -> pd.DataFrame:
    """Return one row per run, newest first: run_id, state, dataset, model, epoch, epochs ..."""
    found = [asdict(summarise(run)) for run in workflows.open_store(_folder(cache)).runs()]
    columns = ["run_id", "state", "dataset", "model", "epoch", "epochs"]
    table = pd.DataFrame(found) if found else pd.DataFrame(columns=columns)
    return table.reindex(columns=[*columns, *(n for n in table if n not in columns)])


def train(
    dataset: str | Path,
    *,
    data_root: Cache = None,
    background: bool = False,
    cache: Cache = None,
    **options: Any,
) -> OpenedRun:
    """Train a surrogate network on a dataset and record how each sample is learned.

    Parameters
    ----------
    dataset : str or Path
        Name of a dataset, or path of an image folder, a table or an .npz file.
    data_root : str or Path, optional
        Folder that holds dataset files.
    background : bool
        Return at once; the training goes on in a process of its own.
    cache : str or Path, optional
    **options
        Of :class:`coreset_lib.configs.TrainingConfig`: model, epochs, batch_size,
        learning_rate, seed, device and so on.

    Returns
    -------
    OpenedRun
        Ctrl-C leaves a stopped run, which ``coreset-lens train --resume`` goes on with.

    Raises
    ------
    CoresetError
        If an option is unknown or not allowed, or the dataset cannot be had.
    """
    root = None if data_root is None else str(Path(data_root).resolve())
    try:
        config = TrainingConfig(dataset=str(dataset), data_root=root, **options)
    except TypeError as error:
        raise _unknown_option("train", error) from None
    begin = workflows.start if background else workflows.train
    return OpenedRun(begin(config, cache=_folder(cache)))


def score(
    run: AnyRun = "latest", score: str = "eva", *, cache: Cache = None, **options: Any
) -> Any:
    """Return one score of every training sample; see :meth:`OpenedRun.score`."""
    return _opened(run, cache).score(score, **options)


def select(
    run: AnyRun = "latest", strategy: str = "recommended", *, cache: Cache = None, **options: Any
) -> Coreset:
    """Choose a coreset; see :meth:`OpenedRun.select`."""
    try:
        return _opened(run, cache).select(strategy, **options)
    except TypeError as error:
        raise _unknown_option("select", error) from None


def evaluate(
    run: AnyRun = "latest",
    *,
    strategies: Sequence[str] = ("recommended",),
    scores: Sequence[str] = ("eva",),
    rates: Sequence[float] = (0.02, 0.05, 0.1),
    seeds: int = 5,
    balance: str = "proportional",
    noise_cuts: Sequence[float] = (0.0,),
    protocol: str = "honest",
    regime: str = "epochs",
    full_set: bool = True,
    figure: str = "balanced_accuracy",
    random_seeds: int | None = None,
    first_seed: int = 0,
    score_options: Mapping[str, Any] | None = None,
    strategy_options: Mapping[str, Any] | None = None,
    cache: Cache = None,
    **recipe: Any,
) -> "Comparison":
    """Train on coresets and on random ones of the same size, and compare them honestly.

    Parameters
    ----------
    run : str or OpenedRun
    strategies, scores, rates, seeds, balance, noise_cuts, protocol, regime, full_set
        As in ``coreset-lens evaluate``; so are ``figure``, ``random_seeds``, ``first_seed``.
    score_options, strategy_options : mapping, optional
        Options of the scores and strategies; a list of values is chosen from on validation.
    cache : str or Path, optional
    **recipe
        Of :class:`coreset_lib.configs.TrainingConfig`, where it differs from the run's; of a
        recorded run at least ``model`` and ``epochs``.

    Returns
    -------
    Comparison
        Goes on where it stopped when it is called again.

    Raises
    ------
    CoresetError
        If a choice is not allowed, or a recorded run is given no recipe.
    """
    from coreset_lib.evaluation.arms import make_arms
    from coreset_lib.notebook.comparison import compare_on

    opened = _opened(run, cache)
    return compare_on(
        workflows.find_run(opened.run_id, cache=opened.folder.parents[1]),
        figure=figure,
        arms=tuple(
            make_arms(
                strategies,
                scores,
                balance,
                noise_cuts,
                score_options=_lists(score_options),
                strategy_options=_lists(strategy_options),
            )
        ),
        rates=tuple(rates),
        n_seeds=seeds,
        n_random=random_seeds,
        first_seed=first_seed,
        protocol=protocol,
        regime=regime,
        with_full_set=full_set,
        recipe=recipe,
    )


def serve(*, port: int = 8501, cache: Cache = None, wait: bool | None = None) -> "Server":
    """Open the dashboard on the runs of the cache.

    Parameters
    ----------
    port : int
    cache : str or Path, optional
    wait : bool, optional
        Whether to wait until it ends; by default in scripts, but not in a notebook, where the
        dashboard ends with ``.stop()`` or with Python.

    Raises
    ------
    CoresetError
        If it cannot start, for example on a port that is taken.
    """
    from coreset_lib.notebook.server import start_server

    return start_server(_folder(cache), port, wait=wait)


def _folder(cache: Cache) -> Path:
    """Return the cache directory to work in."""
    return default_cache() if cache is None else Path(cache)


def _lists(options: Mapping[str, Any] | None) -> dict[str, list[Any]]:
    """Return each option with the list of its values."""
    return {
        name: list(value) if isinstance(value, list | tuple) else [value]
        for name, value in (options or {}).items()
    }


def _opened(run: AnyRun, cache: Cache) -> OpenedRun:
    """Return the run that is meant."""
    return run if isinstance(run, OpenedRun) else open_run(run, cache=cache)


def _unknown_option(what: str, error: TypeError) -> CoresetError:
    """Return the error for an option that a function does not have."""
    words = str(error).partition("()")[2].strip() or str(error)
    return CoresetError(f"{what} {words}. See help(coreset_lib.{what}).")
