"""What the map page reads and computes, cached: places, colours, clusters, small images."""

import io
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.datasets import LabeledImages
from coreset_lib.dynamics import not_recorded
from coreset_lib.errors import CoresetError
from coreset_lib.export.provenance import Export, export_selection
from coreset_lib.features import reduce_by_pca
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores.score import ScoreValues
from coreset_lib.selection.class_clusters import AUTO, ClassClusters, cluster_within_classes
from coreset_lib.selection.geometry import read_features
from dashboard import data
from dashboard.components.sample_map import (
    Bounds,
    Categories,
    Density,
    MapView,
    Numbers,
    Shape,
    map_bounds,
)
from dashboard.components.sample_previews import Atlas, Preview
from dashboard.density import density_image
from dashboard.lasso import inside_box, inside_polygon, warm_up
from dashboard.marks import Mark, mark_of
from dashboard.theme import RIGHT, WRONG

MOST_POINTS = 50_000
TOP_POINTS = 5_000
MOST_PREVIEWED = 5_000
ATLAS_BYTES = 5_000_000
PREVIEW_SIDE = 96
# Distances of more would take minutes and gigabytes; one class at a time is what people look at.
MOST_CLUSTERED = 60_000
SECONDS_TO_FIRST_PAINT = 1.5
_BLOCK = 10_000

Projection = Literal["umap", "pca"]


@dataclass(frozen=True, kw_only=True)
class Clustering:
    """The class whose samples are clustered (None: every class) and the number of clusters."""

    class_name: str | None
    k: int | None = None

    @property
    def library_k(self) -> int | str:
        """The number as the library takes it."""
        return AUTO if self.k is None else self.k


def projection_of(summary: RunSummary) -> Projection | None:
    """Return what the run can be drawn by now: its UMAP, else its embedding, else nothing."""
    run = data.store().at(summary.folder)
    if run.umap() is not None:
        return "umap"
    return None if run.embedding() is None else "pca"


@st.cache_resource(max_entries=4, show_spinner="Placing the samples…")
def positions(folder: str, created: str, projection: Projection) -> NDArray[np.float32]:
    """Return the map coordinates of every sample, shape (samples, 2)."""
    del created
    run = data.store().at(folder)
    if projection == "umap":
        found = run.umap()
        if found is None or found.shape[1] != 2:
            raise CoresetError("the map of this run was removed. Choose the projection by PCA.")
        return np.array(found, dtype=np.float32)
    return _two_components(_embedding(folder))


@st.cache_resource(max_entries=2, show_spinner="Reducing the embedding…")
def reduced_embedding(folder: str, created: str) -> NDArray[np.float32]:
    """Return the principal components that clustering measures distances in."""
    del created
    return reduce_by_pca(_embedding(folder))[0]


@st.cache_resource(max_entries=64, show_spinner=False)
def _one_class(folder: str, created: str, klass: int, k: int | str) -> ClassClusters:
    """Cluster the samples of one class, as the strategies of the library do."""
    run = data.store().at(folder)
    labels = run.labels()
    names = run.manifest.dataset.class_names
    features = reduced_embedding(folder, created)
    return cluster_within_classes(features, labels, names, k=k, is_member=labels == klass)


def clusters(
    summary: RunSummary, clustering: Clustering, tell: Callable[[float, str], None]
) -> ClassClusters:
    """Cluster inside one class or each, class by class.

    Parameters
    ----------
    summary : RunSummary
    clustering : Clustering
    tell : callable
        Told the share done and what comes next.

    Raises
    ------
    CoresetError
        If there are more samples than the page clusters, or a class has too few for ``k``.
    """
    run = data.store().at(summary.folder)
    names = run.manifest.dataset.class_names
    sizes = np.bincount(run.labels(), minlength=len(names))
    chosen = [k for k, name in enumerate(names) if clustering.class_name in (None, name)]
    chosen = [k for k in chosen if sizes[k]]
    n_samples = int(sizes[chosen].sum())
    if n_samples > MOST_CLUSTERED:
        raise CoresetError(
            f"{n_samples:,} samples are too many to cluster here (at most {MOST_CLUSTERED:,}). "
            "Choose one class, or use: coreset-lens cluster"
        )
    parts: list[ClassClusters] = []
    for number, klass in enumerate(chosen):
        tell(number / len(chosen), f"Clustering {names[klass]}: {sizes[klass]:,} samples…")
        parts.append(_one_class(summary.folder, summary.created, klass, clustering.library_k))
    return _joined(parts, len(run.labels()))


def k_curve(summary: RunSummary, klass: int) -> list[tuple[int, float | None]]:
    """Return the mean silhouette of every number of clusters tried for a class."""
    found = _one_class(summary.folder, summary.created, klass, AUTO)
    return [(int(k), silhouette) for k, _, silhouette in found.records[0]["k_curve"]]


