"""What lies on the reviewer's desk: the samples around a place in the queue, with their images."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from coreset_lib.datasets import LabeledImages
from coreset_lib.label_sets import JOINED, labels_in, set_title
from coreset_lib.review.dataset import ReviewedDataset
from coreset_lib.review.states import SampleState
from coreset_lib.review.suspicion import SuspicionQueue
from coreset_lib.runs.summary import RunSummary, RunVersion
from dashboard import reads
from dashboard.map import colours as map_colours
from dashboard.review import data as review_data
from dashboard.review.component.review_desk import DeskClass, DeskItem, class_keys
from dashboard.review.data import Review
from dashboard.review.queue import Reading
from dashboard.routes.originals import has_original
from dashboard.shared.samples.images import data_uri, picture_of
from dashboard.shared.samples.sample_images import thumbnail
from dashboard.shared.samples.viewer.sample_viewer import originals_base

BEHIND = 3
# Images that wait in the browser; large ones cost more of the line than they save time.
AHEAD, AHEAD_IF_LARGE, LARGE_SIDE = 24, 10, 100
N_NEIGHBOURS = 6
NEIGHBOUR_SIDE = 96


class DeskImages:
    """Collects the images that the desk needs, each once."""

    def __init__(self, summary: RunSummary, images: LabeledImages | str) -> None:
        self.version = summary.version
        self.images = images
        self.sources: dict[str, str] = {}
        self._originals = "" if isinstance(images, str) else originals_base(summary, images)

    @property
    def are_large(self) -> bool:
        """Whether few of them can be sent ahead."""
        return not isinstance(self.images, str) and max(self.images.image_size) > LARGE_SIDE

    def small(self, index: int) -> str:
        """Return the name of a sample's small image: of its original, where there is one."""
        name = f"s{index}"
        if self._has_original(index):
            self.sources[name] = f"{self._originals}/small/{index}.png"
            return name
        return self._add(f"s{index}", index, is_small=True)

    def large(self, index: int) -> str | None:
        """Return the name of a sample's image in full; None where it cannot be shown."""
        return self._add(f"l{index}", index, is_small=False) or None

    def original(self, index: int) -> str:
        """Return where a sample's original is, without its name; empty where there is none."""
        return f"{self._originals}/{index}.png" if self._has_original(index) else ""

    def _has_original(self, index: int) -> bool:
        """Whether a browser may ask for a sample's original."""
        if isinstance(self.images, str) or not self._originals:
            return False
        return has_original(self.images, index)

    def _add(self, name: str, index: int, *, is_small: bool) -> str:
        """Add an image unless it is there."""
        if isinstance(self.images, str):
            return ""
        if name not in self.sources:
            source = _small_source if is_small else _large_source
            self.sources[name] = source(self.version, index, self.images)
        return name


@st.cache_data(max_entries=4000, show_spinner=False, hash_funcs=reads.ANY_EPOCH)
def _small_source(version: RunVersion, index: int, _images: LabeledImages) -> str:
    """Encode a sample's small image once; every key press sends those around again."""
    del version
    small = thumbnail(picture_of(_images.train.images, index), side=NEIGHBOUR_SIDE)
    return f"data:image/png;base64,{b64encode(small).decode()}"


@st.cache_data(max_entries=500, show_spinner=False, hash_funcs=reads.ANY_EPOCH)
def _large_source(version: RunVersion, index: int, _images: LabeledImages) -> str:
    """Encode a sample's image in full once."""
    del version
    return data_uri(picture_of(_images.train.images, index))


def desk_items(
    summary: RunSummary,
    review: Review,
    place: int,
    images: DeskImages,
    *,
    reader: str,
    reading: Reading,
) -> tuple[DeskItem, ...]:
    """Return the samples around a place; a reader is not sent what the view hides."""
    ahead = AHEAD_IF_LARGE if images.are_large else AHEAD
    queue = reading.indices
    places = range(max(place - BEHIND, 0), min(place + ahead, len(queue)))
    suspects = review_data.suspicion(summary.version)
    hidden = [_hidden_item(review, suspects, at, queue[at], images) for at in places]
    if reading.is_blind:
        return tuple(hidden)
    named = _predicted_names(summary, review.dataset)
    shown = [_open_item(item, review, suspects, named(item.index)) for item in hidden]
    if reading.hides_others:
        return tuple(shown)
    return tuple(_with_others(item, review, reader) for item in shown)


