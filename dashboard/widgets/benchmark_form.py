"""The form that starts an honest comparison in the background."""

import streamlit as st

from coreset_lib.configs import MODELS
from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.plan import REGIMES, EvaluationPlan
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores import SCORES
from coreset_lib.selection import BALANCES, STRATEGIES
from dashboard import data
from dashboard.widgets.messages import draw_error

RATES = (1, 2, 5, 10, 20, 30, 50)
NOISE_CUTS = (0, 10, 20, 30, 50)
REGIME_TITLES = {
    "epochs": "same epochs (fewer steps on small coresets; EVA)",
    "iterations": "same steps at every rate (CCS)",
}


def draw_benchmark_form(summary: RunSummary) -> None:
    """Draw the form; a started comparison shows below it."""
    manifest = data.manifest_of(summary.folder)
    with st.form("benchmark", border=False):
        first, second = st.columns(2)
        strategies = first.multiselect(
            "Strategies",
            [name for name in STRATEGIES if name != "random"],
            ["top", "diversity"],
            format_func=lambda name: STRATEGIES[name].title,
            help="Random coresets of the same size are always trained beside them.",
        )
        scores = second.multiselect(
            "Scores, for the strategies that use one",
            list(SCORES),
            ["eva"],
            format_func=SCORES_TITLES.__getitem__,
        )
        rates = first.multiselect("Shares to keep (%)", RATES, [5, 10, 20])
        balance = second.selectbox("Class balance", BALANCES, index=1)
        cuts = first.multiselect(
            "Noise cuts to try (%)",
            NOISE_CUTS,
            [0, 30],
            help="The best on the validation split is taken; test plays no part in it.",
        )
        seeds = second.slider("Paired seeds", 1, 10, 3, help="More seeds, narrower intervals.")
        with st.expander("Target network"):
            model = st.selectbox("Network", MODELS, index=MODELS.index(manifest.config["model"]))
            epochs = st.number_input("Epochs", 1, 100_000, int(manifest.config["epochs"]))
            regime = st.radio("Length", REGIMES, format_func=REGIME_TITLES.__getitem__)
        has_been_sent = st.form_submit_button(
            "Compare", type="primary", icon=":material/play_arrow:"
        )
    if not has_been_sent:
        return
    try:
        plan = EvaluationPlan(
            run_id=summary.run_id,
            arms=tuple(data.make_arms(strategies, scores, balance, [cut / 100 for cut in cuts])),
            rates=tuple(sorted(rate / 100 for rate in rates)),
            n_seeds=seeds,
            model=model,
            epochs=int(epochs),
            batch_size=int(manifest.config["batch_size"]),
            regime=regime,
        )
        data.start_evaluation(plan)
    except CoresetError as error:
        draw_error(error)
        return
    n_cells = sum(1 for _ in plan.cells())
    st.toast(f"Started: {n_cells} trainings. Finished ones are never done again.")


SCORES_TITLES = {name: score.title for name, score in SCORES.items()}
