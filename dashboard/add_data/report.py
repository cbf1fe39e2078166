"""The report on a dataset: readiness first, then what it rests on."""

import numpy as np
import streamlit as st

from coreset_lib.datasets import DatasetReport, LabeledImages
from coreset_lib.datasets.checking.copies import CopyPair
from coreset_lib.datasets.checking.file_report import FileSummary
from coreset_lib.datasets.checking.suggestion import safe_augmentation
from coreset_lib.datasets.sources.listing import PARTS
from coreset_lib.label_sets import set_title
from dashboard.shared.samples.images import data_uri, enlarge, picture_of
from dashboard.shared.text import as_text

SAMPLES_PER_CLASS = 6
SAMPLE_WIDTH = 76
MOST_CLASSES_SHOWN = 20


SPLIT_HELP = {
    "train": "The network learns from these.",
    "val": "Choices are made on these: when to stop, which option is better.",
    "test": "The final judgement, made once, on images that decided nothing before.",
}
MOST_PAIRS = 30


def draw_report(report: DatasetReport, dataset: LabeledImages) -> None:
    """Draw counts, files and copies: what readiness rests on."""
    if report.files is not None and report.files.bad:
        _draw_bad_files(report.files)
    if report.copy_pairs:
        _draw_copies(report, dataset)
    _draw_numbers(report)
    sides = (report.depth, *report.image_size) if report.depth else report.image_size
    colour = "in colour" if report.n_channels == 3 else "grey"
    unit = "voxels" if report.depth else "pixels"
    _draw_counts(report)
    st.caption(
        f"For training: {' × '.join(map(str, sides))} {unit}, {colour}, values "
        f"{report.intensity_min} to {report.intensity_max}, mean {report.intensity_mean:.0f}. "
        f"Changing images on the way: {safe_augmentation(report.has_sides)}."
    )
    if report.files is not None:
        _draw_files(report.files)


def _draw_numbers(report: DatasetReport) -> None:
    """Draw how many images, and patients or classes, there are."""
    what = "volumes" if report.depth else "images"
    with st.container(horizontal=True, gap="medium"):
        for split in report.splits:
            title = f"{split.part.capitalize()} {what}"
            count = f"{split.n_samples:,}"
            st.metric(title, count, help=SPLIT_HELP[split.part], width="content")
        n_names = len(report.class_names) - report.is_multi_label
        name = "Labels" if report.is_multi_label else "Classes"
        st.metric(name, f"{n_names:,}", width="content")
        if report.n_patients:
            st.metric("Patients", f"{report.n_patients:,}", width="content")


def draw_readiness(report: DatasetReport) -> None:
    """Say whether it can be trained on, and everything that stands out."""
    draw = {"fit": st.success, "look": st.warning, "unfit": st.error}[report.readiness]
    icons = {"fit": "check_circle", "look": "visibility", "unfit": "block"}
    draw(as_text(report.readiness_text), icon=f":material/{icons[report.readiness]}:")
    if report.warnings:
        st.markdown("\n".join(f"- {as_text(warning)}" for warning in report.warnings))
    remarks = [note.text() for note in report.quality if not note.is_severe]
    if remarks:
        st.caption("Single images that stand out, which does not change the verdict:")
        st.markdown("\n".join(f"- {as_text(remark)}" for remark in remarks))


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
    word = "label" if report.is_multi_label else "class"
    text = f"The largest {word} has {report.imbalance_ratio:.1f} times as many training images "
    text += "as the smallest."
    if report.is_multi_label:
        text += " An image with several labels counts for each of them."
    st.caption(text)


def _draw_files(files: FileSummary) -> None:
    """Draw what the files were, and how splits were made."""
    small, large = (" × ".join(map(str, form)) for form in (files.smallest, files.largest))
    sizes = small if small == large else f"{small} to {large}"
    facts = [
        f"Originals: {files.n_files:,} {'file' if files.n_files == 1 else 'files'}, {sizes} pixels",
        f"{'/'.join(map(str, files.bits))} bits, values {files.low:g} to {files.high:g}",
    ]
    lines = [", ".join(facts)]
    for title, counts in (
        ("DICOM, modality", files.modalities),
        ("DICOM, patient identity removed", files.identity_removed),
        ("DICOM, text burned into the pixels", files.burned_in),
    ):
        if counts:
            lines.append(f"{title}: " + ", ".join(f"{k} {n:,}" for k, n in sorted(counts.items())))
    st.caption("  \n".join(map(as_text, lines)))
    for note in files.notes:
        st.caption(as_text(note))