def desk_classes(summary: RunSummary, review: Review, images: DeskImages) -> tuple[DeskClass, ...]:
    """Return the classes with their keys and medoids."""
    names = review.dataset.class_names
    medoids = review_data.class_medoids(summary)
    return tuple(
        DeskClass(name=name, key=key, image=images.small(medoids[k]) if k in medoids else None)
        for k, (name, key) in enumerate(zip(names, class_keys(len(names)), strict=True))
    )


def outcome(summary: RunSummary, dataset: ReviewedDataset, index: int, said: str) -> str:
    """Say what was recorded; only now a blind reader learns label and prediction."""
    name, label = dataset.sample_ids[index], dataset.title_of(index)
    said = said.replace(JOINED, " + ") if dataset.label_names else said
    predicted = _predicted_names(summary, dataset)(index)
    return f"Saved: {name}, {said}. Label: {label}; network: {predicted}."


def _hidden_item(
    review: Review, suspects: SuspicionQueue, place: int, index: int, images: DeskImages
) -> DeskItem:
    """Describe one sample as a blind reader may know it."""
    state = review.states.get(review.dataset.sample_ids[index])
    near = [] if suspects.neighbours is None else suspects.neighbours[index][:N_NEIGHBOURS]
    return DeskItem(
        place=place,
        index=index,
        # An id may name the class: that of a file is its path, and numbers go class by class.
        name=f"image {place + 1}",
        image=images.large(index),
        original=images.original(index),
        seen=0 if state is None else state.last_event,
        neighbours=tuple((images.small(int(n)), "") for n in near if n >= 0),
    )


def _open_item(
    hidden: DeskItem, review: Review, suspects: SuspicionQueue, prediction: str
) -> DeskItem:
    """Add what only a reader who is not blind may know; nothing of what others decided."""
    index = hidden.index
    near = [] if suspects.neighbours is None else suspects.neighbours[index][:N_NEIGHBOURS]
    labels = [review.dataset.title_of(int(n)) for n in near if n >= 0]
    images = [image for image, _ in hidden.neighbours]
    return replace(
        hidden,
        name=review.dataset.sample_ids[index],
        label=review.dataset.title_of(index),
        labels=tuple(labels_in(int(review.dataset.codes[index]), review.dataset.label_names)),
        prediction=prediction,
        reasons=_reasons(suspects, index),
        neighbours=tuple(zip(images, labels, strict=True)),
    )


def _with_others(item: DeskItem, review: Review, reader: str) -> DeskItem:
    """Add where a sample stands, what may be settled, and what a table's readers said."""
    state = review.states.get(review.dataset.sample_ids[item.index])
    status = "" if state is None else _standing(state)
    said = review.table_readers.get(item.index)
    reasons = (f"readers of your table differ: {said}", *item.reasons) if said else item.reasons
    return replace(item, status=status, proposal=_proposal(state, reader), reasons=reasons)


def _reasons(suspects: SuspicionQueue, index: int) -> tuple[str, ...]:
    """Return the suggested class with its evidence, if there is another, and the signs."""
    suggestion = suspects.suggestion(index)
    first = (f"suggested class: {suggestion}",) if suggestion else ()
    return (*first, *suspects.reasons(index))


def _standing(state: SampleState) -> str:
    """Say where a sample stands, and who said what."""
    said = ", ".join(f"{who}: {event.new_label}" for who, event in state.decisions.items())
    return f"{state.status} ({said})" if said else state.status


def _proposal(state: SampleState | None, reader: str) -> int | None:
    """Return the latest decision of somebody else, which a second reader may settle."""
    if state is None or state.is_done:
        return None
    others = [event.id for who, event in state.decisions.items() if who != reader]
    return max(others, default=None)


def _predicted_names(summary: RunSummary, dataset: ReviewedDataset) -> Callable[[int], str]:
    """Return what says which class or labels the network names, "" where it was not recorded."""
    found = map_colours.predictions(summary)
    names = dataset.label_names

    def name_of(index: int) -> str:
        predicted = int(found[index])
        if predicted < 0:
            return ""
        return set_title(predicted, names) if names else dataset.class_names[predicted]

    return name_of
