"""Coreset: choose a small training subset, see what it is made of, take it away."""

from typing import Any

import numpy as np
import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores.score import ScoreValues
from coreset_lib.selection import BALANCES, STRATEGIES
from coreset_lib.selection.budget import budget
from coreset_lib.selection.forced import say_forced
from coreset_lib.selection.left_out import counted, left_out_by_class
from coreset_lib.selection.problem import Coreset
from dashboard import reads, session
from dashboard.benchmark.carried import draw_benchmark_button
from dashboard.coreset.averages import draw_average
from dashboard.coreset.candidates import draw_candidates, draw_other_seeds, has_candidates
from dashboard.coreset.defaults import (
    BALANCE,
    STRATEGY,
    explain_offer,
    keep_choice,
    offered_choices,
)
from dashboard.coreset.forced_panel import draw_forced
from dashboard.coreset.left_out import draw_left_out
from dashboard.coreset.links import composition_bars, of_class
from dashboard.coreset.other_forms import draw_other_forms
from dashboard.coreset.quick_check import draw_quick_check
from dashboard.frame import chosen_run, draw_heading, draw_no_run, has_epochs
from dashboard.map.table_colours import remember_coreset
from dashboard.shared.downloads import draw_export
from dashboard.shared.links.groups import Group, ask_for, draw_asked_group, draw_linked_pages
from dashboard.shared.links.link_bars import link_bars
from dashboard.shared.messages import draw_error
from dashboard.shared.options import draw_options
from dashboard.shared.score_picker import draw_score_picker
from dashboard.shared.text import as_text
from dashboard.shared.windows.controls import current_choice

NUMBER_HELP = {
    "Left out as suspects": "Samples that the recommended strategy did not choose from, because "
    "early on they looked like another class, as a share of the full training set.",
    "Left out by the noise cut": "Samples with the lowest margin, not chosen from, as a share of "
    "the full training set.",
    "Never learned": "Samples in the coreset, and their share of it, that the network got wrong "
    "in every epoch: hard ones, and the most likely to carry a wrong label.",
    "Not learned early": "Samples in the coreset, and their share of it, that the network got "
    "wrong in most of the first ten epochs. It learns what most labels agree on first and wrong "
    "labels by heart later.",
}
BALANCE_TITLES = {
    "global": "none: as the strategy chooses",
    "proportional": "as in the full set",
    "equal": "equal per class",
}


def draw_page(summary: RunSummary) -> None:
    """Draw the choices on the left, what they give on the right."""
    if not has_epochs(summary):
        return
    left, right = st.columns([32, 68], gap="medium")
    with left:
        choices = _draw_choices(summary)
        remember_coreset(summary, choices)
    with right:
        try:
            version = summary.version
            coreset, score = reads.chosen_coreset(version, choices)
            _draw_result(summary, choices, coreset, score)
        except CoresetError as error:
            draw_error(error)
    draw_asked_group(summary)


def _draw_choices(summary: RunSummary) -> reads.Options:
    """Draw every option of the selection and return them as a cache key."""
    offered = offered_choices(summary)
    strategy = st.selectbox(
        "Strategy",
        list(STRATEGIES),
        index=list(STRATEGIES).index(offered[STRATEGY]),
        format_func=lambda key: STRATEGIES[key].title,
        key=STRATEGY,
        on_change=keep_choice,
        args=(STRATEGY,),
        bind="query-params",
        persist_state="session",
        help="\n\n".join(f"**{s.title}**: {s.summary}" for s in STRATEGIES.values()),
    )
    st.caption(STRATEGIES[strategy].summary)
    explain_offer(summary)
    choices: dict[str, Any] = {"strategy": strategy, "score": None}
    if STRATEGIES[strategy].needs_score:
        choices |= _draw_score_choice(summary)
        choices |= draw_average(summary, strategy)
    choices |= _draw_size(summary, offered[BALANCE])
    if STRATEGIES[strategy].options:
        with st.expander("Options of this strategy"):
            choices["strategy_options"] = draw_options(
                f"coreset:{strategy}", STRATEGIES[strategy].options, summary.epoch
            )
    choices["seed"] = st.number_input(
        "Seed",
        0,
        2**31 - 1,
        0,
        key="coreset-seed",
        persist_state="session",
        help="Decides random choices.",
    )
    return (*choices.items(), *draw_forced(summary))


def _draw_size(summary: RunSummary, usual_balance: str) -> dict[str, Any]:
    """Draw share, class balance and noise cut."""
    percent = st.slider(
        "Share to keep (%)", 1, 100, 10, key="keep", bind="query-params", persist_state="session"
    )
    n_train = len(reads.read_samples(summary.version))
    st.caption(f"{budget(percent / 100, n_train):,} of {n_train:,} training samples")
    balance = st.selectbox(
        "Class balance",
        BALANCES,
        index=BALANCES.index(usual_balance),
        format_func=BALANCE_TITLES.__getitem__,
        key=BALANCE,
        on_change=keep_choice,
        args=(BALANCE,),
        bind="query-params",
        persist_state="session",
        help="With no balance, a small coreset may lose whole classes. The recommended strategy "
        "then keeps the shares of the full set.",
    )
    cut = st.slider(
        "Noise cut (%)",
        0,
        90,
        0,
        key="noise",
        bind="query-params",
        persist_state="session",
        help="First leave out this share of the samples with the lowest margin: those most "
        "likely to carry a wrong label.",
    )
    return {"rate": percent / 100, "balance": balance, "noise_cut": cut / 100}


