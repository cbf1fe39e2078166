"""The form that starts an honest comparison in the background; it says what that costs first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from coreset_lib import workflows
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.held_out import held_out_note
from coreset_lib.evaluation.plan import REGIMES, Arm, EvaluationPlan
from coreset_lib.evaluation.presets import PRESETS
from coreset_lib.runs.records import Manifest
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores import SCORES
from coreset_lib.selection import BALANCES, STRATEGIES
from dashboard import reads, session
from dashboard.benchmark.carried import (
    CARRIED,
    STUDY,
    arm_of,
    carried_selection,
    selection_in_words,
)
from dashboard.benchmark.cost import draw_cost
from dashboard.shared.messages import draw_error
from dashboard.shared.options import KEPT
from dashboard.shared.start.recipe import draw_recipe, draw_recipe_note
from dashboard.shared.text import as_text
from dashboard.shared.windows.controls import current_choice

OWN_CHOICE = "own choice"
STUDY_TITLES = {
    CARRIED: "The coreset or windows carried over",
    OWN_CHOICE: "Strategies of your choice",
    **{name: f"{preset.title} ({preset.source})" for name, preset in PRESETS.items()},
}
SCORES_TITLES = {name: score.title for name, score in SCORES.items()}
RATES = (1, 2, 5, 10, 20, 25, 30, 50)
USUAL_RATES = (5, 10, 20)
NOISE_CUTS = (0, 10, 20, 30, 50)
MOST_DRAWS, USUAL_DRAWS, USUAL_RANDOM = 30, 3, 6
REGIME_TITLES = {
    "epochs": "same epochs (fewer steps on small coresets; EVA)",
    "iterations": "same steps at every rate (CCS)",
}


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Who is compared: ``find_arms`` may raise CoresetError; shares in percent to begin with."""

    find_arms: Callable[[], Sequence[Arm]]
    rates: tuple[int, ...] = USUAL_RATES
    first_seed: int = 0


def draw_benchmark_form(summary: RunSummary) -> None:
    """Draw the form with what it costs; a started comparison shows below it."""
    manifest = reads.manifest_of(summary.folder)
    contest = _draw_contest(summary)
    make_plan = _draw_size(summary, manifest, contest)
    plan, problem = None, ""
    try:
        plan = make_plan()
    except CoresetError as error:
        problem = str(error)
    if plan is not None:
        draw_cost(plan, reads.store().at(summary.folder))
    if not st.button("Compare", type="primary", icon=":material/play_arrow:"):
        return
    if plan is None:
        st.error(as_text(problem), icon=":material/error:")
        return
    try:
        reads.start_evaluation(plan)
    except CoresetError as error:
        draw_error(error)
        return
    if manifest.is_recorded and held_out_note(manifest.dataset):
        st.toast(held_out_note(manifest.dataset))
    st.toast("Started. Finished trainings are never done again.")
    st.rerun()


def _draw_contest(summary: RunSummary) -> Contest:
    """Draw what is compared: carried over, chosen here, or a study."""
    carried = carried_selection(summary.run_id)
    known = [*([] if carried is None else [CARRIED]), OWN_CHOICE, *PRESETS]
    if st.session_state.get(STUDY) not in known:
        st.session_state.pop(STUDY, None)
    study = st.selectbox(
        "What to compare",
        known,
        format_func=lambda name: STUDY_TITLES.get(str(name), str(name)),
        key=STUDY,
        persist_state=KEPT,
        help="Studies compare what a paper compared, on your data.",
    )
    if study == CARRIED and carried is not None:
        st.caption(as_text(selection_in_words(carried)))
        return Contest(
            find_arms=lambda: (arm_of(carried),),
            rates=(round(100 * carried.rate),),
            first_seed=carried.seed,
        )
    if study == OWN_CHOICE:
        return Contest(find_arms=_draw_arms(summary))
    preset = PRESETS[study]
    st.caption(f"{preset.title}, as in {preset.source}.")
    return Contest(
        find_arms=lambda: preset.arms(summary.epochs),
        rates=tuple(round(100 * rate) for rate in preset.rates),
    )


