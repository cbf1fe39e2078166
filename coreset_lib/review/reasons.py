"""The words for what makes a label suspicious, and for what speaks for another class."""

import math
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from coreset_lib.dynamics import not_recorded

if TYPE_CHECKING:
    from coreset_lib.review.suspicion import SuspicionQueue

Words = Callable[["SuspicionQueue", int], str]
ClassWords = Callable[["SuspicionQueue", int, int], str]


def _margin_in_words(queue: "SuspicionQueue", index: int) -> str:
    """Explain the margin."""
    margin, rank = queue.signs["margin"][index], queue.ranks["margin"][index]
    if margin < 0:
        text = "early in training the network preferred another class to the label"
    elif rank >= 0.5:
        text = "early in training the network was less sure of the label than of most"
    else:
        return ""
    return f"{text} (mean margin {margin:+.2f}, lower than that of {_others(rank)})"


def _neighbours_in_words(queue: "SuspicionQueue", index: int) -> str:
    """Explain the labels of the neighbours."""
    assert queue.evidence.neighbours is not None
    near = queue.evidence.neighbours[index]
    labels = queue.dynamics.labels
    others = Counter(int(labels[n]) for n in near[near >= 0] if labels[n] != labels[index])
    if not others:
        return ""
    named = ", ".join(f"{n} {queue.dynamics.class_names[k]}" for k, n in others.most_common(3))
    n_near = int((near >= 0).sum())
    return f"{others.total()} of the {n_near} most alike images carry another label ({named})"


def _pixels_in_words(queue: "SuspicionQueue", index: int) -> str:
    """Explain what a linear model of the pixels says that had not seen the sample."""
    return _taken_for(queue, index, "pixels", "a linear model of the pixels")


def _held_out_in_words(queue: "SuspicionQueue", index: int) -> str:
    """Explain what networks say that had not seen the sample."""
    return _taken_for(queue, index, "held_out", "a network")


def _taken_for(queue: "SuspicionQueue", index: int, source: str, who: str) -> str:
    """Say which other class somebody takes the sample for who had not seen it."""
    shares = queue.evidence.sources[source][index]
    best = int(shares.argmax())
    if best == queue.dynamics.labels[index] or not shares.any():
        return ""
    name = queue.dynamics.class_names[best]
    return f"{who} that had not seen the image takes it for {name} ({shares[best]:.2f})"


def _never_learned_in_words(queue: "SuspicionQueue", index: int) -> str:
    """Explain that a sample was never right."""
    if not queue.signs["never_learned"][index]:
        return ""
    return f"never learned: taken for another class in all {queue.dynamics.n_epochs} epochs"


def _vog_in_words(queue: "SuspicionQueue", index: int) -> str:
    """Explain a fluctuating gradient."""
    rank = queue.ranks["vog"][index]
    if rank < 0.5:
        return ""
    return f"what the network learns from it keeps changing (VOG above that of {_others(rank)})"


def _co_teaching_in_words(queue: "SuspicionQueue", index: int) -> str:
    """Say that co-teaching calls the label wrong."""
    if not queue.signs["co_teaching"][index]:
        return ""
    return "two networks that taught each other call the label wrong (co-teaching)"


def _others(rank: float) -> str:
    """Say how many of the other samples a rank passes; 100 % only where it is all of them."""
    if rank >= 1:
        return "all other samples"
    return f"{math.floor(1000 * rank) / 10:g} % of the other samples"


WORDS: dict[str, Words] = {
    "margin": _margin_in_words,
    "neighbours": _neighbours_in_words,
    "pixels": _pixels_in_words,
    "held_out": _held_out_in_words,
    "never_learned": _never_learned_in_words,
    "vog": _vog_in_words,
    "co_teaching": _co_teaching_in_words,
}


def _early_for_class(queue: "SuspicionQueue", index: int, klass: int) -> str:
    """Say in how many of the first epochs the network named a class."""
    n_early = queue.evidence.n_early
    recorded = queue.dynamics.histories("prediction", [index], rows=slice(n_early))[:, 0]
    recorded = recorded[recorded != not_recorded(recorded.dtype)]
    named = int((queue.dynamics.predicted_class(recorded) == klass).sum())
    return f"named in {named} of epochs 1-{n_early}"


def _neighbours_for_class(queue: "SuspicionQueue", index: int, klass: int) -> str:
    """Say how many of the most alike images carry a label."""
    assert queue.evidence.neighbours is not None
    near = queue.evidence.neighbours[index]
    near = near[near >= 0]
    n_of = int((queue.dynamics.labels[near] == klass).sum())
    return f"label of {n_of} of the {len(near)} most alike images"


def _pixels_for_class(queue: "SuspicionQueue", index: int, klass: int) -> str:
    """Say how sure a linear model of the pixels is that had not seen the sample."""
    share = queue.evidence.sources["pixels"][index, klass]
    return f"{share:.2f} by a linear model of the pixels that had not seen it"


def _held_out_for_class(queue: "SuspicionQueue", index: int, klass: int) -> str:
    """Say how sure a network is that had not seen the sample."""
    share = queue.evidence.sources["held_out"][index, klass]
    return f"{share:.2f} by a network that had not seen it"


EVIDENCE_WORDS: dict[str, ClassWords] = {
    "early": _early_for_class,
    "neighbours": _neighbours_for_class,
    "pixels": _pixels_for_class,
    "held_out": _held_out_for_class,
}
