"""Add data: pick a folder or table, see what is in it, and hand it over to training."""

from dataclasses import asdict, replace
from pathlib import Path

import streamlit as st

from coreset_lib.configs import IMAGE_SIZES
from coreset_lib.datasets import DatasetReport
from coreset_lib.datasets.checking.report import LARGEST_IMBALANCE
from coreset_lib.datasets.dataset_list import name_in_list
from coreset_lib.datasets.sources import source_of
from coreset_lib.errors import CoresetError
from dashboard import reads
from dashboard.add_data import preparation
from dashboard.add_data.columns import draw_choices
from dashboard.add_data.report import draw_class_samples, draw_readiness, draw_report
from dashboard.frame import STACKED_WHEN_NARROW, draw_heading, go_to
from dashboard.shared.messages import draw_error
from dashboard.shared.samples.grey_window import choose_grey_window
from dashboard.shared.start.form import hand_over
from dashboard.shared.text import as_text

CHOSEN = "add-data-chosen"
FOUND = "add-data-found"
PATH = "add-data-path"
MOST_FOUND = 20


def draw_page() -> None:
    """Draw the choice on top, the report below."""
    roots = reads.allowed_roots()
    if not roots:
        st.info(
            "No folder was allowed yet. Start the dashboard with "
            "`coreset-lens dashboard --data-root FOLDER`; then what lies in that folder can be "
            "added here, and nothing else on this computer.",
            icon=":material/folder_off:",
        )
        return
    choice = _draw_choice(roots)
    if choice is not None:
        _check(choice)
    job = preparation.find_job(st.session_state.get(CHOSEN))
    if job is None:
        return
    if job.is_running:
        _draw_progress()
    elif job.error:
        draw_error(job.error)
    else:
        _draw_result(job)


def _check(choice: preparation.Choice) -> None:
    """Begin to look at a dataset."""
    preparation.start_job(choice)
    st.session_state[CHOSEN] = choice


def _draw_choice(roots: tuple[Path, ...]) -> preparation.Choice | None:
    """Draw the dataset and how to read it; return them once they shall be checked."""
    first, second = st.columns([2, 3])
    root = first.selectbox(
        "Folder",
        [str(root) for root in roots],
        help="The folders that were allowed when the dashboard was started.",
    )
    below = second.text_input(
        "Folder, table or file in it",
        key=PATH,
        placeholder="a folder with one folder per class, a CSV table, an .npz file",
        help="A folder with one folder of images per class (or train, val, test with such "
        "folders), a CSV table with the columns path and label, or an .npz file with arrays, for "
        "volumes and for any number of labels per image too. Leave empty for the folder itself.",
    )
    found = reads.find_datasets(root)[:MOST_FOUND]
    if found:
        st.pills("Found there", found, key=FOUND, format_func=as_text, on_change=_take_found)
    path = Path(root, below.strip())
    choices = draw_choices(path)
    size, window, button = st.columns([2, 3, 2], vertical_alignment="bottom")
    image_size = size.selectbox(
        "Image size",
        IMAGE_SIZES,
        help="Images of folders and tables are scaled to fit a square of so many pixels; arrays "
        "keep their own size.",
    )
    grey = choose_grey_window(window)
    if button.button(
        "Check this data", type="primary", icon=":material/fact_check:", width="stretch"
    ):
        return preparation.Choice(str(path), image_size, grey, choices)
    return None


def _take_found() -> None:
    """Write the name that was clicked into the field, where it can be changed."""
    st.session_state[PATH] = st.session_state[FOUND] or ""


@st.fragment(run_every=0.7)
def _draw_progress() -> None:
    """Draw how far the preparation is; the page is drawn anew when it ends."""
    job = preparation.find_job(st.session_state.get(CHOSEN))
    if job is None or not job.is_running:
        st.rerun(scope="app")
        return
    if not job.total:
        text = "Looking at the files…"
    elif job.done < job.total:
        text = f"Reading image {job.done:,} of {job.total:,}"
    else:
        text = "Searching for copies…"
    st.progress(job.progress, text=text)


def _draw_result(job: preparation.Job) -> None:
    """Draw the report, the images, and the way on."""
    assert job.report is not None
    assert job.dataset is not None
    st.markdown(f"#### {as_text(job.report.title)}")
    with st.container(key=STACKED_WHEN_NARROW):
        report, images = st.columns(2, gap="large")
    with report:
        draw_readiness(job.report)
        _draw_remedies(job, job.report)
        _draw_hand_over(job, len(job.report.files.bad) if job.report.files else 0)
        draw_report(job.report, job.dataset)
    with images:
        draw_class_samples(job.dataset)


def _draw_remedies(job: preparation.Job, report: DatasetReport) -> None:
    """Draw what one click does about the verdict; the data is then looked at anew."""
    with st.container(horizontal=True):
        if any(report.known.values()) and not job.choice.leave_copies_out:
            st.button(
                "Leave copies out of val and test",
                icon=":material/content_cut:",
                help="Train stays as it is. The choice goes into the run and its fingerprint.",
                on_click=_check,
                args=(replace(job.choice, leave_copies_out=True),),
            )
        if report.suggested_size:
            st.button(
                f"Read at {report.suggested_size} pixels",
                icon=":material/photo_size_select_large:",
                help="Finer than now, and slower to train.",
                on_click=_check,
                args=(replace(job.choice, image_size=report.suggested_size),),
            )


def _draw_hand_over(job: preparation.Job, n_bad: int) -> None:
    """Draw the way to training; bad files are left out only with consent."""
    has_consent = n_bad == 0 or st.checkbox(
        "Leave out the file that cannot be used"
        if n_bad == 1
        else f"Leave out the {n_bad:,} files that cannot be used",
        key=f"skip-bad:{job.choice.path}",
    )
    if st.button(
        "Train on this data",
        type="secondary" if job.report and job.report.readiness == "unfit" else "primary",
        icon=":material/play_arrow:",
        disabled=not has_consent,
        help=None if has_consent else "Mend the files, or agree to leave them out.",
    ):
        path = Path(job.choice.path)
        assert job.dataset is not None
        source = source_of(path)
        has_own_size = source is not None and not source.source.scales_images
        hand_over(
            folder=preparation.folder_of(job.choice),
            dataset=name_in_list(path),
            image_size=job.dataset.image_size[0] if has_own_size else job.choice.image_size,
            grey_window=job.choice.grey_window,
            skip_bad=n_bad > 0,
            n_train=len(job.dataset.train),
            n_channels=job.dataset.n_channels,
            choices={
                **asdict(job.choice.choices),
                "leave_copies_out": job.choice.leave_copies_out,
            },
            class_weighted_loss=bool(
                job.report and job.report.imbalance_ratio >= LARGEST_IMBALANCE
            ),
        )
        go_to("runs")


draw_heading(
    "Add data",
    "Bring in your own images: see what is in them, and what would spoil a result, before any "
    "training. Nothing is copied but a small working copy in the cache, nothing is sent anywhere.",
)
try:
    draw_page()
except CoresetError as error:
    draw_error(error)
