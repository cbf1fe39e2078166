"""The form that starts an honest comparison in the background."""

from collections.abc import Callable, Sequence

import streamlit as st

from coreset_lib import workflows
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.held_out import held_out_note
from coreset_lib.evaluation.plan import REGIMES, Arm
from coreset_lib.evaluation.presets import PRESETS
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores import SCORES
from coreset_lib.selection import BALANCES, STRATEGIES
from dashboard import reads
from dashboard.shared.messages import draw_error
from dashboard.shared.start.recipe import draw_recipe, draw_recipe_note

FindArms = Callable[[], Sequence[Arm]]

OWN_CHOICE = "own choice"
STUDY_TITLES = {
    OWN_CHOICE: "Strategies of your choice",
    **{name: f"{preset.title} ({preset.source})" for name, preset in PRESETS.items()},
}
RATES = (1, 2, 5, 10, 20, 25, 30, 50)
NOISE_CUTS = (0, 10, 20, 30, 50)
REGIME_TITLES = {
    "epochs": "same epochs (fewer steps on small coresets; EVA)",
    "iterations": "same steps at every rate (CCS)",
}


def draw_benchmark_form(summary: RunSummary) -> None:
    """Draw the form; a started comparison shows below it."""
    manifest = reads.manifest_of(summary.folder)
    study = st.selectbox(
        "What to compare",
        [OWN_CHOICE, *PRESETS],
        format_func=lambda name: STUDY_TITLES.get(str(name), str(name)),
        help="Studies compare what a paper compared, on your data.",
    )
    with st.form(f"benchmark-{study}", border=False):
        find_arms = _draw_arms() if study == OWN_CHOICE else _arms_of(study, summary.epochs)
        first, second = st.columns(2)
        usual = (5, 10, 20)
        if study != OWN_CHOICE:
            usual = tuple(round(100 * rate) for rate in PRESETS[study].rates)
        rates = first.multiselect("Shares to keep (%)", RATES, usual)
        seeds = second.slider("Paired seeds", 1, 10, 3, help="More seeds, narrower intervals.")
        draw_recipe_note(manifest)
        with st.expander("Target network", expanded=manifest.is_recorded):
            recipe = draw_recipe(manifest, *st.columns(2))
            regime = st.radio("Length", REGIMES, format_func=REGIME_TITLES.__getitem__)
        has_been_sent = st.form_submit_button(
            "Compare", type="primary", icon=":material/play_arrow:"
        )
    if not has_been_sent:
        return
    try:
        plan = workflows.evaluation_plan(
            reads.store().at(summary.folder),
            find_arms(),
            rates=tuple(sorted(rate / 100 for rate in rates)),
            n_seeds=seeds,
            model=recipe.model,
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            recipe=recipe.more,
            regime=regime,
        )
        reads.start_evaluation(plan)
    except CoresetError as error:
        draw_error(error)
        return
    if manifest.is_recorded and held_out_note(manifest.dataset):
        st.toast(held_out_note(manifest.dataset))
    n_cells = sum(1 for _ in plan.cells())
    st.toast(f"Started: {n_cells} trainings. Finished ones are never done again.")
    st.rerun()


def _draw_arms() -> FindArms:
    """Draw the choice of strategies and their options."""
    first, second = st.columns(2)
    strategies = first.multiselect(
        "Strategies",
        [name for name in STRATEGIES if name != "random"],
        ["recommended", "top"],
        format_func=lambda name: STRATEGIES[name].title,
        help="Random coresets of the same size are always trained beside them.",
    )
    scores = second.multiselect(
        "Scores, for the strategies that use one",
        list(SCORES),
        ["eva"],
        format_func=SCORES_TITLES.__getitem__,
    )
    cuts = first.multiselect(
        "Noise cuts to try (%)",
        NOISE_CUTS,
        [0, 30],
        help="The best on the validation split is taken; test plays no part in it.",
    )
    balance = second.selectbox("Class balance", BALANCES, index=1)
    return lambda: reads.make_arms(strategies, scores, balance, [cut / 100 for cut in cuts])


def _arms_of(study: str, n_epochs: int) -> FindArms:
    """Say what a study compares."""
    st.caption(f"{PRESETS[study].title}, as in {PRESETS[study].source}.")
    return lambda: PRESETS[study].arms(n_epochs)


SCORES_TITLES = {name: score.title for name, score in SCORES.items()}