def class_colour(summary: RunSummary) -> Categories:
    """Colour by class."""
    dynamics = data.open_dynamics(*_key(summary))
    return Categories(title="Class", names=dynamics.class_names, codes=dynamics.labels)


@st.cache_resource(max_entries=8, show_spinner=False)
def _last_predictions(folder: str, created: str, n_epochs: int) -> NDArray[np.int64]:
    """Return the class named in the last recorded epoch, -1 where not recorded."""
    last = np.array(data.open_dynamics(folder, created, n_epochs).plane("prediction")[-1])
    codes = last.astype(np.int64)
    codes[last == not_recorded(last.dtype)] = -1
    return codes


def predictions(summary: RunSummary) -> NDArray[np.int64]:
    """Return the class that the network names in the last recorded epoch, -1 for none."""
    return _last_predictions(*_key(summary))


def prediction_colour(summary: RunSummary) -> Categories:
    """Colour by the class that the network names in the last recorded epoch."""
    names = data.open_dynamics(*_key(summary)).class_names
    return Categories(title="Prediction", names=names, codes=predictions(summary))


def correctness_colour(summary: RunSummary) -> Categories:
    """Colour by whether the last recorded prediction agrees with the label."""
    labels = data.open_dynamics(*_key(summary)).labels
    predicted = predictions(summary)
    codes = np.where(predicted < 0, -1, (predicted != labels).astype(np.int64))
    marks = (Mark(RIGHT, "circle"), Mark(WRONG, "cross"))
    return Categories(title="Last epoch", names=("right", "wrong"), codes=codes, marks=marks)


def cluster_colour(summary: RunSummary, found: ClassClusters) -> Categories:
    """Colour by cluster: the hue tells clusters of a class apart, the shape tells classes apart."""
    names = data.open_dynamics(*_key(summary)).class_names
    titles: list[str] = []
    marks: list[Mark] = []
    for record in found.records:
        klass = names.index(record["class"])
        for number in range(record["k"]):
            titles.append(f"{record['class']} {number + 1}")
            shape = mark_of(number if len(found.records) == 1 else klass).shape
            marks.append(Mark(mark_of(number + klass).colour, shape))
    return Categories(title="Cluster", names=titles, codes=found.labels, marks=marks)


def score_colour(score: ScoreValues, title: str) -> Numbers:
    """Colour by a score."""
    values = score.values if score.is_excluded is None else score.values.copy()
    if score.is_excluded is not None:
        values[score.is_excluded] = np.nan
    hint = "high = hard" if score.direction == "harder" else "low = hard"
    return Numbers(title=title, values=values, hint=hint)


def forgetting_colour(summary: RunSummary) -> Numbers:
    """Colour by the number of forgetting events."""
    events = data.forgetting_events(*_key(summary)).astype(np.float64)
    hint = "times right, then wrong again"
    return Numbers(title="Forgetting events", values=events, hint=hint, is_whole=True)


def map_view(
    summary: RunSummary,
    places: NDArray[np.float32],
    colour: Categories | Numbers,
    *,
    selected: NDArray[np.intp],
    hardest: NDArray[np.intp],
    found: ClassClusters | None,
    colour_key: tuple[Any, ...],
) -> MapView:
    """Return what the map shows: all samples, or the density and the hardest and selected ones."""
    dynamics = data.open_dynamics(*_key(summary))
    shown = np.arange(len(places))
    density = None
    if len(places) > MOST_POINTS:
        few = selected if len(selected) <= TOP_POINTS else selected[:0]
        medoids = np.array([], dtype=np.intp) if found is None else found.medoids
        shown = np.unique(np.concatenate([hardest[:TOP_POINTS], few, medoids]))
        density = _density(summary, places, colour, selected, colour_key)
    return MapView(
        positions=places,
        colour=colour,
        labels=dynamics.labels,
        class_names=dynamics.class_names,
        shown=shown,
        selected=selected,
        medoids={} if found is None else _medoid_texts(found),
        density=density,
    )


@st.cache_resource(max_entries=4, show_spinner="Preparing the previews…")
def preview_atlas(folder: str, created: str) -> Atlas | None:
    """Return small images of all samples in one picture; None if they are too many or too large."""
    images = data.load_images(folder, created)
    if not isinstance(images, LabeledImages):
        return None
    pixels = images.train.images
    if len(pixels) > MOST_PREVIEWED or pixels.nbytes > ATLAS_BYTES:
        return None
    rows, columns = _tiling(len(pixels))
    blank = np.zeros((rows * columns - len(pixels), *pixels.shape[1:]), dtype=np.uint8)
    tiles = np.concatenate([pixels, blank]).reshape(rows, columns, *pixels.shape[1:])
    height, width = pixels.shape[1:3]
    sheet = tiles.swapaxes(1, 2).reshape(rows * height, columns * width, *pixels.shape[3:])
    return Atlas(png=_png(sheet), columns=columns, width=width, height=height)


