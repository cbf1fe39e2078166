"""How long a training will take, measured in the background while the form stays usable."""

import streamlit as st

from coreset_lib.configs import TrainingConfig
from coreset_lib.training.time_estimate import Speed
from dashboard import reads
from dashboard.shared.messages import draw_error
from dashboard.shared.text import as_text, time_in_words

ASKED = "duration-asked"
POLL_SECONDS = 1.0


def ask_for_duration(config: TrainingConfig) -> None:
    """Begin to measure how long a training takes; :func:`draw_duration` tells the answer."""
    reads.start_speed_probe(config)
    st.session_state[ASKED] = config


def draw_duration() -> None:
    """Draw the answer, or that it is being measured; nothing where nobody has asked."""
    config = st.session_state.get(ASKED)
    if config is None:
        return
    probe = reads.speed_probe(config)
    is_under_way = probe is not None and probe.is_under_way
    every = POLL_SECONDS if is_under_way else None
    st.fragment(_draw_answer, run_every=every)(config, is_under_way)


def forget_duration() -> None:
    """Take the answer from the page: what it is about has begun."""
    st.session_state.pop(ASKED, None)


def _draw_answer(config: TrainingConfig, was_under_way: bool) -> None:
    """Draw what is known now; once it is known, the page is drawn anew and stops asking."""
    probe = reads.speed_probe(config)
    if was_under_way and not (probe is not None and probe.is_under_way):
        st.rerun()
    if probe is None:
        return
    what = f"{config.dataset} with {config.model}"
    if probe.is_under_way:
        text = "reading the dataset and training for two seconds…"
    elif probe.speed is None:
        draw_error(f"The duration of {what} is not known: {probe.error}")
        return
    else:
        text = duration_in_words(probe.speed, config.epochs)
    st.caption(f":material/timer: {as_text(f'{what}: {text}')}")


def duration_in_words(speed: Speed, epochs: int) -> str:
    """Say how long so many epochs take, from what was measured."""
    low, high = (time_in_words(seconds) for seconds in speed.training_seconds(epochs))
    span = low if low == high else f"{low} to {high}"
    return (
        f"{epochs} epochs take about {span} on {speed.device}, after reading the data and before "
        f"making the map; measured on {speed.n_measured} updates of {speed.n_batches} an epoch."
    )