def _draw_bad_files(files: FileSummary) -> None:
    """Draw the files that cannot be used, each with its reason."""
    with st.expander(f"Files that cannot be used ({len(files.bad):,})", icon=":material/warning:"):
        st.dataframe(
            {"file": [b[0] for b in files.bad], "reason": [b[1] for b in files.bad]},
            hide_index=True,
            height=min(38 + 35 * len(files.bad), 250),
            alt="Files that cannot be used, with the reason",
        )


def _draw_copies(report: DatasetReport, dataset: LabeledImages) -> None:
    """Draw images that are there twice, side by side; the first of each kind."""
    pairs = report.copy_pairs[:MOST_PAIRS]
    title = f"Images that are there twice ({_count(len(report.copy_pairs))})"
    with st.expander(title, icon=":material/content_copy:"):
        st.caption(
            "Between train and test they make results look better than they are; under two "
            "labels, one label is wrong. Remove one of each pair, or put both into one split."
        )
        st.dataframe(
            _copy_table(report.fingerprint, dataset, pairs),
            hide_index=True,
            row_height=72,
            height=min(40 + 72 * len(pairs), 400),
            column_config={
                "": st.column_config.ImageColumn(width="small"),
                " ": st.column_config.ImageColumn(width="small"),
            },
            alt="Pairs of images that are the same, with their names, splits and labels",
        )


def _count(n_pairs: int) -> str:
    """Say how many pairs are listed."""
    return "1 pair" if n_pairs == 1 else f"{min(n_pairs, MOST_PAIRS)} pairs shown"


@st.cache_data(max_entries=8, show_spinner=False)
def _copy_table(
    fingerprint: str, _dataset: LabeledImages, pairs: tuple[CopyPair, ...]
) -> dict[str, list[str]]:
    """Return pictures, names and labels of pairs of images, column by column."""
    del fingerprint  # what the cache tells datasets apart by
    wanted = {(p.reference, p.first) for p in pairs} | {(p.part, p.second) for p in pairs}
    rows: dict[tuple[str, str], int] = {}
    for part in PARTS:
        names = getattr(_dataset, part).sample_ids
        rows |= {(part, n): row for row, n in enumerate(names) if (part, n) in wanted}

    def picture(part: str, name: str) -> str:
        return data_uri(picture_of(getattr(_dataset, part).images, rows[part, name]))

    def title(part: str, name: str) -> str:
        split, row = getattr(_dataset, part), rows[part, name]
        label = _dataset.class_names[split.labels[row]]
        if split.multi_hot is not None:
            label = set_title(int(split.targets()[row]), _dataset.label_names)
        return f"{name} ({part}, {label})"

    return {
        "": [picture(p.reference, p.first) for p in pairs],
        "image": [title(p.reference, p.first) for p in pairs],
        " ": [picture(p.part, p.second) for p in pairs],
        "and its copy": [title(p.part, p.second) for p in pairs],
        "likeness": ["exact" if p.is_exact else "nearly the same" for p in pairs],
    }


def draw_class_samples(dataset: LabeledImages) -> None:
    """Draw a few training images of every class, spread over the set."""
    st.markdown(f"**Images of each {'label' if dataset.is_multi_label else 'class'}**")
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
        st.markdown(f"{as_text(name)} ({len(rows):,})")
        if not len(rows):
            continue
        picks = rows[np.linspace(0, len(rows) - 1, min(SAMPLES_PER_CLASS, len(rows))).astype(int)]
        with st.container(horizontal=True, gap="xsmall"):
            for row in picks:
                picture = enlarge(picture_of(dataset.train.images, row), least=SAMPLE_WIDTH)
                alt = f"Training image of {name}"
                st.image(data_uri(picture), width=SAMPLE_WIDTH, alt=alt)
    if dataset.n_classes > MOST_CLASSES_SHOWN:
        st.caption(f"The first {MOST_CLASSES_SHOWN} of {dataset.n_classes} classes are shown.")