def _draw_score_choice(summary: RunSummary) -> dict[str, Any]:
    """Draw the score with its options; windows come from the Trajectories page."""
    name, options = draw_score_picker("coreset", summary.epoch)
    if summary.epoch < 2:
        return {"score": name, "score_options": options}
    key = session.windows_key(summary.run_id)
    windows = current_choice(key, session.initial_windows(summary), summary.epoch)
    given = reads.window_options(name, early=windows.early, late=windows.late)
    if given:
        st.caption(f"Windows {windows.early} and {windows.late}, as set on the Trajectories page.")
        session.show_in_url(early=str(windows.early), late=str(windows.late))
    return {"score": name, "score_options": (*given, *options)}


def _draw_result(
    summary: RunSummary, choices: reads.Options, coreset: Coreset, score: ScoreValues | None
) -> None:
    """Draw numbers, composition, downloads and thumbnails of the coreset."""
    run = reads.open_dynamics(summary.version)
    full = np.bincount(run.labels, minlength=run.n_classes)
    kept = np.bincount(run.labels[coreset.indices], minlength=run.n_classes)
    never = reads.never_learned(summary.version)
    late = reads.not_learned_early(summary.version)
    parts = left_out_by_class(coreset.report, run.class_names, full.tolist())
    numbers = {
        "Samples": f"{len(coreset.indices):,}",
        "Classes": f"{int((kept > 0).sum())} of {int((full > 0).sum())}",
        "Never learned": counted(int(never[coreset.indices].sum()), len(coreset.indices)),
        "Not learned early": counted(int(late[coreset.indices].sum()), len(coreset.indices)),
    }
    n_cut = int(coreset.report["noise_cut_samples"])
    if n_cut:
        numbers["Left out by the noise cut"] = counted(n_cut, run.n_samples)
    if parts:
        n_suspects = sum(part.n_left_out for part in parts)
        numbers["Left out as suspects"] = counted(n_suspects, run.n_samples)
    with st.container(horizontal=True, gap="medium"):
        for title, number in numbers.items():
            st.metric(title, number, width="content", help=NUMBER_HELP.get(title))
    _warn_of_lost_classes(run.class_names, full, kept)
    draw_left_out(summary, parts, coreset.report)
    if said := say_forced(dict(coreset.report)):
        st.caption(as_text(f"{said[0].upper()}{said[1:]}."))
    if note := coreset.report.get("note"):
        st.caption(as_text(f"{note[0].upper()}{note[1:]}."))
    if score is not None and score.tie_note:
        st.warning(score.tie_note)
    _draw_downloads(summary, choices)
    _draw_composition(summary, coreset, full, kept)
    draw_quick_check(summary, coreset.indices)
    with st.expander(
        "Compare candidates", key="compare-candidates", expanded=has_candidates(summary)
    ):
        draw_candidates(summary, choices)
    draw_other_seeds(summary, choices)
    order = coreset.indices if score is None else reads.hardest_first(score, coreset.indices)
    draw_linked_pages(
        summary,
        order,
        key="coreset-images",
        title="Images of the coreset" + (", hardest first" if score else ""),
    )


def _draw_composition(summary: RunSummary, coreset: Coreset, full: Any, kept: Any) -> None:
    """Draw the share of each class; a bar shows its images."""
    run = reads.open_dynamics(summary.version)

    def show(klass: int) -> None:
        title = f"{run.class_names[klass]} in the coreset"
        ask_for(Group(title, of_class(coreset.indices, run.labels, klass)))

    st.markdown("**Classes of the coreset**")
    link_bars(
        composition_bars(run.class_names, full.tolist(), kept.tolist()),
        key="composition",
        label="Share of each class in the coreset and in the full training set; each bar shows "
        "its images",
        on_open=show,
    )
    st.caption(
        "Hatched: the full training set. Solid: the coreset; press a bar for its images. A "
        "coreset of only hard samples can do worse than a random one of the same size; compare "
        "before you rely on it."
    )


def _warn_of_lost_classes(class_names: tuple[str, ...], full: Any, kept: Any) -> None:
    """Name the classes that have no sample left."""
    lost = [class_names[k] for k in np.flatnonzero((full > 0) & (kept == 0))]
    if lost:
        st.warning(
            f"No sample left of: {as_text(', '.join(lost))}. A network trained on this coreset "
            "cannot learn them. Choose a class balance or keep more.",
            icon=":material/warning:",
        )


def _draw_downloads(summary: RunSummary, choices: reads.Options) -> None:
    """Draw the ways out: table with provenance, and the forms of other programs."""
    with st.container(horizontal=True):
        draw_export("coreset", "Coreset", lambda: reads.coreset_export(summary, choices))
        draw_other_forms(summary, lambda: reads.coreset_export(summary, choices))
        if dict(choices).get("average") == "scores":
            return  # a comparison scores one run
        draw_benchmark_button(
            summary.run_id,
            choices,
            label="Benchmark this coreset",
            about="Train networks on it and on random coresets of the same size, and compare: "
            "strategy, score, windows, options, seed, balance and noise cut go along.",
        )


draw_heading(
    "Coreset",
    "A coreset is a small part of the training set to train on instead of all of it. Choose how; "
    "see at once what it is made of; take it away with the record of where it comes from.",
    chosen := chosen_run(),
)
if chosen is None:
    draw_no_run()
else:
    try:
        draw_page(chosen)
    except CoresetError as error:
        draw_error(error)
