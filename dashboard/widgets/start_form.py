"""The form that starts a training run in the background."""

from typing import Any

import streamlit as st

from coreset_lib.configs import MODELS, RECORDINGS, TrainingConfig
from coreset_lib.datasets import DatasetInfo
from coreset_lib.errors import CoresetError
from dashboard import data, state
from dashboard.widgets.messages import draw_error

MODEL_TITLES = {
    "small_cnn": "Small CNN (minutes on a laptop)",
    "resnet18": "ResNet-18 (papers; GPU)",
}
RECORDING_TITLES = {
    "minibatch": "while training (EVA; no extra time)",
    "eval_pass": "in a clean pass after each epoch (slower)",
}
STARTED = "started-run"


def draw_start_form() -> None:
    """Draw the form; a started run becomes the chosen one."""
    root = st.text_input(
        "Folder with dataset files",
        key="data-root",
        placeholder="leave empty for the embedded data and ~/.medmnist",
        help="A folder on this computer with .npz files. Nothing is copied or sent anywhere.",
    )
    try:
        infos = data.list_present_datasets(root.strip())
    except CoresetError as error:
        draw_error(error)
        return
    with st.form("start-run", border=False):
        chosen = _draw_fields(infos)
        has_been_sent = st.form_submit_button(
            "Start training", type="primary", icon=":material/play_arrow:"
        )
    if has_been_sent:
        try:
            _start(_configured(chosen, root.strip()))
        except CoresetError as error:
            draw_error(error)


def draw_demo_offer() -> None:
    """Offer the shortest way to a first run: the embedded data, one click."""
    with st.container(border=True):
        text, button = st.columns([4, 1], vertical_alignment="center")
        text.markdown(
            "**New here?** Train a small network on the embedded phantom: 4,000 synthetic "
            "CT-like slices, some with a wrong label. It takes about two minutes on a laptop, "
            "and you can explore while it trains."
        )
        if button.button(
            "Start the demo", type="primary", icon=":material/play_arrow:", width="stretch"
        ):
            _start(data.DEMO)


def _draw_fields(infos: list[DatasetInfo]) -> dict[str, Any]:
    """Draw the options and return what was chosen."""
    titles = {info.name: f"{info.name}: {info.title}" for info in infos}
    first, second, third = st.columns([3, 2, 2])
    chosen: dict[str, Any] = {
        "dataset": first.selectbox("Dataset", list(titles), format_func=lambda n: titles[n]),
        "model": second.selectbox("Network", MODELS, format_func=MODEL_TITLES.__getitem__),
        "epochs": third.number_input("Epochs", 1, 100_000, 60),
    }
    with st.expander("More options"):
        a, b, c, d = st.columns(4)
        chosen |= {
            "batch_size": a.number_input("Batch size", 2, 1_000_000, 256),
            "learning_rate": b.number_input("Learning rate", 0.0001, 10.0, 0.1, format="%.4f"),
            "seed": c.number_input("Seed", 0, 2**31 - 1, 0),
            "device": d.text_input("Device", "auto", help="auto, cpu, cuda, cuda:1 or mps"),
            "recording": st.radio(
                "Record",
                RECORDINGS,
                format_func=lambda r: RECORDING_TITLES[r],
                horizontal=True,
            ),
        }
    return chosen


def _configured(chosen: dict[str, Any], root: str) -> TrainingConfig:
    """Return the training that was asked for."""
    return TrainingConfig(
        **chosen,
        data_root=root or None,
        final_learning_rate=min(1e-4, chosen["learning_rate"]),
    )


def _start(config: TrainingConfig) -> None:
    """Start the run; it becomes the chosen one."""
    with st.spinner("Reading the dataset and starting the training process…"):
        st.session_state[STARTED] = data.start_run(config)
    st.rerun()


def adopt_started_run() -> None:
    """Make a run that was just started the chosen one, before the picker is drawn."""
    run_id = st.session_state.pop(STARTED, None)
    if run_id is not None:
        state.choose_run(run_id)
