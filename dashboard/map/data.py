"""What the map shows, cached: places, density, and which samples a shape holds."""

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib import workflows
from coreset_lib.errors import CoresetError, DamagedRunError
from coreset_lib.export.provenance import Export
from coreset_lib.runs.store import Run
from coreset_lib.runs.summary import RunSummary, RunVersion
from coreset_lib.scores.score import ScoreValues
from coreset_lib.selection.class_clusters import ClassClusters
from dashboard import reads
from dashboard.map.as_of import AS_OF, features_as_of, turned_onto
from dashboard.map.clusters import embedding, medoid_texts
from dashboard.map.colours import Coloured
from dashboard.map.component.sample_map import (
    Bounds,
    Categories,
    Density,
    MapView,
    Numbers,
    Shape,
    map_bounds,
)
from dashboard.map.density import density_image
from dashboard.map.lasso import inside_box, inside_polygon, warm_up

MOST_POINTS = 50_000
TOP_POINTS = 5_000
SECONDS_TO_FIRST_PAINT = 1.5
_BLOCK = 10_000

# "umap", "pca", or the embedding as of an epoch, see :mod:`dashboard.map.as_of`.
Projection = str


def projection_of(summary: RunSummary) -> Projection | None:
    """Return what the run can be drawn by now: its UMAP, else its embedding, else nothing."""
    return projection_of_folder(summary.folder)


def projection_of_folder(folder: str) -> Projection | None:
    """Return what the run in a folder can be drawn by now."""
    run = reads.store().at(folder)
    if not _damage_of_umap(run) and run.umap() is not None:
        return "umap"
    return None if run.embedding() is None else "pca"


@st.cache_resource(max_entries=4, show_spinner="Placing the samples…", hash_funcs=reads.ANY_EPOCH)
def positions(version: RunVersion, projection: Projection) -> NDArray[np.float32]:
    """Return the map coordinates of every sample, shape (samples, 2)."""
    run = reads.store().at(version.folder)
    if projection.startswith(AS_OF):
        own = projection_of_folder(version.folder)
        places = _two_components(features_as_of(version.folder, projection))
        return places if own is None else turned_onto(places, positions(version, own))
    if projection == "umap":
        found = run.umap()
        if found is None or found.shape[1] != 2:
            raise CoresetError("the map of this run was removed. Choose the projection by PCA.")
        return np.array(found, dtype=np.float32)
    return _two_components(embedding(version.folder))


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs=reads.ANY_EPOCH)
def bounds_of(version: RunVersion, projection: Projection) -> Bounds:
    """Return where the map ends, x0, y0, x1, y1."""
    return map_bounds(positions(version, projection))


def map_view(
    summary: RunSummary,
    projection: Projection,
    coloured: Coloured,
    *,
    selected: NDArray[np.int64],
    score: ScoreValues | None,
    found: ClassClusters | None,
    rings: Mapping[int, str] | None = None,
) -> MapView:
    """Return what the map shows: all samples, or the density and the hardest and selected ones."""
    dynamics = reads.open_dynamics(summary.version)
    places = positions(summary.version, projection)
    bounds = bounds_of(summary.version, projection)
    shown = np.arange(len(places))
    density = None
    if len(places) > MOST_POINTS:
        few = selected if len(selected) <= TOP_POINTS else selected[:0]
        medoids = few[:0] if found is None else found.medoids
        ringed = np.array(list(rings or ()), dtype=np.int64)[:TOP_POINTS]
        shown = np.unique(np.concatenate([_hardest(summary, score), few, medoids, ringed]))
        density = _density(places, bounds, coloured, selected, (projection, *coloured.key))
    return MapView(
        positions=places,
        colour=coloured.colour,
        labels=dynamics.labels,
        class_names=dynamics.class_names,
        shown=shown,
        selected=selected,
        medoids={} if found is None else medoid_texts(found),
        rings=rings or {},
        density=density,
        bounds=bounds,
    )


