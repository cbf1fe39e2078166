"""The report on a dataset: verdict first, then what it rests on."""

import numpy as np
import streamlit as st

from coreset_lib.datasets import DatasetReport, LabeledImages
from coreset_lib.datasets.file_report import FileSummary
from dashboard.images import enlarge, picture_of
from dashboard.text import as_text

SAMPLES_PER_CLASS = 6
MOST_CLASSES_SHOWN = 20


def draw_report(report: DatasetReport) -> None:
    """Draw verdict, warnings, counts and files."""
    _draw_verdict(report)
    numbers = st.columns(4)
    for column, split in zip(numbers, report.splits, strict=False):
        what = "volumes" if report.depth else "images"
        column.metric(f"{split.part.capitalize()} {what}", f"{split.n_samples:,}")
    numbers[3].metric(
        "Patients" if report.n_patients else "Labels" if report.is_multi_label else "Classes",
        f"{report.n_patients or len(report.class_names) - report.is_multi_label:,}",
    )
    sides = (report.depth, *report.image_size) if report.depth else report.image_size
    colour = "in colour" if report.n_channels == 3 else "grey"
    unit = "voxels" if report.depth else "pixels"
    st.caption(f"{' × '.join(map(str, sides))} {unit}, {colour}")
    _draw_counts(report)
    if report.files is not None:
        _draw_files(report.files)


def _draw_verdict(report: DatasetReport) -> None:
    """Say whether it can be trained on, and everything that stands out."""
    draw = {"fit": st.success, "look": st.warning, "unfit": st.error}[report.verdict]
    icons = {"fit": "check_circle", "look": "visibility", "unfit": "block"}
    draw(as_text(report.verdict_text), icon=f":material/{icons[report.verdict]}:")
    if report.warnings:
        st.markdown("\n".join(f"- {as_text(warning)}" for warning in report.warnings))


def _draw_counts(report: DatasetReport) -> None:
    """Draw the images of each class in each split."""
    table = {"label" if report.is_multi_label else "class": list(report.class_names)}
    counts = {split.part: list(split.class_counts) for split in report.splits}
    st.dataframe(
        {**table, **counts},
        hide_index=True,
        height=min(38 + 35 * len(report.class_names), 320),
        alt="Number of images of each class in train, val and test",
    )
    if report.is_multi_label:
        st.caption("An image with several labels counts for each of them.")


def _draw_files(files: FileSummary) -> None:
    """Draw what the files were, and those that cannot be used."""
    small, large = ("×".join(map(str, form)) for form in (files.smallest, files.largest))
    facts = [
        f"{files.n_files:,} files, {small} to {large} pixels",
        f"{'/'.join(map(str, files.bits))} bits, values {files.low:g} to {files.high:g}",
    ]
    for title, counts in (
        ("modality", files.modalities),
        ("patient identity removed", files.identity_removed),
        ("text burned into pixels", files.burned_in),
    ):
        if counts:
            facts.append(f"{title}: " + ", ".join(f"{k} {n:,}" for k, n in sorted(counts.items())))
    st.caption(as_text(" · ".join(facts)))
    for note in files.notes:
        st.caption(as_text(note))
    if files.bad:
        with st.expander(f"Files that cannot be used ({len(files.bad):,})", expanded=True):
            st.dataframe(
                {"file": [b[0] for b in files.bad], "reason": [b[1] for b in files.bad]},
                hide_index=True,
                alt="Files that cannot be used, with the reason",
            )


def draw_class_samples(dataset: LabeledImages) -> None:
    """Draw a few training images of every class, spread over the set."""
    st.markdown(f"#### Images of each {'label' if dataset.is_multi_label else 'class'}")
    st.caption(
        "Look whether each row shows what its name says. "
        + (
            f"Of each volume the middle one of its {dataset.depth} slices is drawn."
            if dataset.depth
            else "Images are drawn as the network sees them."
        )
    )
    for number, name in enumerate(dataset.class_names[:MOST_CLASSES_SHOWN]):
        rows = dataset.train.members(number)
        st.markdown(f"**{as_text(name)}** ({len(rows):,})")
        if not len(rows):
            continue
        picks = rows[np.linspace(0, len(rows) - 1, min(SAMPLES_PER_CLASS, len(rows))).astype(int)]
        columns = st.columns(SAMPLES_PER_CLASS)
        for column, row in zip(columns, picks, strict=False):
            picture = enlarge(picture_of(dataset.train.images, row), least=112)
            column.image(picture, width=112, alt=f"Training image of {name}")
    if dataset.n_classes > MOST_CLASSES_SHOWN:
        st.caption(f"The first {MOST_CLASSES_SHOWN} of {dataset.n_classes} classes are shown.")