def _draw_size(
    summary: RunSummary, manifest: Manifest, contest: Contest
) -> Callable[[], EvaluationPlan]:
    """Draw shares, draws and target network, and say how to make the plan of them."""
    first, second, third = st.columns(3)
    rates = first.multiselect(
        "Shares to keep (%)",
        sorted({*RATES, *contest.rates}),
        contest.rates,
        **_kept("compare-shares", of="" if contest.rates == USUAL_RATES else str(contest.rates)),
    )
    seeds = second.slider(
        "Draws of each strategy",
        1,
        MOST_DRAWS,
        USUAL_DRAWS,
        **_kept("compare-draws"),
        help="Each draw trains a network of its own. More draws, narrower intervals.",
    )
    n_random = third.slider(
        "Draws of random",
        1,
        MOST_DRAWS,
        USUAL_RANDOM,
        **_kept("compare-random-draws"),
        help="All strategies are judged by the same random coresets: more of them pay twice.",
    )
    draw_recipe_note(manifest)
    with st.expander("Target network", expanded=manifest.is_recorded):
        recipe = draw_recipe(manifest, *st.columns(2))
        regime = st.radio(
            "Length", REGIMES, format_func=REGIME_TITLES.__getitem__, **_kept("compare-length")
        )
    choices: dict[str, Any] = {
        "rates": tuple(sorted(rate / 100 for rate in rates)),
        "n_seeds": seeds,
        "n_random": None if n_random == seeds else n_random,
        "first_seed": contest.first_seed,
        "model": recipe.model,
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "recipe": recipe.more,
        "regime": regime,
    }
    run = reads.store().at(summary.folder)
    return lambda: workflows.evaluation_plan(run, contest.find_arms(), **choices)


def _kept(name: str, *, of: str = "") -> dict[str, Any]:
    """Say that a choice outlives another page, and in the address a reload too.

    Parameters
    ----------
    name : str
    of : str
        What it belongs to, where there are several of its kind; these are not in the address.
    """
    return (
        {"key": f"{name}:{of}", "persist_state": KEPT}
        if of
        else {"key": name, "bind": "query-params", "persist_state": KEPT}
    )


def _draw_arms(summary: RunSummary) -> Callable[[], Sequence[Arm]]:
    """Draw the choice of strategies and their options."""
    first, second = st.columns(2)
    strategies = first.multiselect(
        "Strategies",
        [name for name in STRATEGIES if name != "random"],
        ["recommended", "top"],
        format_func=lambda name: STRATEGIES[name].title,
        **_kept("compare-strategies"),
        help="Random coresets of the same size are always trained beside them.",
    )
    scores = second.multiselect(
        "Scores, for the strategies that use one",
        list(SCORES),
        ["eva"],
        format_func=SCORES_TITLES.__getitem__,
        **_kept("compare-scores"),
    )
    cuts = first.multiselect(
        "Noise cuts to try (%)",
        NOISE_CUTS,
        [0, 30],
        **_kept("compare-cuts"),
        help="The best on the validation split is taken; test plays no part in it.",
    )
    balance = second.selectbox("Class balance", BALANCES, index=1, **_kept("compare-balance"))
    windows = _windows(summary, strategies, scores)
    return lambda: reads.make_arms(
        strategies, scores, balance, [cut / 100 for cut in cuts], [windows]
    )


def _windows(
    summary: RunSummary, strategies: Sequence[str], scores: Sequence[str]
) -> dict[str, str]:
    """Return the windows of the Trajectories page, and say so, where a score reads them."""
    is_ranked = any(STRATEGIES[name].needs_score for name in strategies)
    if summary.epoch < 2 or not is_ranked:
        return {}
    key = session.windows_key(summary.run_id)
    choice = current_choice(key, session.initial_windows(summary), summary.epoch)
    windows = {"early": str(choice.early), "late": str(choice.late)}
    if any(name in SCORES[score].options for score in scores for name in windows):
        st.caption(f"Windows {choice.early} and {choice.late}, as set on the Trajectories page.")
    return windows
