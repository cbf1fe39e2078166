"""Comparisons: does a coreset beat a random one? Start, train here, hand to Slurm, stop, export."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from coreset_lib.cache import default_cache
from coreset_lib.checks import check_whole
from coreset_lib.datasets.checking.trainable import check_network
from coreset_lib.evaluation.cost import Cost, cost_of
from coreset_lib.evaluation.evaluate import create_evaluation, evaluations_folder
from coreset_lib.evaluation.plan import Arm, EvaluationPlan
from coreset_lib.evaluation.results import FIGURES, EvaluationPaths, read_cells
from coreset_lib.evaluation.run_plan import compare
from coreset_lib.export import evaluation_results
from coreset_lib.export.provenance import Export
from coreset_lib.jobs import evaluations as jobs
from coreset_lib.jobs import speed_probes
from coreset_lib.jobs.evaluations import Evaluation
from coreset_lib.jobs.kubernetes import KubernetesOptions, job_manifest
from coreset_lib.jobs.local_workers import MOST_WORKERS, compare_with_workers
from coreset_lib.jobs.ray_workers import RayOptions, compare_with_ray
from coreset_lib.jobs.slurm import evaluations as slurm
from coreset_lib.jobs.slurm.client import read_job
from coreset_lib.jobs.slurm.options import SlurmOptions, slurm_options
from coreset_lib.runs.recipe import run_recipe
from coreset_lib.runs.store import Run
from coreset_lib.workflows.permission import check_permission
from coreset_lib.workflows.runs import find_run

SLURM_TASKS = 8


def evaluation_plan(
    run: Run,
    arms: Sequence[Arm],
    *,
    rates: Sequence[float] = (0.02, 0.05, 0.1),
    n_seeds: int = 5,
    model: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    recipe: Mapping[str, Any] | None = None,
    protocol: str = "honest",
    regime: str = "epochs",
    with_full_set: bool = True,
    first_seed: int = 0,
    n_random: int | None = None,
) -> EvaluationPlan:
    """Return the plan of a comparison; what is not given is as the run was trained.

    Parameters
    ----------
    run : Run
        Gives scores, embedding and the recipe.
    arms : sequence of Arm
        The contestants, see :func:`coreset_lib.evaluation.arms.make_arms` and
        :data:`coreset_lib.evaluation.presets.PRESETS`. Random ones come along.
    rates : sequence of float
        Shares to keep, in (0, 1].
    n_seeds : int
        Draws of each strategy, each for a network of its own.
    model : str, optional
        Target network.
    epochs : int, optional
    batch_size : int, optional
    recipe : mapping, optional
        Further options of :class:`~coreset_lib.configs.TrainingConfig`, ``learning_rate`` say.
        A recorded run lends no recipe: give it ``model`` and ``epochs`` at least.
    protocol, regime : str
        Of :data:`coreset_lib.evaluation.plan.PROTOCOLS` and ``REGIMES``.
    with_full_set : bool
        Whether the full set is trained on too.
    first_seed : int
        Seed of the first draw; the others follow it.
    n_random : int, optional
        Draws of random, which all others are judged by; as many as ``n_seeds`` by default.

    Raises
    ------
    CoresetError
        If a value is not allowed, the network does not suit the images, or the run has no
        recipe and not enough is given.
    """
    given = {"model": model, "epochs": epochs, "batch_size": batch_size}
    config, dataset = run_recipe(run, given), run.manifest.dataset
    plan = EvaluationPlan(
        run_id=run.run_id,
        arms=tuple(arms),
        rates=tuple(dict.fromkeys(rates)),
        n_seeds=n_seeds,
        model=config.model,
        epochs=config.epochs,
        batch_size=config.batch_size,
        recipe=dict(recipe or {}),
        protocol=protocol,
        regime=regime,
        with_full_set=with_full_set,
        first_seed=first_seed,
        n_random=n_random,
    )
    check_network(plan.model, dataset.name, depth=dataset.depth)
    plan.starting_recipe(run)
    return plan


def comparison_cost(plan: EvaluationPlan, *, cache: Path | None = None) -> Cost:
    """Return how many networks a comparison still trains, and how much that is.

    Parameters
    ----------
    plan : EvaluationPlan
        It need not have been started.
    cache : Path, optional

    Raises
    ------
    CoresetError
        If its run is gone.
    """
    paths = EvaluationPaths(evaluations_folder(_folder(cache)) / plan.evaluation_id)
    run = find_run(plan.run_id, cache=cache)
    speed = speed_probes.read_probe(_folder(cache), plan.recipe_on_all(run))
    return cost_of(plan, run, read_cells(paths, plan), None if speed is None else speed.speed)


def start_evaluation(plan: EvaluationPlan, *, cache: Path | None = None) -> EvaluationPaths:
    """Start a comparison in the background, or go on with it; finished trainings are kept.

    Raises
    ------
    CoresetError
        If it is under way already, or no process can be started.
    """
    check_permission("start or stop work")
    return jobs.start(_folder(cache), plan)


def evaluate(
    plan: EvaluationPlan,
    *,
    cache: Path | None = None,
    n_workers: int = 1,
    ray: RayOptions | None = None,
    on_cell: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Train what is open of a comparison in this process; finished trainings are kept.

    Parameters
    ----------
    plan : EvaluationPlan
    cache : Path, optional
    n_workers : int
        With more than one, so many processes train side by side, and this one looks on.
    ray : RayOptions, optional
        Workers on a Ray cluster instead.
    on_cell : callable
        Told of finished and of all trainings, whenever one is finished.

    Raises
    ------
    CoresetError
        If it cannot go on, or other processes train what is left.
    """
    check_whole("--workers", n_workers, least=1, most=MOST_WORKERS)
    paths = create_evaluation(_folder(cache), plan)
    if ray is not None:
        status = compare_with_ray(paths, ray, on_cell=on_cell)
    elif n_workers > 1:
        status = compare_with_workers(paths, n_workers, on_cell=on_cell)
    else:
        status = compare(_folder(cache), paths, on_cell=on_cell)
    return Evaluation(paths, plan, status)


