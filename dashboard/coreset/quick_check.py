"""The quick check of a coreset: a linear probe beside random ones, named for what it is."""

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from dashboard import reads
from dashboard.shared.messages import draw_error

EXPLANATION = (
    "A linear probe: a straight-line classifier on the surrogate's last layer, fitted on the "
    "coreset and judged on the validation split, beside ten class-balanced random coresets of the "
    "same size. It takes a second and is a hint, not a proof: the surrogate has seen all training "
    "images. Compared with real trainings on six datasets, it ranked coresets much alike on four, "
    "less on one, and the wrong way round on the smallest. Only training networks on the coresets "
    "tells (Benchmark)."
)


def draw_quick_check(summary: RunSummary, choices: reads.Options) -> None:
    """Draw the probe's answer for the chosen coreset, or why there is none."""
    st.markdown("**Quick check** (linear probe, validation split)", help=EXPLANATION)
    try:
        result = reads.probe_coreset(summary.version, choices)
    except CoresetError as error:
        draw_error(error)
        return
    if result is None:
        st.caption(
            "The quick check needs the embedding of both splits. A run has it once it is finished; "
            "ensembles and runs of an older version have none."
        )
        return
    difference = result.coreset.accuracy - result.random_mean
    left, middle, right = st.columns(3)
    left.metric(
        "Accuracy of the probe",
        f"{100 * result.coreset.accuracy:.1f} %",
        f"{100 * difference:+.1f} points to random",
    )
    middle.metric(
        "Random, same size",
        f"{100 * result.random_mean:.1f} %",
        f"± {100 * result.random_deviation:.1f} (10 draws)",
        delta_color="off",
        delta_arrow="off",
    )
    right.metric("Balanced accuracy", f"{100 * result.coreset.balanced_accuracy:.1f} %")
    if difference < -2 * result.random_deviation:
        st.warning(
            "By this check the coreset is clearly worse than a random one of the same size.",
            icon=":material/trending_down:",
        )
