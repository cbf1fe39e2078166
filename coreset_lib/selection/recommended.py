"""The strategy that we recommend, in the version that was confirmed and the one before it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.dynamics import TrainingDynamics
from coreset_lib.scores.averages import windowed_mean
from coreset_lib.scores.score import Option, ScoreValues
from coreset_lib.selection.agreement import neighbour_votes
from coreset_lib.selection.coverage import Chosen, cover
from coreset_lib.selection.geometry import variance_option
from coreset_lib.selection.problem import SelectionProblem, Strategy
from coreset_lib.selection.random import choose_random
from coreset_lib.windows import Window

VERSIONS = ("2", "1")
EMBEDDINGS = ("early", "chosen")
EARLY_SHARE = 0.1
DRAW_ABOVE = {"1": 0.25, "2": 0.15}
MOST_LEFT_OUT = 0.25
LEAST_PER_CLASS = 2
NO_EARLY = "the run kept no early embedding, so nobody is a suspect"
TOO_FEW = "fewer than two samples for each class, so all were drawn at random"


def choose_recommended(
    problem: SelectionProblem,
    *,
    version: str,
    variance: float,
    early_share: float,
    draw_above: float | str,
    most_left_out: float,
    embedding: str,
) -> Chosen:
    """Return what a version of the recommended strategy keeps.

    Both versions leave out the suspects of each class, then keep one sample of each of as many
    k-means cells of the class as its quota (:func:`coreset_lib.selection.coverage.cover`). A
    class is never cut below its quota. Without a class balance the classes keep their shares.

    Version 2: with the shares v_ic of the classes in the votes on sample i among its neighbours
    in the early embedding (:func:`coreset_lib.selection.agreement.neighbour_votes`), i is a
    suspect where max_c v_ic > v_iy, and the lowest v_iy leave first, at most the share
    ``most_left_out`` of the class. The cells are of the early embedding, too. With fewer than
    two samples to keep for each class on average all are drawn at random inside the classes.

    Version 1: suspects have a negative :func:`early_margin`, and all of them leave. Early on a
    network predicts the larger class, so that these are mostly the rarer one.

    Parameters
    ----------
    problem : SelectionProblem
        With features; for version 1 with the early margin as its score, for version 2 with
        early features, or without suspects.
    version : {"2", "1"}
    variance : float
        Share of the variance that PCA keeps.
    early_share : float
        Version 1: share of the epochs; it has been used for the score.
    draw_above : float or "auto"
        A class that keeps more than this share of its candidates (auto: 0.15, version 1: 0.25)
        has the sample of each cell drawn at random: stratified sampling. A few central samples
        stand for a class better than as many random ones; with many of them the outskirts of
        the class would be missing.
    most_left_out : float
        Version 2: share of the candidates of a class, in [0, 1].
    embedding : {"early", "chosen"}
        Version 2: whether the cells are of the early features or of the features.

    Returns
    -------
    indices : int array, shape (n_keep,)
    report : dict
        As of coverage, and per class how many suspects there were and were left out and whether
        the samples were drawn.
    """
    if problem.balance == "global":
        problem = replace(problem, balance="proportional")
    above = DRAW_ABOVE[version] if isinstance(draw_above, str) else draw_above
    details: dict[str, Any] = {"balance": problem.balance}
    if version == "1":
        assert problem.score is not None
        trust = problem.score.values
        details |= {"early_share": early_share}
        return _cover_trusted(problem, trust, trust < 0, 1.0, variance, above, details)
    details |= {"version": version}
    if problem.n_total < LEAST_PER_CLASS * len(np.unique(problem.labels[problem.is_candidate])):
        drawn, quotas = choose_random(problem)
        return drawn, details | {"note": TOO_FEW} | quotas
    if problem.early_features is None:
        trust, is_suspect = np.ones(len(problem.labels)), np.zeros(len(problem.labels), np.bool_)
        details |= {"note": NO_EARLY}
    else:
        trust, is_suspect = outvoted(problem)
        if embedding == "early":
            problem = replace(problem, features=problem.early_features)
    return _cover_trusted(problem, trust, is_suspect, most_left_out, variance, above, details)


def left_out_of_classes(report: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Return by class how many suspects a report says were left out, and of how many.

    Empty for other strategies and for version 1, which did not say of how many.
    """
    parts = report.get("suspects", ())
    return {part["part"]: (part["left_out"], part["of"]) for part in parts if "of" in part}


