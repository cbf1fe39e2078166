"""Principal components and the map: what they keep, and what they say when they cannot."""

import json
import sys

import numpy as np
import pytest
import torch

from coreset_lib.features import make_map, reduce_by_pca
from coreset_lib.runs.paths import RunPaths

# UMAP warns, on import, that Tensorflow is missing; numba of what it compiles.
pytestmark = pytest.mark.filterwarnings("ignore")


def test_components_keep_the_asked_share_of_the_variance():
    features = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    features[:, 3:] *= 0.01
    reduced, info = reduce_by_pca(features)
    assert reduced.shape == (50, 3)
    assert info["components"] == 3
    kept = reduced.var(axis=0).sum() / features.var(axis=0).sum()
    assert kept == pytest.approx(info["explained_variance"], abs=1e-4)
    assert kept >= 0.95


def test_constant_features_have_one_component_of_zeros():
    reduced, info = reduce_by_pca(np.full((5, 3), 2, np.float32))
    assert reduced.tolist() == [[0]] * 5
    assert info["explained_variance"] == 0


def test_large_features_do_not_overflow():
    features = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32) * 1e25
    assert np.isfinite(reduce_by_pca(features)[0]).all()


def test_the_map_has_two_finite_coordinates_and_repeats_for_its_seed(tmp_path):
    embedding = np.random.default_rng(0).normal(size=(24, 5)).astype(np.float32)
    maps, threads = [], torch.get_num_threads()
    for name in ("one", "two"):
        paths = RunPaths(tmp_path / name)
        paths.root.mkdir()
        assert make_map(paths, embedding, seed=3) == ""
        maps.append(np.load(paths.umap))
        assert json.loads(paths.umap_info.read_text())["random_state"] == 3
        assert json.loads(paths.pca.read_text())["explained_variance"] >= 0.95
    assert maps[0].shape == (24, 2)
    assert maps[0].dtype == np.float32
    assert np.isfinite(maps[0]).all()
    np.testing.assert_array_equal(*maps)
    assert torch.get_num_threads() == threads  # numba's OpenMP must not add any


@pytest.mark.parametrize(
    ("embedding", "reason"),
    [
        (np.zeros((3, 4), np.float32), "UMAP needs at least 4 samples, got 3"),
        (np.full((9, 4), np.nan, np.float32), "not finite"),
    ],
)
def test_an_embedding_without_a_map_gives_one_sentence(tmp_path, embedding, reason):
    assert reason in make_map(RunPaths(tmp_path), embedding, seed=0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("module", "name"), [("umap", "umap-learn"), ("sklearn", "sklearn")])
def test_a_missing_library_means_no_map_and_no_failure(tmp_path, monkeypatch, module, name):
    for loaded in list(sys.modules):
        if loaded.partition(".")[0] == "sklearn" and module == "sklearn":
            monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    if module == "sklearn":
        monkeypatch.setitem(sys.modules, "umap", object())
        monkeypatch.setitem(sys.modules, "sklearn.decomposition", None)
    note = make_map(RunPaths(tmp_path), np.eye(6, dtype=np.float32), seed=0)
    assert note.startswith(f"No map: {name}")
    assert not list(tmp_path.iterdir())
