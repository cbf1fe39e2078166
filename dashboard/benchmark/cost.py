"""How many networks a comparison trains, and how long that takes, before it is started."""

import streamlit as st

from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.plan import EvaluationPlan
from coreset_lib.runs.store import Run
from dashboard import reads
from dashboard.shared.messages import draw_error
from dashboard.shared.text import as_text

POLL_SECONDS = 1.0


def draw_cost(plan: EvaluationPlan, run: Run) -> None:
    """Draw trainings and time; the time once somebody has asked for a measurement."""
    recipe = plan.recipe_on_all(run)
    probe = reads.speed_probe(recipe)
    is_under_way = probe is not None and probe.is_under_way
    if is_under_way:
        st.fragment(_draw_measuring, run_every=POLL_SECONDS)(recipe)
        return
    row = st.container(horizontal=True, vertical_alignment="center")
    row.markdown(f":material/timer: {as_text(reads.comparison_cost(plan).in_words())}")
    if probe is not None and probe.error is not None:
        row.caption(as_text(f"How long it takes is not known: {probe.error}"))
    if probe is None and row.button(
        "How long does it take?",
        icon=":material/speed:",
        help="Trains such a network for two seconds on this computer and throws it away.",
    ):
        try:
            reads.start_speed_probe(recipe)
        except CoresetError as error:
            draw_error(error)
            return
        st.rerun()


def _draw_measuring(recipe: TrainingConfig) -> None:
    """Draw that it is being measured; the page is drawn anew once it is known."""
    probe = reads.speed_probe(recipe)
    if probe is None or not probe.is_under_way:
        st.rerun()
    st.caption(":material/timer: reading the dataset and training for two seconds…")