def submit_evaluation(
    plan: EvaluationPlan,
    *,
    cache: Path | None = None,
    slurm_job: SlurmOptions | None = None,
    n_tasks: int = SLURM_TASKS,
) -> str:
    """Hand a comparison to Slurm as a job array whose tasks share the trainings.

    Parameters
    ----------
    plan : EvaluationPlan
    cache : Path, optional
    slurm_job : SlurmOptions, optional
        Resources of one task; by default those of the cache's settings file.
    n_tasks : int

    Returns
    -------
    str
        Number of the job.

    Raises
    ------
    CoresetError
        If it is under way already, or Slurm is missing or refuses.
    """
    check_permission("start or stop work")
    folder = _folder(cache)
    job = read_job(slurm.submit(folder, plan, _of_a_task(folder, slurm_job), n_tasks=n_tasks))
    return "" if job is None else job.job_id


def evaluation_script(
    plan: EvaluationPlan,
    *,
    cache: Path | None = None,
    slurm_job: SlurmOptions | None = None,
    n_tasks: int = SLURM_TASKS,
) -> str:
    """Return the script of the job array, for sbatch on any host that sees the files.

    Parameters as for :func:`submit_evaluation`.

    Raises
    ------
    CoresetError
        If nothing is left to train, or the cache cannot be written.
    """
    folder = _folder(cache)
    options, paths = _of_a_task(folder, slurm_job), create_evaluation(folder, plan)
    return slurm.evaluation_script(folder, plan, paths, options, n_tasks=n_tasks)


def evaluation_manifest(
    plan: EvaluationPlan, options: KubernetesOptions, *, cache: Path | None = None
) -> str:
    """Return the manifest of a Kubernetes Job whose pods share the trainings, as YAML.

    Raises
    ------
    CoresetError
        If the cache cannot be written.
    """
    return job_manifest(create_evaluation(_folder(cache), plan), options)


def stop_evaluation(evaluation: Evaluation) -> None:
    """End a comparison; its finished trainings are kept and it can go on later.

    Raises
    ------
    CoresetError
        If it is not under way, or Slurm works on it and cannot be reached.
    """
    check_permission("start or stop work")
    jobs.stop(evaluation.paths, evaluation.plan)


def evaluations(run_id: str, *, cache: Path | None = None) -> list[Evaluation]:
    """Return the comparisons of a run as they are now, newest first."""
    return jobs.evaluations_of(_folder(cache), run_id)


def export_evaluation(evaluation: Evaluation, *, figure: str = FIGURES[0]) -> Export:
    """Export the results of the finished trainings, judged on a figure; CSV and provenance.

    Raises
    ------
    CoresetError
        If the run of the comparison is gone.
    """
    run = find_run(evaluation.plan.run_id, cache=evaluation.paths.root.parents[1])
    return evaluation_results.export_evaluation(
        evaluation.paths, evaluation.plan, run, figure=figure
    )


def _of_a_task(cache: Path, options: SlurmOptions | None) -> SlurmOptions:
    """Return the resources of a task, which trains one network after another by one process."""
    options = options or slurm_options(cache)
    return replace(options, gpus=min(options.gpus, 1), processes=None)


def _folder(cache: Path | None) -> Path:
    """Return the cache directory."""
    return default_cache() if cache is None else cache
