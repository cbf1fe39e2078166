"""How a table or folder is read: drop-downs with the best guess, and its first samples."""

import os
from pathlib import Path

import streamlit as st

from coreset_lib.cache import allowed_roots
from coreset_lib.configs import IMAGE_SIZES, LABELS_PER_IMAGE, MARK_POLICIES
from coreset_lib.datasets.bringing.first_size import size_for, usual_side
from coreset_lib.datasets.files.contract import DecodeOptions, UnreadableFile
from coreset_lib.datasets.files.decoding import decode_file
from coreset_lib.datasets.sources.choices import FOLDER, NO_CHOICES, ReadingChoices
from coreset_lib.datasets.sources.listing import IMAGE_SUFFIXES, is_within
from coreset_lib.datasets.sources.preview import Guess, Preview, guess_table, preview
from coreset_lib.datasets.sources.table import TABLE_SUFFIXES
from coreset_lib.datasets.sources.table_reading import table_columns
from coreset_lib.errors import CoresetError
from dashboard.shared.messages import draw_error
from dashboard.shared.samples.images import data_uri
from dashboard.shared.text import as_text

GUESSED = "as guessed"
KIND_TITLES = {"": GUESSED, "one": "one class", "several": "several labels"}
POLICY_TITLES = {
    "": "usual",
    "positive": "yes",
    "negative": "no",
    "leave-out": "leave the image out",
}
PREVIEW_SIZE = 64


def draw_choices(path: Path) -> ReadingChoices:
    """Draw how a table or folder is read, with its first samples, and return what was chosen."""
    if not is_within(path, allowed_roots()):
        return NO_CHOICES  # the check says that it is not allowed
    is_table = path.suffix.lower() in TABLE_SUFFIXES and os.path.isfile(path)
    if not is_table and not os.path.isdir(path):
        return NO_CHOICES
    with st.expander(
        "Columns, labels and groups" if is_table else "What stays together",
        expanded=is_table and not {"path", "label"} <= set(table_columns(path)),
        icon=":material/tune:",
    ):
        try:
            choices = _draw_columns(path) if is_table else NO_CHOICES
            choices = _draw_groups(path, choices, is_table=is_table)
            if is_table or choices.group_by:
                _draw_preview(_preview(str(path), path.stat().st_mtime_ns, choices))
        except CoresetError as error:
            draw_error(error)
            return _chosen_anyway(path)
        st.session_state[_key(path, "valid")] = choices
        return choices


def _chosen_anyway(path: Path) -> ReadingChoices:
    """Return what was chosen when it last made sense; the check says what is wrong with it."""
    return st.session_state.get(_key(path, "valid"), NO_CHOICES)


def _draw_columns(path: Path) -> ReadingChoices:
    """Draw the choices of a table."""
    guess = _guess(str(path), path.stat().st_mtime_ns)
    columns = list(guess.columns)
    first, second, third = st.columns([2, 3, 2])
    path_column = first.selectbox(
        "Column with file names",
        columns,
        index=columns.index(guess.path) if guess.path else None,
        key=_key(path, "path"),
        placeholder="choose a column",
    )
    labels = second.multiselect(
        "Column with labels",
        [*columns, FOLDER] if FOLDER not in columns else columns,
        list(guess.labels),
        key=_key(path, "labels"),
        help="One column with classes; or several with a mark (1, 0, -1, blank) for each label; "
        "or folder, where each class lies in a folder of its own.",
    )
    kind = third.selectbox(
        "Labels per image",
        LABELS_PER_IMAGE,
        format_func=KIND_TITLES.__getitem__,
        key=_key(path, "kind"),
        help="Several: cells such as A|B, or more than one mark in a row.",
    )
    a, b, c, d = st.columns([3, 2, 2, 2])
    folder = a.text_input(
        "Folder of the images",
        key=_key(path, "folder"),
        placeholder="that of the table",
        help="In full, or from the table's own folder.",
    )
    ending = b.text_input("Ending of the files", key=_key(path, "ending"), placeholder="as written")
    titles = POLICY_TITLES.__getitem__
    unsure = c.selectbox(
        "-1 (uncertain) is", MARK_POLICIES, format_func=titles, key=_key(path, "unsure")
    )
    blank = d.selectbox("A blank is", MARK_POLICIES, format_func=titles, key=_key(path, "blank"))
    is_guess = tuple(labels) == guess.labels
    return ReadingChoices(
        path_column="" if path_column in (None, "path") else path_column,
        label_column="" if is_guess and labels == ["label"] else ",".join(labels),
        labels_per_image=kind,
        image_folder=folder.strip(),
        ending=ending.strip(),
        uncertain=unsure,
        blank=blank,
    )


