"""Add data: pick a folder or table, see what is in it, and hand it over to training."""

from dataclasses import asdict, replace
from pathlib import Path

import streamlit as st

from coreset_lib.datasets import DatasetReport
from coreset_lib.datasets.checking.report import LARGEST_IMBALANCE
from coreset_lib.datasets.dataset_list import name_in_list
from coreset_lib.datasets.files.grey_window import FULL_RANGE
from coreset_lib.datasets.sources import source_of
from coreset_lib.errors import CoresetError
from coreset_lib.workflows.permission import check_permission
from dashboard import reads
from dashboard.add_data import bringing, preparation
from dashboard.add_data.bringing import PATH, ROOT
from dashboard.add_data.columns import draw_choices, draw_size
from dashboard.add_data.report import draw_class_samples, draw_readiness, draw_report
from dashboard.frame import STACKED_WHEN_NARROW, draw_heading, go_to
from dashboard.shared.messages import draw_error
from dashboard.shared.samples.grey_window import choose_grey_window
from dashboard.shared.start.form import hand_over
from dashboard.shared.text import as_text

CHOSEN = "add-data-chosen"
FOUND = "add-data-found"
MOST_FOUND = 20


def draw_page() -> None:
    """Draw the choice on top, the report below."""
    roots = bringing.roots()
    bringing.draw_bringing(is_first=not roots)
    if not roots:
        st.info(
            "Nothing is here yet: drop a ZIP file above. Folders of this computer can be used "
            "where they are, without a copy, if the dashboard is started with "
            "`coreset-lens dashboard --data-root FOLDER`; nothing else on this computer is read.",
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
    check_permission("start or stop work")
    preparation.start_job(choice)
    st.session_state[CHOSEN] = choice


def _draw_choice(roots: list[str]) -> preparation.Choice | None:
    """Draw the dataset and how to read it; return them once they shall be checked."""
    if st.session_state.get(ROOT) not in roots:
        st.session_state.pop(ROOT, None)
    first, second, third = st.columns([4, 5, 3], vertical_alignment="bottom")
    root = first.selectbox(
        "Folder",
        roots,
        key=ROOT,
        format_func=bringing.root_title,
        help="The folders that were allowed when the dashboard was started, those chosen in the "
        "folder dialog, and every unpacked ZIP file.",
    )
    below = second.text_input(
        "Folder, table or file in it",
        key=PATH,
        placeholder="a folder with one folder per class, a CSV table, an .npz file",
        help="A folder with one folder of images per class (or train, val, test with such "
        "folders), a CSV table with the columns path and label, or an .npz file with arrays, for "
        "volumes and for any number of labels per image too. Leave empty for the folder itself.",
    )
    with third:
        bringing.draw_folders(Path(root))
    found = reads.find_datasets(root)[:MOST_FOUND]
    if found:
        st.pills("Found there", found, key=FOUND, format_func=as_text, on_change=_take_found)
    path = Path(root, below.strip())
    choices = draw_choices(path)
    size, window, button = st.columns([2, 3, 2], vertical_alignment="bottom")
    with size:
        image_size = draw_size(path, choices)
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
        origin = None if job.dataset is None else job.dataset.origin
        if origin is not None and any(file.n_hidden for file in origin.files):
            st.button(
                "Read from darkest to brightest",
                icon=":material/contrast:",
                help="Each image from its smallest to its largest value, so that none is hidden.",
                on_click=_check,
                args=(replace(job.choice, grey_window=FULL_RANGE),),
            )


def _draw_hand_over(job: preparation.Job, n_bad: int) -> None:
    """Draw the way to training; bad files are left out only with consent."""
    has_consent = n_bad == 0 or st.checkbox(
        "Leave out the file that cannot be used"
        if n_bad == 1
        else f"Leave out the {n_bad:,} files that cannot be used",
        key=f"skip-bad:{job.choice.path}",
    )
    is_uneven = bool(job.report and job.report.imbalance_ratio >= LARGEST_IMBALANCE)
    word = "label" if job.report and job.report.is_multi_label else "class"
    is_weighted = is_uneven and st.checkbox(
        f"Give every {word} the same say in the loss",
        value=True,
        key=f"weighted:{job.choice.path}",
        help="The largest has many times more images than the smallest. Goes along to the start "
        "of the training, where it can be changed.",
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
            class_weighted_loss=is_weighted,
        )
        go_to("runs")


draw_heading(
    "Add data",
    "Bring in your own images: see what is in them, and what would spoil a result, before "
    "any training. The cache keeps a small working copy, and what a ZIP file held. "
    "Nothing is sent away.",
)
try:
    draw_page()
except CoresetError as error:
    draw_error(error)
