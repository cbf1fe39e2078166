"""Coresets side by side: what they are made of, what they share, what enters and leaves."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores import SCORES
from coreset_lib.scores.contrast import contrast
from coreset_lib.scores.score import ScoreValues
from coreset_lib.selection import STRATEGIES
from dashboard import reads
from dashboard.shared.links.groups import Group, ask_for, draw_linked_images
from dashboard.shared.options import KEPT
from dashboard.shared.text import range_in_percent

MOST_CANDIDATES = 4
N_CHANGES = 8


def has_candidates(summary: RunSummary) -> bool:
    """Whether some were kept: their comparison stays open then."""
    return bool(st.session_state.get(f"candidates:{summary.run_id}"))


def draw_candidates(summary: RunSummary, choices: reads.Options) -> None:
    """Draw the kept candidates beside the present choice."""
    kept: list[reads.Options] = st.session_state.setdefault(f"candidates:{summary.run_id}", [])
    _draw_buttons(kept, choices)
    if not kept:
        st.caption("Keep up to four coresets here to compare them side by side.")
        return
    shown = kept if choices in kept else [*kept, choices]
    names = [candidate_title(each, is_present=each == choices) for each in shown]
    version = summary.version
    chosen = [reads.chosen_coreset(version, each)[0].indices for each in shown]
    st.dataframe(
        _composition_rows(summary, names, chosen),
        hide_index=True,
        alt="Composition of the candidates",
    )
    st.dataframe(
        _overlap_rows(names, chosen), hide_index=True, alt="Overlap between the candidates"
    )
    scores = [reads.chosen_coreset(version, each)[1] for each in shown]
    if correlations := _correlation_rows(names, scores):
        st.dataframe(
            correlations,
            hide_index=True,
            alt="Rank correlation between the scores of the candidates",
        )
        st.caption(
            "Rank correlation (Spearman) of the scores over all samples: 1 = the same order, "
            "0 = unrelated."
        )
    if len(shown) > 1:
        _draw_changes(summary, names, chosen)


def draw_other_seeds(summary: RunSummary, choices: reads.Options) -> None:
    """Draw what the same choices give on runs that differ in their seed only."""
    with st.expander(
        "The same choices on other seeds", key="other-seeds", on_change="rerun"
    ) as box:
        if not box.open:
            return
        runs = reads.repetitions(summary)
        if len(runs) < 2:
            st.caption(
                "A coreset follows one run, and chance with it. Start more runs of the same recipe "
                "with other seeds on the page Runs, and what their coresets share is said here."
            )
            return
        if dict(choices).get("average") == "scores":
            st.caption("This coreset goes by the mean score over these runs already.")
            return
        found = reads.coreset_overlaps(runs, choices)
        share = dict(choices)["rate"]
        st.markdown(
            f"{len(runs)} runs: two of their coresets share **{range_in_percent(found)}** of the "
            f"samples. Two random draws of this size would share about {100 * share:.0f} %."
        )


def candidate_title(choices: reads.Options, *, is_present: bool = False) -> str:
    """Name a coreset by what it was chosen with."""
    fields: dict[str, Any] = dict(choices)
    parts = [STRATEGIES[fields["strategy"]].title.split(":")[0]]
    if fields["score"] is not None:
        parts.append(SCORES[fields["score"]].title.split(" (")[0])
        parts += [
            str(value) for name, value in fields["score_options"] if name in ("early", "late")
        ]
    if fields.get("average") == "scores":
        parts.append("mean score of the runs")
    parts.append(f"{100 * fields['rate']:g} %")
    if fields["balance"] != "global":
        parts.append(str(fields["balance"]))
    if fields["noise_cut"]:
        parts.append(f"cut {100 * fields['noise_cut']:g} %")
    parts += [
        f"{len(fields[side])} {word}"
        for side, word in (("force_in", "forced in"), ("keep_out", "kept out"))
        if fields.get(side)
    ]
    return (" · ".join(parts)) + (" (shown)" if is_present else "")


def _draw_buttons(kept: list[reads.Options], choices: reads.Options) -> None:
    """Draw the buttons that keep and forget candidates."""
    row = st.container(horizontal=True)
    is_full = len(kept) >= MOST_CANDIDATES
    if row.button(
        "Keep as candidate",
        icon=":material/add:",
        disabled=is_full or choices in kept,
        help=f"At most {MOST_CANDIDATES}." if is_full else None,
    ):
        kept.append(choices)
        st.rerun()
    if kept and row.button("Forget candidates", icon=":material/clear_all:"):
        kept.clear()
        st.rerun()


def _composition_rows(
    summary: RunSummary, names: list[str], chosen: list[NDArray[np.intp]]
) -> list[dict[str, Any]]:
    """One row per candidate: size and samples of each class."""
    run = reads.open_dynamics(summary.version)
    never = reads.never_learned(summary.version)
    late = reads.not_learned_early(summary.version)
    rows: list[dict[str, Any]] = []
    for name, indices in zip(names, chosen, strict=True):
        counts = np.bincount(run.labels[indices], minlength=run.n_classes).tolist()
        row = {"candidate": name, "samples": len(indices)}
        row["never learned"] = int(never[indices].sum())
        row["not learned early"] = int(late[indices].sum())
        row["balanced accuracy (quick check)"] = _accuracy(summary, indices)
        rows.append(row | dict(zip(run.class_names, counts, strict=True)))
    return rows


def _accuracy(summary: RunSummary, indices: NDArray[np.intp]) -> str:
    """Say what the quick check of a coreset found, beside random draws of its size."""
    check = reads.quick_check(summary, indices)
    if check is None or "balanced_accuracy" not in check.found:
        return "not checked"
    found = check.found["balanced_accuracy"]
    return f"{100 * found.coreset:.1f} % (random {100 * found.random:.1f} %)"


def _correlation_rows(
    names: list[str], scores: Sequence[ScoreValues | None]
) -> list[dict[str, Any]]:
    """Rank correlation of each two candidates that go by a score; empty for fewer than two."""
    scored = [(name, score) for name, score in zip(names, scores, strict=True) if score is not None]
    if len(scored) < 2:
        return []
    return [
        {"rank correlation of … with →": name}
        | {other: _correlation(own, theirs) for other, theirs in scored}
        for name, own in scored
    ]


def _correlation(first: ScoreValues, second: ScoreValues) -> str:
    """Return Spearman's correlation as text."""
    found = contrast(first, second).rank_correlation
    return "not defined" if math.isnan(found) else f"{found:.2f}"


