"""What lies on the reviewer's desk: the samples around a place in the queue, with their images."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace

from coreset_lib.datasets import LabeledImages
from coreset_lib.review.states import SampleState
from coreset_lib.runs.summary import RunSummary
from dashboard import map_colours, review_data
from dashboard.components.review_desk import DeskClass, DeskItem, class_keys
from dashboard.images import data_uri, picture_of
from dashboard.review_data import Review
from dashboard.sample_images import thumbnail

BEHIND = 3
# Images that wait in the browser; large ones cost more of the line than they save time.
AHEAD, AHEAD_IF_LARGE, LARGE_SIDE = 24, 10, 100
N_NEIGHBOURS = 6
NEIGHBOUR_SIDE = 96


class DeskImages:
    """Collects the images that the desk needs, each once."""

    def __init__(self, images: LabeledImages | str) -> None:
        self.images = images
        self.sources: dict[str, str] = {}

    @property
    def are_large(self) -> bool:
        """Whether few of them can be sent ahead."""
        return not isinstance(self.images, str) and max(self.images.image_size) > LARGE_SIDE

    def small(self, index: int) -> str:
        """Return the name of a sample's small image."""
        return self._add(f"s{index}", index, is_small=True)

    def large(self, index: int) -> str | None:
        """Return the name of a sample's image in full; None where it cannot be shown."""
        return self._add(f"l{index}", index, is_small=False) or None

    def _add(self, name: str, index: int, *, is_small: bool) -> str:
        """Add an image unless it is there."""
        if isinstance(self.images, str):
            return ""
        if name not in self.sources:
            picture = picture_of(self.images.train.images, index)
            small = b64encode(thumbnail(picture, side=NEIGHBOUR_SIDE)).decode() if is_small else ""
            self.sources[name] = f"data:image/png;base64,{small}" if small else data_uri(picture)
        return name


def desk_items(
    summary: RunSummary,
    review: Review,
    queue: Sequence[int],
    place: int,
    images: DeskImages,
    *,
    reader: str,
    is_blind: bool,
) -> tuple[DeskItem, ...]:
    """Return the samples around a place; a blind reader is not sent what is hidden."""
    ahead = AHEAD_IF_LARGE if images.are_large else AHEAD
    places = range(max(place - BEHIND, 0), min(place + ahead, len(queue)))
    return tuple(
        _item(summary, review, at, queue[at], images, reader=reader, is_blind=is_blind)
        for at in places
    )


def desk_classes(summary: RunSummary, review: Review, images: DeskImages) -> tuple[DeskClass, ...]:
    """Return the classes with their keys and medoids."""
    names = review.dataset.class_names
    medoids = review_data.class_medoids(summary)
    return tuple(
        DeskClass(name=name, key=key, image=images.small(medoids[k]) if k in medoids else None)
        for k, (name, key) in enumerate(zip(names, class_keys(len(names)), strict=True))
    )


def outcome(summary: RunSummary, review: Review, index: int, said: str) -> str:
    """Say what was recorded; only now a blind reader learns label and prediction."""
    name, label = review.dataset.sample_ids[index], _label(review, index)
    return f"Saved: {name}, {said}. Label: {label}; network: {_prediction(summary, index)}."


def _item(
    summary: RunSummary,
    review: Review,
    place: int,
    index: int,
    images: DeskImages,
    *,
    reader: str,
    is_blind: bool,
) -> DeskItem:
    """Describe one sample."""
    suspects = review_data.suspicion(summary.folder, summary.created, summary.epoch)
    name = review.dataset.sample_ids[index]
    state = review.states.get(name)
    near = [] if suspects.neighbours is None else suspects.neighbours[index][:N_NEIGHBOURS]
    hidden = DeskItem(
        place=place,
        index=index,
        name=f"sample {index}",  # an id may name the class: that of a file is its path
        image=images.large(index),
        seen=0 if state is None else state.last_event,
        neighbours=tuple((images.small(int(n)), _label(review, int(n))) for n in near if n >= 0),
    )
    if is_blind:
        return hidden
    return replace(
        hidden,
        name=name,
        label=_label(review, index),
        prediction=_prediction(summary, index),
        reasons=tuple(suspects.reasons(index)),
        status="" if state is None else _standing(state),
        proposal=_proposal(state, reader),
    )


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


def _label(review: Review, index: int) -> str:
    """Return the name of a sample's class in the dataset."""
    return review.dataset.class_names[int(review.dataset.labels[index])]


def _prediction(summary: RunSummary, index: int) -> str:
    """Return the class that the network names, "" where it was not recorded."""
    predicted = int(map_colours.predictions(summary)[index])
    names = review_data.dataset_of(summary.folder, summary.created).class_names
    return names[predicted] if predicted >= 0 else ""