def _draw_groups(path: Path, choices: ReadingChoices, *, is_table: bool) -> ReadingChoices:
    """Draw what keeps images together in a split."""
    known = [""]
    if is_table:
        known += _guess(str(path), path.stat().st_mtime_ns).columns
    group_by = st.selectbox(
        "Images stay together by",
        [*known, FOLDER],
        format_func=lambda name: name or "what is known (patient, study, ...)",
        key=_key(path, "group"),
        accept_new_options=True,
        help="A patient's images must not lie in train and in test. A column, the folder that a "
        "file lies in, or a pattern for file names: type ^[^_]+ for what stands before the "
        "first underscore.",
    )
    return ReadingChoices(**{**_fields(choices), "group_by": (group_by or "").strip()})


def _draw_preview(found: Preview) -> None:
    """Draw the first samples, and counts."""
    lines = [f"**{found.n_items:,} images**: {as_text(found.classes)}"]
    if found.groups:
        lines.append(f"kept together: **{found.groups}**")
    if found.n_missing:
        lines.append(f"{found.n_missing:,} files cannot be found or used")
    st.markdown("  \n".join(lines))
    for concern in found.concerns:
        st.caption(as_text(concern))
    # Ids may be those of patients: only which images have the same one is shown.
    keys = [item.group or item.patient_id for item in found.items]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(filter(None, keys)), start=1)}
    st.dataframe(
        {
            "": [_picture(item.path) if not item.problem else "" for item in found.items],
            "file": [item.source for item in found.items],
            "label": [item.label for item in found.items],
            "stays together": [f"group {numbers[key]}" if key else "" for key in keys],
            "note": [item.problem for item in found.items],
        },
        hide_index=True,
        row_height=48,
        height=min(40 + 48 * len(found.items), 280),
        column_config={"": st.column_config.ImageColumn(width="small")},
        alt="The first ten images with their labels and groups, as they would be read",
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _guess(path: str, mtime: int) -> Guess:
    """Return the columns of a table and the best guess."""
    del mtime  # what the cache tells versions apart by
    return guess_table(Path(path), roots=allowed_roots())


@st.cache_data(max_entries=16, show_spinner="Looking at the first rows…")
def _preview(path: str, mtime: int, choices: ReadingChoices) -> Preview:
    """Return what a table or folder would become."""
    del mtime
    return preview(Path(path), choices, roots=allowed_roots())


@st.cache_data(max_entries=256, show_spinner=False)
def _picture(path: str) -> str:
    """Return an image file as a small picture; nothing where it cannot be read here."""
    if not path.lower().endswith(IMAGE_SUFFIXES) or not is_within(path, allowed_roots()):
        return ""
    options = DecodeOptions(image_size=PREVIEW_SIZE, grey_window="file", pseudonym_key="")
    try:
        image, _ = next(iter(decode_file(path, options)))
    except (UnreadableFile, StopIteration):
        return ""
    return data_uri(image)


def draw_size(path: Path, choices: ReadingChoices) -> int:
    """Draw the image size, beginning with what suits the originals, and return what was chosen."""
    side = _usual_side(str(path), choices) if is_within(path, allowed_roots()) else 0
    first = size_for(side)
    hint = f" The first originals are about {side:,} pixels: {first} keeps most of them."
    return st.selectbox(
        "Image size",
        IMAGE_SIZES,
        index=IMAGE_SIZES.index(first),
        key=f"{_key(path, 'size')}:{first}",
        help="Images of folders and tables are scaled to fit a square of so many pixels; arrays "
        f"keep their own size. Larger ones train more slowly.{hint if side else ''}",
    )


@st.cache_data(max_entries=64, ttl=60, show_spinner=False)
def _usual_side(path: str, choices: ReadingChoices) -> int:
    """Return how large a few originals are; 0 where that is not known."""
    is_table = path.lower().endswith(TABLE_SUFFIXES) and os.path.isfile(path)
    if not is_table and not os.path.isdir(path):
        return 0
    return usual_side(Path(path), choices, roots=allowed_roots())


def _fields(choices: ReadingChoices) -> dict[str, str]:
    """Return the choices by name."""
    return {name: getattr(choices, name) for name in ReadingChoices.__dataclass_fields__}


def _key(path: Path, name: str) -> str:
    """Return the name under which a choice for a path is kept."""
    return f"add-data-{name}:{path}"
