"""The lines of the plot: the hardest samples, or a few of every kind as in EVA's Fig. 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.scores.score import ScoreValues
from dashboard.shared.theme import CLASS_COLOURS
from dashboard.shared.windows.window_brush import Line

N_LINES = 10
MOST_PINNED = 8
OF_A_KIND = 3
# One for each line, of hardest, selected, random and easiest samples.
COLOURS = (*CLASS_COLOURS[3:], *CLASS_COLOURS[:3], "#1B4F72", "#7D6608", "#78281F", "#0B5345")


@dataclass(frozen=True)
class NamedSample:
    """A sample with what its line is called."""

    index: int
    name: str


def ranked_lines(
    dynamics: TrainingDynamics,
    ids: NDArray[Any],
    found: NDArray[np.intp],
    pinned: Sequence[int],
) -> list[Line]:
    """Return the lines of the samples that rank first, then those of pinned ones in colour."""
    shown = list(dict.fromkeys(pinned))[:MOST_PINNED]
    hardest = [index for index in found[:N_LINES].tolist() if index not in shown]
    return [
        *_lines(dynamics, [NamedSample(i, str(ids[i])) for i in hardest], coloured=False),
        *_lines(dynamics, [NamedSample(i, str(ids[i])) for i in shown], coloured=True),
    ]


def figure_samples(
    score: ScoreValues, selected: Sequence[int], ids: NDArray[Any], *, seed: int = 0
) -> list[NamedSample]:
    """Return hardest, selected, random and easiest samples, each once, named by their kind.

    Parameters
    ----------
    score : ScoreValues
    selected : sequence of int
        In the order of the ranking; the first few are shown.
    ids : array of str, shape (samples,)
    seed : int
        Of the random samples.
    """
    order = score.order()
    random = np.random.default_rng(seed).permutation(len(order))
    kinds = {
        "hardest": order[:OF_A_KIND].tolist(),
        "selected": list(selected)[:OF_A_KIND],
        "random": random[: 4 * OF_A_KIND].tolist(),
        "easiest": order[::-1][:OF_A_KIND].tolist(),
    }
    found: list[NamedSample] = []
    taken: set[int] = set()
    for kind, samples in kinds.items():
        fresh = [index for index in samples if index not in taken][:OF_A_KIND]
        taken.update(fresh)
        found += [NamedSample(index, f"{kind} {ids[index]}") for index in fresh]
    return found


def figure_lines(dynamics: TrainingDynamics, samples: Sequence[NamedSample]) -> list[Line]:
    """Return one line in a colour of its own for each sample."""
    return _lines(dynamics, samples, coloured=True)


def _lines(
    dynamics: TrainingDynamics, samples: Sequence[NamedSample], *, coloured: bool
) -> list[Line]:
    """Return the error of some samples as lines."""
    histories = dynamics.histories("error_norm", [sample.index for sample in samples]).T
    return [
        Line(
            index=sample.index,
            label=sample.name,
            values=values,
            colour=COLOURS[number] if coloured else None,
            is_pinned=coloured,
        )
        for number, (sample, values) in enumerate(zip(samples, histories, strict=True))
    ]