def find_preview(summary: RunSummary, sample: int) -> Preview | None:
    """Return name and image of one sample, None if there is no such sample."""
    samples = data.read_samples(summary.folder, summary.created)
    if not 0 <= sample < len(samples):
        return None
    name = str(samples["sample_id"].iloc[sample])
    images = data.load_images(summary.folder, summary.created)
    if not isinstance(images, LabeledImages):
        return Preview(sample=sample, name=name, png=None)
    return Preview(sample=sample, name=name, png=thumbnail(images.train.images[sample]))


def thumbnail(image: NDArray[np.uint8], *, side: int = PREVIEW_SIDE) -> bytes:
    """Return an image as PNG, made smaller where its longer side passes ``side`` pixels."""
    from PIL import Image

    picture = Image.fromarray(np.asarray(image))
    picture.thumbnail((side, side))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def selection_export(
    summary: RunSummary, chosen: NDArray[np.int64], score: ScoreValues | None
) -> Export:
    """Return the CSV of selected samples with provenance, as the library writes it."""
    run = data.store().at(summary.folder)
    return export_selection(run, chosen, score, data.open_dynamics(*_key(summary)))


def samples_inside(places: NDArray[np.float32], shape: Shape) -> NDArray[np.intp]:
    """Return the samples inside a shape that was drawn on the map."""
    if shape.kind == "box":
        (x0, y0), (x1, y1) = shape.corners
        return np.flatnonzero(inside_box(places, (x0, y0, x1, y1)))
    return np.flatnonzero(inside_polygon(places, shape.corners))


def why_no_umap(summary: RunSummary) -> str:
    """Say why a run with an embedding has no UMAP."""
    if summary.is_active:
        return "The UMAP of this run is being computed; it appears here once it is done."
    notes = data.store().at(summary.folder).status().notes
    said = [note for note in notes if note.startswith("No map")]
    return said[-1] if said else "This run has no UMAP: its file is not in the run's folder."


@st.cache_resource(show_spinner=False)
def prepare_lasso() -> None:
    """Compile the lasso's loop in the background, once the first page is on the screen."""
    timer = threading.Timer(SECONDS_TO_FIRST_PAINT, warm_up)
    timer.daemon = True
    timer.start()


def _key(summary: RunSummary) -> tuple[str, str, int]:
    """Return what names the recorded epochs of a run in every cache."""
    return summary.folder, summary.created, summary.epoch


def _embedding(folder: str) -> NDArray[np.float32]:
    """Return the embedding, or say that there is none yet."""
    run = data.store().at(folder)
    n_samples = run.manifest.dataset.n_train
    return read_features(run.embedding, needed_by="the map", n_samples=n_samples)


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


def _joined(parts: list[ClassClusters], n_samples: int) -> ClassClusters:
    """Number the clusters of several classes one after the other."""
    labels = np.full(n_samples, -1, dtype=np.int64)
    records: list[dict[str, Any]] = []
    first = 0
    for part in parts:
        is_here = part.labels >= 0
        labels[is_here] = part.labels[is_here] + first
        numbers = list(range(first, first + part.n_clusters))
        records += [record | {"clusters": numbers} for record in part.records]
        first += part.n_clusters
    medoids = np.concatenate([part.medoids for part in parts])
    return ClassClusters(
        labels, medoids, np.concatenate([part.class_of for part in parts]), tuple(records)
    )


def _medoid_texts(found: ClassClusters) -> dict[int, str]:
    """Say of every medoid what it stands for."""
    texts: dict[int, str] = {}
    for record in found.records:
        for number, (medoid, size) in enumerate(
            zip(record["medoids"], record["sizes"], strict=True)
        ):
            texts[int(medoid)] = f"medoid of {record['class']} {number + 1}, {size:,} samples"
    return texts


def _density(
    summary: RunSummary,
    places: NDArray[np.float32],
    colour: Categories | Numbers,
    selected: NDArray[np.intp],
    colour_key: tuple[Any, ...],
) -> Density:
    """Return the images that stand for all samples and for the selected ones."""
    bounds = map_bounds(places)
    everything = _density_of_all((*_key(summary), *colour_key), bounds, places, colour)
    some = density_image(places, bounds, colour, selected) if len(selected) else None
    return Density(bounds=bounds, all_samples=everything, selected=some)


@st.cache_data(max_entries=24, show_spinner="Drawing the density…")
def _density_of_all(
    key: tuple[Any, ...],
    bounds: Bounds,
    _places: NDArray[np.float32],
    _colour: Categories | Numbers,
) -> bytes:
    """Draw the density of all samples; ``key`` names places and colours."""
    del key
    return density_image(_places, bounds, _colour)


def _tiling(n_tiles: int) -> tuple[int, int]:
    """Return rows and columns of a sheet that is about square."""
    columns = max(1, int(np.ceil(np.sqrt(n_tiles))))
    return -(-n_tiles // columns), columns


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode an image without loss."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG")
    return buffer.getvalue()
