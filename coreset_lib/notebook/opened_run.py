"""A run as a notebook sees it: tables as data frames, choices as keyword arguments."""

import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coreset_lib import workflows
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.export.provenance import Export
from coreset_lib.runs.records import Status
from coreset_lib.runs.store import READ_AS_TEXT, Run
from coreset_lib.runs.summary import summarise
from coreset_lib.selection import SelectionConfig
from coreset_lib.windows import Window

LEFT_EMPTY = ("cluster", "review_status")


class OpenedRun:
    """One run of a cache, opened for reading.

    Attributes
    ----------
    run_id : str
    folder : Path
    samples : DataFrame
        One row per training sample: index, sample_id, label, class_name, source.
    dynamics : TrainingDynamics
        The planes of the epochs that are complete now, each of shape (epochs, samples).
    metrics : DataFrame
        One row per complete epoch.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def __repr__(self) -> str:
        facts = "; ".join(f"{name} {value}" for name, value in self._facts().items())
        return f"<run {self.run_id}: {facts}>"

    def _repr_html_(self) -> str:
        rows = {"run": self.run_id, **self._facts()}
        cells = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in rows.items()
        )
        return f"<table>{cells}</table>"

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return self._run.run_id

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._run.paths.root

    @property
    def status(self) -> Status:
        """How far it really is, now."""
        return self._run.status()

    @property
    def state(self) -> str:
        """What it does now: running, finished, failed, stopped ..."""
        return self.status.state

    @property
    def samples(self) -> pd.DataFrame:
        """One row per training sample."""
        return self._run.samples()

    @property
    def dynamics(self) -> TrainingDynamics:
        """The planes of the epochs that are complete now."""
        return self._run.dynamics()

    @property
    def metrics(self) -> pd.DataFrame:
        """One row per complete epoch."""
        return pd.DataFrame(self._run.metrics())

    def embedding(self) -> NDArray[np.float32] | None:
        """Return the embedding, (samples, features); None while there is none."""
        return self._run.embedding()

    def umap(self) -> NDArray[np.float32] | None:
        """Return the map, (samples, 2); None while there is none."""
        return self._run.umap()

    def score(self, score: str = "eva", **options: Any) -> pd.DataFrame:
        """Return one score of every training sample, as the CSV has it.

        Parameters
        ----------
        score : str
            A key of ``coreset_lib.scores.SCORES``.
        **options
            Of the score. Windows of epochs, first and last one, count from 1:
            ``early=(1, 10), late=(11, 20)``.

        Returns
        -------
        DataFrame
            index, sample_id, label, class_name, the score, rank (1 = hardest).

        Raises
        ------
        CoresetError
            If there is no such score or option, or the run did not record what it needs.
        """
        return read_table(self.export_scores(score, **options))

    def export_scores(self, score: str = "eva", **options: Any) -> Export:
        """Return the same with its provenance, to be written with ``write(Path(...))``."""
        return workflows.export_scores(self._run, score, options=plain_options(options))

    def select(
        self,
        strategy: str = "recommended",
        *,
        rate: float,
        score: str | None = "eva",
        balance: str = "global",
        noise_cut: float = 0.0,
        features: str = "surrogate",
        seed: int = 0,
        force_in: Sequence[str] = (),
        keep_out: Sequence[str] = (),
        strategy_options: Mapping[str, Any] | None = None,
        **score_options: Any,
    ) -> "Coreset":
        """Choose a coreset.

        Parameters
        ----------
        strategy : str
            A key of ``coreset_lib.selection.STRATEGIES``.
        rate : float
            Share to keep, in (0, 1].
        score : str, optional
            For strategies that use one.
        balance, noise_cut, features, seed, force_in, keep_out, strategy_options
            See :class:`coreset_lib.selection.SelectionConfig`.
        **score_options
            As in :meth:`score`.

        Returns
        -------
        Coreset

        Raises
        ------
        CoresetError
            If a choice is not allowed, or the run did not record what it needs.
        """
        config = SelectionConfig(
            strategy=strategy,
            strategy_options=dict(strategy_options or {}),
            score=score,
            score_options=plain_options(score_options),
            rate=rate,
            balance=balance,
            noise_cut=noise_cut,
            features=features,
            seed=seed,
            force_in=tuple(force_in),
            keep_out=tuple(keep_out),
        )
        return Coreset(workflows.export_coreset(self._run, config))

    def _facts(self) -> dict[str, str]:
        """Return what tells the run from others, each in a few words."""
        summary = summarise(self._run)
        if summary.state == "damaged":
            return {"state": f"damaged: {summary.error}"}
        manifest = self._run.manifest
        facts = {
            "network": summary.model,
            "recipe": manifest.recipe,
            "dataset": f"{summary.dataset}, {manifest.dataset.n_train} samples, "
            f"{len(manifest.dataset.class_names)} classes",
            "state": summary.state + (f": {summary.error}" if summary.error else ""),
            "epochs": f"{summary.epoch} of {summary.epochs}",
        }
        return {name: value for name, value in facts.items() if value}


class Coreset:
    """A chosen coreset with where it comes from.

    Attributes
    ----------
    indices : int64 array, shape (selected,)
        Positions in the training split, ascending: ``torch.utils.data.Subset(train, indices)``.
    table : DataFrame
        As the CSV has it, sorted by rank.
    report : dict
        What the strategy did, in plain values.
    provenance : dict
        What :meth:`save` writes beside the CSV.
    """

    def __init__(self, export: Export) -> None:
        self._export = export
        self.table = read_table(export)
        self.indices: NDArray[np.int64] = np.sort(self.table["index"].to_numpy(np.int64))
        self.report: dict[str, Any] = export.provenance["report"]
        self.provenance = export.provenance

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        chosen, run = self.provenance["selection"], self.provenance["run"]
        return (
            f"<coreset of {len(self)} of {run['dataset']['n_train']} samples: {chosen['strategy']} "
            f"at rate {chosen['rate']:g}, seed {chosen['seed']}, run {run['run_id']}>"
        )

    def _repr_html_(self) -> str:
        shown = self.table.head(10).to_html(index=False)
        return f"<p>{html.escape(repr(self)[1:-1])}</p>{shown}"

    def save(self, path: str | Path) -> Path:
        """Write the CSV, and its provenance beside it; return where the CSV is.

        ``coreset-lens rebuild`` computes it again and says whether it is the same.

        Raises
        ------
        CoresetError
            If either file cannot be written.
        """
        target = Path(path)
        self._export.write(target)
        return target


def read_table(export: Export) -> pd.DataFrame:
    """Return the table of a CSV, numbers to the last digit."""
    columns = pd.read_csv(io.BytesIO(export.csv), nrows=0).columns
    numbers = [name for name in columns if name not in (*READ_AS_TEXT, *LEFT_EMPTY)]
    return pd.read_csv(
        io.BytesIO(export.csv),
        dtype=dict.fromkeys(READ_AS_TEXT, str),
        keep_default_na=False,
        na_values={name: [""] for name in numbers},
        float_precision="round_trip",
    )


def plain_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return score options, windows given as (first, last) made windows."""
    return {
        name: Window(*map(int, value)) if _is_window(value) else value
        for name, value in options.items()
        if value is not None
    }


def _is_window(value: Any) -> bool:
    """Whether something is a pair of epochs."""
    return isinstance(value, tuple | list) and len(value) == 2
