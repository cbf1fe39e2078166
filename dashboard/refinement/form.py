"""The form that starts a refinement in the background: few fields, the rest folded away."""

from typing import Any

import streamlit as st

from coreset_lib import workflows
from coreset_lib.errors import CoresetError
from coreset_lib.refinement.plan import RefinementPlan
from coreset_lib.refinement.queries import QUERIES
from coreset_lib.runs.summary import RunSummary
from dashboard import reads
from dashboard.refinement import data as refinement_data
from dashboard.shared.messages import draw_error
from dashboard.shared.start.recipe import draw_recipe, draw_recipe_note
from dashboard.shared.text import as_text

QUERY_TITLES = {
    "entropy": "entropy (most undecided between all classes)",
    "least_confidence": "least confidence",
    "margin": "margin (most undecided between two classes)",
    "bald": "BALD (networks that are sure of different classes)",
    "k_center": "k-center (unlike all that is trusted)",
    "random": "random",
}
EXPERT_TITLES = {
    "simulated": "simulated, answers with the true label",
    "people": "people, on the Review page",
}
ESTIMATE, GIVE = "estimated from the run", "given here"
RAMP = 10
USUAL_SHARE_WRONG = 20.0


def draw_refinement_form(summary: RunSummary) -> None:
    """Draw the form; a started refinement shows below it."""
    try:
        plan, problem = _draw_plan(summary), None
        st.caption(as_text(refinement_data.cost_in_words(summary, plan)))
        warning = workflows.refinement_warning(plan, cache=reads.store().cache)
        if warning:
            st.warning(warning)
    except CoresetError as error:
        plan, problem = None, error
    if not st.button("Start", type="primary", icon=":material/play_arrow:", key="refine-start"):
        return
    try:
        if plan is None:
            assert problem is not None
            raise problem
        refinement_data.start(plan)
    except CoresetError as error:
        draw_error(error)
        return
    st.toast("Started. Finished steps are never done again.")
    st.rerun()


def _draw_plan(summary: RunSummary) -> RefinementPlan:
    """Draw all fields and return what they stand for; raises CoresetError."""
    manifest = reads.manifest_of(summary.folder)
    expert = _draw_expert(summary)
    asking, budgeting, splitting = st.columns([3, 1, 1])
    with asking:
        queries = _draw_queries(expert)
    n_train = manifest.dataset.n_train
    budget = budgeting.number_input(
        "Budget (labels)",
        0,
        n_train,
        max(n_train // 10, min(4, n_train)),
        help="Labels that the expert gives in all rounds together. At first a tenth of the images.",
    )
    rounds = splitting.number_input(
        "Rounds", 0, 1000, 4, help="0 only judges the labels and trains on those called right."
    )
    draw_recipe_note(manifest)
    with st.expander("More options", expanded=manifest.is_recorded):
        more = _draw_more(summary, expert)
    return workflows.refinement_plan(
        reads.store().at(summary.folder),
        queries=queries,
        budget=int(budget),
        n_rounds=int(rounds),
        expert=expert,
        **more,
    )


def _draw_expert(summary: RunSummary) -> str:
    """Draw who answers; nobody can be simulated where the truth is unknown."""
    if refinement_data.knows_truth(summary):
        chosen = st.radio(
            "Expert",
            list(EXPERT_TITLES),
            format_func=EXPERT_TITLES.__getitem__,
            horizontal=True,
            help="A simulated expert shows whether refinement would pay; two random references "
            "come along.",
        )
        return str(chosen)
    st.caption(
        "People answer, on the Review page: nobody knows the true labels of this run. To try with "
        "a simulated expert, train a run with labels spoilt on purpose "
        "(`coreset-lens train … --label-noise symmetric:0.2`)."
    )
    return "people"


def _draw_queries(expert: str) -> tuple[str, ...]:
    """Draw the query strategies: people answer for one."""
    if expert == "people":
        chosen = st.selectbox(
            "Ask first about", list(QUERIES), format_func=QUERY_TITLES.__getitem__
        )
        return (str(chosen),)
    chosen = st.multiselect(
        "Ask first about",
        [name for name in QUERIES if name != "random"],
        ["entropy"],
        format_func=QUERY_TITLES.__getitem__,
        help="Random queries always come along: among the labels called wrong, and among all.",
    )
    return tuple(chosen) or ("random",)


def _draw_more(summary: RunSummary, expert: str) -> dict[str, Any]:
    """Draw what rarely needs a change."""
    manifest = reads.manifest_of(summary.folder)
    first, second = st.columns(2)
    n_seeds = 1
    if expert == "simulated":
        n_seeds = first.slider("Seeds", 1, 10, 3, help="More seeds, narrower intervals.")
    recipe = draw_recipe(manifest, first, second)
    epochs = recipe.epochs
    ramp = second.number_input(
        "Epochs of the ramp",
        1,
        100_000,
        RAMP if epochs > RAMP else max(int(epochs) // 2, 1),
        help="Over these epochs the two networks leave out more and more labels, up to the noise "
        "rate.",
    )
    with first:
        noise_rate = _draw_noise_rate(summary)
    vog_share = second.slider(
        "VOG share",
        0.0,
        1.0,
        0.2,
        0.05,
        help="Share of the trusted samples that is chosen by small variance of gradients instead "
        "of small loss. The paper means it to keep rightly labelled samples of rare classes; in "
        "our study it did not (docs/refinement.md).",
    )
    return {
        "seeds": tuple(range(n_seeds)),
        "model": recipe.model,
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "recipe": recipe.more,
        "ramp_epochs": int(ramp),
        "noise_rate": noise_rate,
        "vog_share": float(vog_share),
    }


def _draw_noise_rate(summary: RunSummary) -> float | None:
    """Draw what share of the labels is thought to be wrong; None: to be estimated."""
    if refinement_data.can_estimate(summary):
        how = st.radio("Share of wrong labels", [ESTIMATE, GIVE], horizontal=True)
        if how == ESTIMATE:
            return None
    else:
        st.caption("This run recorded no probabilities to estimate the share of wrong labels from.")
    given = st.number_input("Wrong labels (%)", 0.0, 99.0, USUAL_SHARE_WRONG, 1.0)
    return given / 100
