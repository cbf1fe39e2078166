"""The form that starts a training run in the background."""

from typing import Any

import streamlit as st

from coreset_lib.configs import (
    AUGMENTATIONS,
    DEMO,
    NO_LABEL_NOISE,
    PRECISIONS,
    RECORDINGS,
    TrainingConfig,
    high_noise_warning,
)
from coreset_lib.datasets import DatasetInfo
from coreset_lib.datasets.checking.suggestion import safe_augmentation, suggest_training
from coreset_lib.datasets.files.grey_window import FROM_FILE
from coreset_lib.errors import CoresetError
from coreset_lib.networks import NETWORKS, networks_for
from dashboard import reads, session
from dashboard.shared.messages import draw_error
from dashboard.shared.samples.grey_window import choose_grey_window
from dashboard.shared.start.duration import ask_for_duration, draw_duration, forget_duration
from dashboard.shared.start.labels import LABEL_TABLE, draw_label_options
from dashboard.shared.text import as_text

RECORDING_TITLES = {
    "minibatch": "while training (EVA; no extra time)",
    "eval_pass": "in a clean pass after each epoch (slower)",
}
AUGMENTATION_TITLES = {
    "none": "no",
    "shift": "move by up to 2 pixels",
    "mirror": "mirror along each side",
}
PRECISION_TITLES = {
    "auto": "bfloat16 on CUDA, float32 elsewhere",
    "float32": "float32 everywhere",
    "bfloat16": "bfloat16, on a CPU too (faster where it has units for it)",
}
STARTED = "started-run"
FOLDER = "data-root"
DATASET = "start-dataset"
READING = "start-reading"
HANDED_OVER = "start-handed-over"
EVENT_FILES = "event_files"
N_RUNS = "n_runs"
MOST_RUNS = 20


def draw_start_form() -> None:
    """Draw the form; a started run becomes the chosen one."""
    root = st.text_input(
        "Folder with dataset files",
        key=FOLDER,
        placeholder="leave empty for the embedded data and ~/.medmnist",
        help="A folder on this computer with image folders, CSV tables or .npz files, below one "
        "that was allowed with `coreset-lens dashboard --data-root`. Nothing is sent anywhere.",
    )
    try:
        infos = reads.list_present_datasets(root.strip())
    except CoresetError as error:
        draw_error(error)
        return
    info = _draw_dataset(infos)
    with st.form("start-run", border=False):
        chosen = {"dataset": info.name, **_draw_fields(info)}
        with_event_files, n_runs = bool(chosen.pop(EVENT_FILES)), int(chosen.pop(N_RUNS))
        row = st.container(horizontal=True)
        has_been_sent = row.form_submit_button(
            "Start training", type="primary", icon=":material/play_arrow:"
        )
        is_asked = row.form_submit_button(
            "How long will it take?",
            icon=":material/timer:",
            help="Trains for two seconds in the background and throws the result away.",
        )
        is_prepared = row.form_submit_button(
            "Prepare only",
            icon=":material/inventory_2:",
            help="Creates the run without training it, to be trained on a cluster: its Slurm "
            "script is then above the curves.",
        )
    try:
        if is_prepared:
            _prepare(_configured(chosen, root.strip()))
        if has_been_sent:
            config = _configured(chosen, root.strip())
            _start(config, n_runs=n_runs, with_event_files=with_event_files)
        if is_asked:
            ask_for_duration(_configured(chosen, root.strip()))
    except CoresetError as error:
        draw_error(error)
    draw_duration()


def hand_over(
    *,
    folder: str,
    dataset: str,
    image_size: int,
    grey_window: str,
    skip_bad: bool,
    n_train: int,
    n_channels: int,
    choices: dict[str, Any] | None = None,
    class_weighted_loss: bool = False,
) -> None:
    """Fill the form from another page: the dataset, what is known, how it is to be read."""
    st.session_state[HANDED_OVER] = True
    st.session_state[FOLDER] = folder
    st.session_state[DATASET] = dataset
    st.session_state[READING] = {
        "folder": folder,
        "dataset": dataset,
        "image_size": image_size,
        "grey_window": grey_window,
        "skip_bad": skip_bad,
        "n_train": n_train,
        "n_channels": n_channels,
        "choices": choices or {},
        "class_weighted_loss": class_weighted_loss,
    }