def _overlap_rows(names: list[str], chosen: list[NDArray[np.intp]]) -> list[dict[str, Any]]:
    """Share of each candidate (row) that stands in each other one (column)."""
    sets = [set(indices.tolist()) for indices in chosen]
    return [
        {"share of … that is also in →": name}
        | {
            other: f"{100 * len(own & theirs) / len(own):.0f} %"
            for other, theirs in zip(names, sets, strict=True)
        }
        for name, own in zip(names, sets, strict=True)
    ]


def _draw_changes(summary: RunSummary, names: list[str], chosen: list[NDArray[np.intp]]) -> None:
    """Show what enters and leaves on the way from one candidate to another."""
    left, right = st.columns(2)
    numbers = range(len(names))
    start = left.selectbox(
        "From", numbers, format_func=names.__getitem__, key="changes-from", persist_state=KEPT
    )
    end = right.selectbox(
        "to",
        numbers,
        index=len(names) - 1,
        format_func=names.__getitem__,
        key="changes-to",
        persist_state=KEPT,
    )
    for column, title, these, those in (
        (left, "leave", chosen[start], chosen[end]),
        (right, "enter", chosen[end], chosen[start]),
    ):
        changed = these[~np.isin(these, those)]
        with column:
            st.markdown(f"**{len(changed):,} samples {title}**")
            draw_linked_images(
                summary,
                changed[:N_CHANGES],
                key=f"changes-{title}",
                label=f"Samples that {title}",
                size=88,
            )
            if len(changed) > N_CHANGES:
                st.button(
                    f"Show all {len(changed):,}",
                    key=f"changes-all-{title}",
                    on_click=ask_for,
                    args=(Group(f"Samples that {title}", changed),),
                )