def selection_export(
    summary: RunSummary, chosen: NDArray[np.int64], score: ScoreValues | None
) -> Export:
    """Return the CSV of selected samples with provenance, as the library writes it."""
    run = reads.store().at(summary.folder)
    return workflows.export_selection(
        run, chosen, score=score, dynamics=reads.open_dynamics(summary.version)
    )


def samples_inside(places: NDArray[np.float32], shape: Shape) -> NDArray[np.intp]:
    """Return the samples inside a shape that was drawn on the map."""
    if shape.kind == "box":
        (x0, y0), (x1, y1) = shape.corners
        return np.flatnonzero(inside_box(places, (x0, y0, x1, y1)))
    return np.flatnonzero(inside_polygon(places, shape.corners))


def _damage_of_umap(run: Run) -> str:
    """Say what is wrong with the file of a UMAP; empty where nothing is, or where there is none."""
    try:
        found = run.umap()
    except DamagedRunError as error:
        return str(error)
    if found is None or found.shape[1] == 2:
        return ""
    return f"The map in umap.npy must have 2 columns, got {found.shape[1]}."


def why_no_umap(summary: RunSummary) -> str:
    """Say why a run with an embedding has no UMAP."""
    if damage := _damage_of_umap(reads.store().at(summary.folder)):
        return damage
    if summary.is_active:
        return "The UMAP of this run is being computed; it appears here once it is done."
    notes = reads.store().at(summary.folder).status().notes
    said = [note for note in notes if note.startswith("No map")]
    return said[-1] if said else "This run has no UMAP: its file is not in the run's folder."


@st.cache_resource(show_spinner=False)
def prepare_lasso() -> None:
    """Compile the lasso's loop in the background, once the first page is on the screen."""
    timer = threading.Timer(SECONDS_TO_FIRST_PAINT, warm_up)
    timer.daemon = True
    timer.start()


def _two_components(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the projection on the two directions of largest variance, block by block."""
    mean = features.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((features.shape[1], features.shape[1]))
    blocks = [slice(start, start + _BLOCK) for start in range(0, len(features), _BLOCK)]
    for block in blocks:
        centred = features[block] - mean
        covariance += centred.T @ centred
    directions = np.linalg.eigh(covariance)[1][:, :-3:-1]
    # A direction and its opposite are equally good: the largest entry of each is positive.
    peaks = directions[np.abs(directions).argmax(axis=0), np.arange(directions.shape[1])]
    directions = directions * np.sign(peaks)
    places = np.zeros((len(features), 2), dtype=np.float32)
    for block in blocks:
        places[block, : directions.shape[1]] = (features[block] - mean) @ directions
    return places


def _hardest(summary: RunSummary, score: ScoreValues | None) -> NDArray[np.intp]:
    """Return the samples that are drawn as points although there are too many for all."""
    if score is None:
        return np.arange(TOP_POINTS)
    key = (summary.version, score.name, repr(score.plain_options()))
    return _hardest_of(key, score)


@st.cache_resource(max_entries=12, show_spinner=False)
def _hardest_of(key: tuple[Any, ...], _score: ScoreValues) -> NDArray[np.intp]:
    """Return the hardest samples; ``key`` names the score."""
    del key
    return _score.order()[:TOP_POINTS]


def _density(
    places: NDArray[np.float32],
    bounds: Bounds,
    coloured: Coloured,
    selected: NDArray[np.int64],
    key: tuple[Any, ...],
) -> Density:
    """Return the images that stand for all samples and for the selected ones."""
    some = None
    if len(selected):
        named = (*key, hash(selected.tobytes()))
        some = _density_image(named, bounds, places, coloured.colour, selected)
    everything = _density_image(key, bounds, places, coloured.colour, None)
    return Density(bounds=bounds, all_samples=everything, selected=some)


@st.cache_data(max_entries=24, show_spinner=False)
def _density_image(
    key: tuple[Any, ...],
    bounds: Bounds,
    _places: NDArray[np.float32],
    _colour: Categories | Numbers,
    _samples: NDArray[np.int64] | None,
) -> bytes:
    """Draw a density; ``key`` names places, colours and samples."""
    del key
    return density_image(_places, bounds, _colour, _samples)