def is_handed_over() -> bool:
    """Whether another page has filled the form and nothing was started since."""
    return HANDED_OVER in st.session_state


def draw_demo_offer() -> None:
    """Offer the shortest way to a first run: the embedded data, one click."""
    with st.container(border=True):
        st.markdown(
            "**New here?** Train a small network on the embedded phantom: 4,000 synthetic "
            "CT-like slices, some with a wrong label. It takes about two minutes on a laptop, "
            "and you can explore while it trains."
        )
        if st.button("Start the demo", type="primary", icon=":material/play_arrow:"):
            _start(DEMO)


def _draw_dataset(infos: list[DatasetInfo]) -> DatasetInfo:
    """Draw the choice of the dataset; outside the form, so that suggestions follow it."""
    by_name = {info.name: info for info in infos}
    if st.session_state.get(DATASET) not in by_name:
        st.session_state.pop(DATASET, None)
    name = st.selectbox(
        "Dataset",
        list(by_name),
        format_func=lambda n: f"{n}: {by_name[n].title}",
        key=DATASET,
    )
    return by_name[name]


def _draw_fields(info: DatasetInfo) -> dict[str, Any]:
    """Draw the options, beginning with what suits the dataset, and return what was chosen."""
    reading = _reading(info)
    size = reading.get("image_size", min(info.present_sizes, default=28))
    suggestion = suggest_training(
        info.split_sizes[0] or reading.get("n_train", 0),
        size,
        n_channels=info.n_channels or reading.get("n_channels", 3),
        has_gpu=reads.has_gpu(),
        is_volumetric=info.is_volumetric,
    )
    fields = suggestion.fields
    networks = networks_for(int(info.is_volumetric))
    first, second = st.columns([3, 2])
    model = first.selectbox(
        "Network",
        networks,
        index=networks.index(fields["model"]),
        format_func=lambda name: NETWORKS[name].title,
        help="\n\n".join(
            [suggestion.reason]
            + [f"**{n.title}**: {n.summary} ({n.source})" for n in map(NETWORKS.get, networks) if n]
        ),
    )
    epochs = second.number_input("Epochs", 1, 100_000, fields["epochs"], help=suggestion.reason)
    with st.expander("More options"):
        more = {
            **_draw_training_options(info, fields, reading),
            **_draw_reading_options(info, reading),
            **draw_label_options(),
        }
    choices = reading.get("choices", {})
    _draw_kept_choices(choices)
    return {"model": model, "epochs": epochs, **more, **choices}


def _draw_kept_choices(choices: dict[str, Any]) -> None:
    """Say how the dataset is read as it was chosen on the page where it was added."""
    words = [
        name.replace("_", " ") + ("" if value is True else f" {as_text(str(value))}")
        for name, value in choices.items()
        if value
    ]
    if words:
        st.caption(f"Read as chosen when the data was added: {', '.join(words)}.")


def _draw_training_options(
    info: DatasetInfo, fields: dict[str, Any], reading: dict[str, Any]
) -> dict[str, Any]:
    """Draw how to train; only what is safe for the dataset."""
    augmentations = [kind for kind in AUGMENTATIONS if kind != "mirror" or not info.has_sides]
    a, b, c, d, e = st.columns(5)
    return {
        N_RUNS: e.number_input(
            "Runs",
            1,
            MOST_RUNS,
            1,
            help="With so many seeds, counted from this one. They wait for one another; once all "
            "are finished they can be averaged here, and Trajectories says how stable a rank is.",
        ),
        "batch_size": a.number_input("Batch size", 2, 1_000_000, fields["batch_size"]),
        "learning_rate": b.number_input(
            "Learning rate", 0.0001, 10.0, fields["learning_rate"], format="%.4f"
        ),
        "seed": c.number_input("Seed", 0, 2**31 - 1, 0),
        "device": d.text_input("Device", "auto", help="auto, cpu, cuda, cuda:1 or mps"),
        "recording": st.radio(
            "Record", RECORDINGS, format_func=lambda r: RECORDING_TITLES[r], horizontal=True
        ),
        "class_weighted_loss": st.checkbox(
            "Every class has the same say in the loss",
            reading.get("class_weighted_loss", False),
            help="For data where one class has many times more images than another.",
        ),
        "augmentation": st.selectbox(
            "Change training images on the way",
            augmentations,
            format_func=AUGMENTATION_TITLES.__getitem__,
            help=f"Off in the papers. For this dataset {safe_augmentation(info.has_sides)}.",
        ),
        "precision": st.selectbox(
            "Precision",
            PRECISIONS,
            format_func=PRECISION_TITLES.__getitem__,
            help="float32 and bfloat16 give slightly different scores; compare runs of one kind.",
        ),
        "record_vog": st.checkbox(
            "Record the variance of gradients (score VOG; slower)",
            help="How much the gradient of the loss with respect to what enters the last layer "
            "changes from epoch to epoch. Only with it can samples be ranked by VOG.",
        ),
        EVENT_FILES: st.checkbox(
            "Write event files for TensorBoard too",
            help="Into the run's folder; needs the package tensorboard.",
        ),
    }