def say_left_out(report: Mapping[str, Any]) -> str:
    """Say what the strategy left out of each class and what stood in its way; may be empty."""
    found = left_out_of_classes(report)
    words = "; ".join(f"{name}: {n} of {of}" for name, (n, of) in found.items() if n)
    sentence = f"left out, as early neighbours say another class: {words or 'none'}"
    return "; ".join(part for part in (sentence if found else "", report.get("note", "")) if part)


def outvoted(problem: SelectionProblem) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the share of votes for each sample's own class, and where another has more."""
    assert problem.early_features is not None
    votes = neighbour_votes(problem.early_features, problem.labels, problem.n_classes)
    own = votes[np.arange(len(votes)), problem.labels]
    return own, votes.max(axis=1) > own


def _cover_trusted(
    problem: SelectionProblem,
    trust: NDArray[np.float64],
    is_suspect: NDArray[np.bool_],
    most_left_out: float,
    variance: float,
    draw_above: float,
    details: dict[str, Any],
) -> Chosen:
    """Leave out the least trusted suspects of each class, then cover it."""
    is_candidate, left_out = problem.is_candidate.copy(), list[dict[str, Any]]()
    for part in problem.parts():
        n_members, n_suspects = len(part.members), int(is_suspect[part.members].sum())
        n_out = min(n_suspects, n_members - part.quota, int(most_left_out * n_members + 1e-9))
        order = part.members[np.argsort(trust[part.members], kind="stable")]
        is_candidate[order[is_suspect[order]][:n_out]] = False
        drawn = part.quota > draw_above * n_members
        counts = {"suspects": n_suspects, "left_out": n_out, "drawn": bool(drawn)}
        of = {"of": n_members} if "version" in details else {}
        left_out.append({"part": part.title} | counts | of)
    is_drawn = np.array([counts["drawn"] for counts in left_out])
    indices, report = cover(replace(problem, is_candidate=is_candidate), variance, is_drawn)
    return indices, details | {"suspects": left_out} | report


def early_margin(dynamics: TrainingDynamics, early_share: float) -> ScoreValues:
    """Return the mean margin over the first share of the epochs, at least one.

    Networks fit what most labels agree on first and memorise the others later: early on, a
    negative margin says that another class fits better than the label.

    References
    ----------
    Liu et al. (2020), Early-learning regularization prevents memorization of noisy labels.
    """
    last = max(round(early_share * dynamics.n_epochs), 1)
    values = windowed_mean(dynamics, "margin", Window(1, last))
    return ScoreValues("early_margin", values, "easier")


RECOMMENDED = Strategy(
    title="Recommended",
    summary="Leaves out images whose label looks wrong early on, then covers each class evenly.",
    source="this project, docs/recommended.md",
    choose=choose_recommended,
    needs_score=False,
    own_score=lambda dynamics, options: early_margin(dynamics, options["early_share"]),
    needs_features=True,
    needs_early=lambda options: options["version"] == "2",
    options={
        "version": Option(
            kind="choice",
            choices=VERSIONS,
            default="2",
            before="1",
            help="2: leaves out what other classes outvote early on; 1: what has a negative early "
            "margin",
        ),
        "variance": variance_option(),
        "early_share": Option(
            kind="real",
            default=EARLY_SHARE,
            least=0.01,
            most=1.0,
            help="version 1: share of the epochs, from the first, whose mean margin makes a "
            "suspect",
        ),
        "draw_above": Option(
            kind="real",
            default="auto",
            words=("auto",),
            least=0.0,
            most=1.0,
            help="a class that keeps more than this share has the image of each region drawn at "
            "random, not the middle one; auto: 0.15, in version 1 0.25",
        ),
        "most_left_out": Option(
            kind="real",
            default=MOST_LEFT_OUT,
            least=0.0,
            most=1.0,
            before=MOST_LEFT_OUT,
            help="version 2: the largest share of a class that is left out",
        ),
        "embedding": Option(
            kind="choice",
            choices=EMBEDDINGS,
            default="early",
            before="early",
            help="version 2: what the regions are of: the early embedding, or the chosen features",
        ),
    },
)
