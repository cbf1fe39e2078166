"""A live Ray cluster of a head and two nodes shares a comparison, also when a node is lost."""

import os
import threading

import pytest

from coreset_lib import workflows
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.evaluate import create_evaluation
from coreset_lib.jobs import ray_workers
from coreset_lib.jobs.ray_workers import RayOptions

# No wheel of Ray for Python 3.14: the development environment goes without it there, CI does not.
if os.environ.get("CI") != "true":
    pytest.importorskip("ray", reason="ray is not installed")

pytestmark = pytest.mark.usefixtures("without_umap", "one_thread")


@pytest.fixture
def cluster(monkeypatch, subprocess_environment):
    """A head without processors and two nodes of one each, as processes of this machine."""
    monkeypatch.setenv("PYTHONPATH", subprocess_environment["PYTHONPATH"])
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False, "object_store_memory": 10**8},
    )
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=10**8) for _ in range(2)]
    yield cluster, nodes
    cluster.shutdown()


def test_a_lost_node_loses_nothing(cluster, comparison_run, make_plan, figures):
    cluster, nodes = cluster
    plan = make_plan(comparison_run, n_seeds=4)
    lost = threading.Event()

    def lose_a_node(done, total):
        if done >= 1 and not lost.is_set():
            lost.set()
            cluster.remove_node(nodes[0], allow_graceful=False)

    options = RayOptions(address=cluster.address, n_workers=2)
    found = workflows.evaluate(
        plan, cache=comparison_run.paths.cache, ray=options, on_cell=lose_a_node
    )
    assert lost.is_set()
    assert found.status.state == "finished"
    shared = figures(found.paths, plan)
    for path in found.paths.cells.iterdir():
        path.unlink()
    workflows.evaluate(plan, cache=comparison_run.paths.cache)
    assert figures(found.paths, plan) == shared


def test_what_a_worker_finds_wrong_is_the_reason(
    cluster, comparison_run, make_plan, data_file, make_dataset, save_npz
):
    plan = make_plan(comparison_run)
    save_npz(data_file, make_dataset(n_train=63))
    options = RayOptions(address=cluster[0].address, n_workers=1)
    with pytest.raises(CoresetError, match="must be the one the run was started with"):
        workflows.evaluate(plan, cache=comparison_run.paths.cache, ray=options)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "", "x", "a:b", "a:-1"])
def test_without_a_cluster_the_way_to_one_is_told(comparison_run, make_plan, address):
    paths = create_evaluation(comparison_run.paths.cache, make_plan(comparison_run))
    with pytest.raises(CoresetError, match=r"no Ray cluster answers at .* ray start --head"):
        ray_workers.compare_with_ray(paths, RayOptions(address=address))


def test_without_the_package_the_way_to_it_is_told(comparison_run, make_plan, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    paths = create_evaluation(comparison_run.paths.cache, make_plan(comparison_run))
    with pytest.raises(CoresetError, match=r"pip install 'coreset-lens\[ray\]'"):
        ray_workers.compare_with_ray(paths, RayOptions())


@pytest.mark.parametrize(
    "wrong",
    [{"n_workers": 0}, {"gpus": -0.1}, {"gpus": 1.5}, {"cpus": 0.0}, {"gpus": float("nan")}],
)
def test_options_that_cannot_be(wrong):
    with pytest.raises(CoresetError, match=r"--(tasks|gpus|cpus) must be"):
        RayOptions(**wrong)