def _draw_reading_options(info: DatasetInfo, reading: dict[str, Any]) -> dict[str, Any]:
    """Draw how to read files and 16-bit arrays; the size where there is a choice."""
    sizes, chosen = list(info.present_sizes), dict[str, Any]()
    a, b, c = st.columns([1, 1, 2], vertical_alignment="bottom")
    if len(sizes) > 1:
        start = sizes.index(reading["image_size"]) if reading else 0
        chosen["image_size"] = a.selectbox("Image size", sizes, index=start)
    elif sizes and len(info.available_sizes) > 1:
        # A published set that is here in one size only; arrays of one's own have just theirs.
        chosen["image_size"] = sizes[0]
    has_files = info.split_sizes == (0, 0, 0)
    if has_files or info.is_wide:
        chosen["grey_window"] = choose_grey_window(b, reading.get("grey_window", FROM_FILE))
    if has_files:
        chosen["skip_bad"] = c.checkbox(
            "Leave out files that cannot be used", reading.get("skip_bad", False)
        )
    return chosen


def _reading(info: DatasetInfo) -> dict[str, Any]:
    """Return how another page wants this dataset to be read, if it does."""
    given = st.session_state.get(READING, {})
    is_meant = given.get("dataset") == info.name and given.get("folder") == st.session_state[FOLDER]
    return given if is_meant else {}


def _configured(chosen: dict[str, Any], root: str) -> TrainingConfig:
    """Return the training that was asked for."""
    table = chosen.pop(LABEL_TABLE)
    if table is not None:
        digest, said = reads.keep_label_table(table.getvalue(), table.name)
        chosen["labels"] = digest
        st.toast(as_text(f"{table.name}: {said}"), icon=":material/label:")
    if chosen["label_noise"] == NO_LABEL_NOISE:
        chosen["label_noise_rate"] = 0.0
    warning = high_noise_warning(chosen["label_noise"], chosen["label_noise_rate"])
    if warning:
        st.toast(warning, icon=":material/warning:", duration="long")
    return TrainingConfig(
        **chosen,
        data_root=root or None,
        final_learning_rate=min(1e-4, chosen["learning_rate"]),
    )


def _start(config: TrainingConfig, *, n_runs: int = 1, with_event_files: bool = False) -> None:
    """Start the run, or several with other seeds; the first becomes the chosen one."""
    with st.spinner("Reading the dataset and starting the training process…"):
        st.session_state[STARTED] = reads.start_run(
            config, n_runs=n_runs, with_event_files=with_event_files
        )
    _forget_form()
    st.rerun()


def _prepare(config: TrainingConfig) -> None:
    """Create the run without training it; it becomes the chosen one."""
    with st.spinner("Reading the dataset…"):
        st.session_state[STARTED] = reads.prepare_run(config)
    _forget_form()
    st.rerun()


def _forget_form() -> None:
    """Leave what was filled in and asked for behind: it has become a run."""
    st.session_state.pop(HANDED_OVER, None)
    forget_duration()


def announce_run(run_id: str) -> None:
    """Make a run the chosen one as soon as the page is drawn anew."""
    st.session_state[STARTED] = run_id


def adopt_started_run() -> None:
    """Make a run that was just started the chosen one, before the picker is drawn."""
    run_id = st.session_state.pop(STARTED, None)
    if run_id is not None:
        session.choose_run(run_id)
