"""The selected samples as images, sorted, page by page, and as a file to take away."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.datasets import LabeledImages
from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores.score import ScoreValues
from dashboard import reads
from dashboard.map import colours as map_colours
from dashboard.map import data as map_data
from dashboard.shared.downloads import draw_export
from dashboard.shared.samples.image_grid import Tile, image_grid
from dashboard.shared.samples.images import picture_of
from dashboard.shared.samples.sample_images import thumbnail
from dashboard.shared.selection import selection
from dashboard.shared.text import as_text

LARGEST = 256
SIZES = {"small": 72, "medium": 112, "large": 168, "huge": 240}
PER_PAGE = {"small": 48, "medium": 48, "large": 24, "huge": 24}
HARDEST, EASIEST, BY_CLASS, AS_SELECTED = SORTINGS = (
    "hardest first",
    "easiest first",
    "by class",
    "as selected",
)
OPENED = "opened-sample"


def draw_selection_panel(summary: RunSummary, score: ScoreValues | None) -> None:
    """Draw count, actions, export and images of the selection."""
    dynamics = reads.open_dynamics(summary.version)
    chosen = selection.selected(summary.run_id, dynamics.n_samples)
    if not len(chosen):
        st.info(
            "Nothing is selected yet. Draw around samples with the lasso, drag a box, or click "
            "one: their images appear here. Shift adds to the selection, Alt takes out.",
            icon=":material/lasso_select:",
        )
        return
    _draw_actions(summary, chosen, score)
    order, size = _draw_sorting()
    shown = _page_of(sorted_samples(chosen, dynamics.labels, score, order), PER_PAGE[size])
    _draw_tiles(summary, shown, score, SIZES[size])


def sorted_samples(
    chosen: NDArray[np.int64],
    labels: NDArray[np.int64],
    score: ScoreValues | None,
    order: str,
) -> NDArray[np.int64]:
    """Return the selected samples in the order asked for; ties by position."""
    if order == AS_SELECTED or (score is None and order != BY_CLASS):
        return chosen
    by_position = np.sort(chosen)
    if order == BY_CLASS or score is None:
        return by_position[np.argsort(labels[by_position], kind="stable")]
    difficulty = score.difficulty[by_position]
    return by_position[np.argsort(difficulty if order == EASIEST else -difficulty, kind="stable")]


def _draw_actions(
    summary: RunSummary, chosen: NDArray[np.int64], score: ScoreValues | None
) -> None:
    """Draw what can be done with the whole selection."""
    dynamics = reads.open_dynamics(summary.version)
    counts = np.bincount(dynamics.labels[chosen], minlength=dynamics.n_classes)
    mix = ", ".join(
        f"{dynamics.class_names[k]}: {counts[k]:,}" for k in np.argsort(-counts)[:6] if counts[k]
    )
    more = f" and {(counts > 0).sum() - 6} more classes" if (counts > 0).sum() > 6 else ""
    st.markdown(
        f"**{len(chosen):,} of {dynamics.n_samples:,} samples selected**: {as_text(mix)}{more}"
    )
    with st.container(horizontal=True, gap="small"):
        _draw_export(summary, chosen, score)
        st.button(
            "Invert",
            key="invert-selection",
            icon=":material/swap_horiz:",
            on_click=selection.invert,
            args=(summary.run_id, dynamics.n_samples),
            help="Select all samples that are not selected now",
        )
        st.button(
            "Clear",
            key="clear-on-map",
            icon=":material/close:",
            on_click=selection.select,
            args=(summary.run_id, ()),
        )


def _draw_export(summary: RunSummary, chosen: NDArray[np.int64], score: ScoreValues | None) -> None:
    """Draw the way to a table of exactly this selection."""
    draw_export(
        "selection",
        "Export selection",
        lambda: map_data.selection_export(summary, chosen, score),
        about="The columns of a coreset: sample, class, source, rank, score, forgetting events.",
    )


def _draw_sorting() -> tuple[str, str]:
    """Draw order and size of the images."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.selectbox(
            "Sort",
            SORTINGS,
            key="sort",
            bind="query-params",
            persist_state="session",
            width=220,
        )
        size = st.select_slider(
            "Image size",
            list(SIZES),
            value="medium",
            key="image_size",
            bind="query-params",
            persist_state="session",
            width=260,
        )
    return order, size


def _page_of(indices: NDArray[np.int64], per_page: int) -> NDArray[np.int64]:
    """Draw the pager where there is more than one page; return the samples of the page."""
    n_pages = -(-len(indices) // per_page)
    page = 1
    if n_pages > 1:
        page = st.pagination(n_pages, key=f"selection-page-{n_pages}", width="content")
    return indices[(page - 1) * per_page : page * per_page]


def _draw_tiles(
    summary: RunSummary, shown: NDArray[np.int64], score: ScoreValues | None, size: int
) -> None:
    """Draw the images, or say why there are none and list the samples anyway."""
    images = reads.load_images(summary.version)
    if isinstance(images, str):
        st.info(as_text(images), icon=":material/hide_image:")
    dynamics = reads.open_dynamics(summary.version)
    names = reads.read_samples(summary.version)["sample_id"].iloc[shown]
    notes = _notes(shown, dynamics, map_colours.predictions(summary), score)
    image_grid(
        [
            Tile(
                index=int(index),
                png=_png(images, int(index)),
                title=str(name),
                note=note,
                alt=f"Sample {name}: {note}",
                is_right=is_right,
            )
            for index, name, (note, is_right) in zip(shown, names, notes, strict=True)
        ],
        key="selection-grid",
        label="Images of the selected samples",
        size=size,
        on_open=_open,
        on_drop=lambda index: selection.toggle(summary.run_id, index),
    )


def _notes(
    shown: NDArray[np.int64],
    dynamics: TrainingDynamics,
    predictions: NDArray[np.int64],
    score: ScoreValues | None,
) -> list[tuple[str, bool | None]]:
    """Say of each sample its label, what the network takes it for, its score; and if right."""
    notes: list[tuple[str, bool | None]] = []
    for index in shown.tolist():
        predicted = int(predictions[index])
        is_right = None if predicted < 0 else predicted == int(dynamics.targets[index])
        taken = f", taken for {dynamics.prediction_title(predicted)}" if is_right is False else ""
        value = "" if score is None else f" · {score.values[index]:.3g}"
        notes.append((f"{dynamics.label_title(index)}{taken}{value}", is_right))
    return notes


def _png(images: LabeledImages | str, index: int) -> bytes | None:
    """Return a sample's image, None where images cannot be shown."""
    if isinstance(images, str):
        return None
    return thumbnail(picture_of(images.train.images, index), side=LARGEST)


def _open(index: int) -> None:
    """Ask for a closer look at one sample."""
    st.session_state[OPENED] = index


def draw_medoids(summary: RunSummary, medoids: dict[int, str]) -> None:
    """Draw the images at the heart of the clusters; a click opens one."""
    images = reads.load_images(summary.version)
    names = reads.read_samples(summary.version)["sample_id"]
    tiles = [
        Tile(
            index=index,
            png=_png(images, index),
            title=text.rsplit(", ", 1)[0].removeprefix("medoid of "),
            note=text.rsplit(", ", 1)[-1],
            alt=f"Medoid {names.iloc[index]}: {text}",
        )
        for index, text in medoids.items()
    ]
    image_grid(
        tiles,
        key="medoid-grid",
        label="Medoids: the image at the heart of each cluster",
        size=88,
        on_open=_open,
    )
