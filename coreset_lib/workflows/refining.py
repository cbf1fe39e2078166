"""Refinements: judge labels, ask an expert, train on the rest. Start, continue, stop, export."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coreset_lib.cache import default_cache
from coreset_lib.errors import CoresetError
from coreset_lib.export import refinement_results
from coreset_lib.export.provenance import Export
from coreset_lib.jobs import refinements as jobs
from coreset_lib.jobs.refinements import Refinement
from coreset_lib.refinement import run_plan
from coreset_lib.refinement.experts import accept_answers, accept_reviewed
from coreset_lib.refinement.plan import RefinementPlan
from coreset_lib.refinement.refiner import check_plan
from coreset_lib.refinement.results import RefinementPaths, create_refinement
from coreset_lib.runs.recipe import run_recipe
from coreset_lib.runs.store import Run
from coreset_lib.workflows.permission import check_permission
from coreset_lib.workflows.runs import find_run

if TYPE_CHECKING:
    from coreset_lib.review.store import ReviewStore

OnStep = Callable[[int, int, str], None]


def _in_silence(done: int, total: int, step: str) -> None:
    """Tell nobody."""


def refinement_plan(
    run: Run,
    *,
    queries: Sequence[str] = ("entropy",),
    budget: int | None = None,
    n_rounds: int = 4,
    seeds: Sequence[int] = (0,),
    expert: str = "simulated",
    noise_rate: float | None = None,
    vog_share: float = 0.2,
    ramp_epochs: int = 10,
    model: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    recipe: Mapping[str, Any] | None = None,
) -> RefinementPlan:
    """Return the plan of a refinement; what is not given is as the run was trained.

    Parameters
    ----------
    run : Run
    queries : sequence of str
        Keys of :data:`coreset_lib.refinement.queries.QUERIES`; each once.
    budget : int, optional
        Labels in all rounds together; by default a tenth of the training samples.
    n_rounds : int
        Rounds that the budget is split into.
    seeds : sequence of int
    expert : str
        ``simulated`` (needs a run with injected noise) or ``people``.
    noise_rate : float, optional
        Share of labels thought to be wrong; None: estimated from what the run recorded.
    vog_share : float
        Share of kept samples chosen by small VOG, in [0, 1].
    ramp_epochs : int
        Epochs until the noise rate is reached.
    model : str, optional
    epochs : int, optional
    batch_size : int, optional
    recipe : mapping, optional
        Further options of :class:`~coreset_lib.configs.TrainingConfig`, ``learning_rate`` say.
        A recorded run lends no recipe: give it ``model`` and ``epochs`` at least.

    Raises
    ------
    CoresetError
        If a value is not allowed, the network does not suit the images, or a simulated expert
        would not know the answers.
    """
    given = {"model": model, "epochs": epochs, "batch_size": batch_size}
    config = run_recipe(run, given)
    plan = RefinementPlan(
        run_id=run.run_id,
        queries=tuple(dict.fromkeys(queries)),
        budget=max(run.manifest.dataset.n_train // 10, n_rounds) if budget is None else budget,
        n_rounds=n_rounds,
        seeds=tuple(seeds),
        model=config.model,
        epochs=config.epochs,
        batch_size=config.batch_size,
        recipe=dict(recipe or {}),
        noise_rate=noise_rate,
        vog_share=vog_share,
        ramp_epochs=ramp_epochs,
        expert=expert,
    )
    check_plan(run, plan)
    return plan


def refinement_warning(plan: RefinementPlan, *, cache: Path | None = None) -> str:
    """Say what speaks against a refinement that may be done all the same; empty otherwise."""
    run = find_run(plan.run_id, cache=cache)
    return plan.warning(float(run.manifest.config.get("label_noise_rate", 0.0)))


def start_refinement(plan: RefinementPlan, *, cache: Path | None = None) -> RefinementPaths:
    """Start a refinement in the background, or go on with it; finished steps are kept.

    Raises
    ------
    CoresetError
        If it is under way already, its expert would not know the answers, or no process can
        be started.
    """
    check_permission("start or stop work")
    return jobs.start(_folder(cache), plan)


def refine(
    plan: RefinementPlan, *, cache: Path | None = None, on_step: OnStep = _in_silence
) -> Refinement:
    """Work on a refinement in this process, from where it stopped.

    Parameters
    ----------
    plan : RefinementPlan
    cache : Path, optional
    on_step : callable
        Told of steps done, all steps, and the step.

    Returns
    -------
    Refinement
        Its status is ``finished``, or ``stopped`` with the step "waiting for labels".

    Raises
    ------
    CoresetError
        If another process works on it, or it cannot go on.
    """
    return _work(create_refinement(_folder(cache), plan), plan, on_step)


def answer_refinement(refinement: Refinement, labels: "Path | ReviewStore") -> int:
    """Give a refinement the labels that it waits for.

    Parameters
    ----------
    refinement : Refinement
    labels : Path or ReviewStore
        A CSV with sample_id and new, or the review, of which decisions for good count.

    Returns
    -------
    int
        Rows of the CSV that were passed over: they are not about open queries.

    Raises
    ------
    CoresetError
        If it is under way, waits for nothing, or an answer is missing or unknown.
    """
    check_permission("start or stop work")
    jobs.check_no_work(refinement.paths)
    paths, plan, run = refinement.paths, refinement.plan, _run_of(refinement)
    if isinstance(labels, Path):
        return accept_answers(paths, plan, run, labels)
    accept_reviewed(paths, plan, run, labels)
    return 0


def continue_refinement(
    refinement: Refinement,
    *,
    labels: "Path | ReviewStore | None" = None,
    here: bool = False,
    on_step: OnStep = _in_silence,
) -> Refinement:
    """Go on with a refinement that was stopped, or that waits for labels.

    Parameters
    ----------
    refinement : Refinement
    labels : Path or ReviewStore, optional
        Answers to the open queries, see :func:`answer_refinement`.
    here : bool
        Work in this process instead of in the background.
    on_step : callable
        As for :func:`refine`.

    Raises
    ------
    CoresetError
        If it is under way, an answer is missing or unknown, or it cannot go on.
    """
    check_permission("start or stop work")
    jobs.check_no_work(refinement.paths)
    if labels is not None:
        answer_refinement(refinement, labels)
    if here:
        return _work(refinement.paths, refinement.plan, on_step)
    start_refinement(refinement.plan, cache=_cache_of(refinement))
    return replace(refinement, status=replace(refinement.status, state="queued"))


def stop_refinement(refinement: Refinement) -> None:
    """End a refinement; its finished steps are kept and it can go on later.

    Raises
    ------
    CoresetError
        If it is not under way.
    """
    check_permission("start or stop work")
    jobs.stop(refinement.paths)


def refinements(run_id: str, *, cache: Path | None = None) -> list[Refinement]:
    """Return the refinements of a run as they are now, newest first."""
    return jobs.refinements_of(_folder(cache), run_id)


def find_refinement(run_id: str, begin: str = "", *, cache: Path | None = None) -> Refinement:
    """Return the newest refinement of a run, or the one whose id begins so.

    Raises
    ------
    CoresetError
        If there is none, or more than one begins so.
    """
    known = refinements(run_id, cache=cache)
    matches = [item for item in known if item.plan.refinement_id.startswith(begin)]
    if not matches:
        told = ", ".join(item.plan.refinement_id for item in known) or "none"
        raise CoresetError(
            f"refinement {begin or 'of run ' + run_id} was not found; known are: {told}. "
            f"Start one with: coreset-lens refine start {run_id}"
        )
    if begin and len(matches) > 1:
        raise CoresetError(f"refinement id {begin} must be unique, got {len(matches)}. Add to it.")
    return matches[0]


def export_refinement(refinement: Refinement) -> Export:
    """Export the curves of what is finished; CSV and provenance.

    Raises
    ------
    CoresetError
        If the run of the refinement is gone.
    """
    run = _run_of(refinement)
    return refinement_results.export_refinement(refinement.paths, refinement.plan, run)


def _work(paths: RefinementPaths, plan: RefinementPlan, on_step: OnStep) -> Refinement:
    """Work on a refinement that nobody else works on."""
    jobs.check_no_work(paths)
    return Refinement(paths, plan, run_plan.refine(paths.root.parents[1], paths, on_step=on_step))


def _run_of(refinement: Refinement) -> Run:
    """Return the run whose labels are refined."""
    return find_run(refinement.plan.run_id, cache=_cache_of(refinement))


def _cache_of(refinement: Refinement) -> Path:
    """Return the cache directory that a refinement lies in."""
    return refinement.paths.root.parents[1]


def _folder(cache: Path | None) -> Path:
    """Return the cache directory."""
    return default_cache() if cache is None else cache
