"""The data report as lines of text."""

from typing import TYPE_CHECKING

from coreset_lib.datasets.checking.suggestion import safe_augmentation

if TYPE_CHECKING:
    from coreset_lib.datasets import DatasetReport
    from coreset_lib.datasets.checking.file_report import FileSummary

MOST_BAD = 1000
SHOWN_COPIES = 3


def report_lines(report: "DatasetReport") -> list[str]:
    """Return a report, its conclusion last; file names, never names of patients."""
    sides = (report.depth, *report.image_size) if report.depth else report.image_size
    lines = [
        report.name if report.name == report.title else f"{report.name}: {report.title}",
        f"{'volumes' if report.depth else 'images'}: {'x'.join(map(str, sides))}, "
        f"{'RGB' if report.n_channels == 3 else 'greyscale'}",
    ]
    word = "label" if report.is_multi_label else "class"
    if report.is_multi_label:
        lines.append("labels: any number per image; an image counts for each of them")
    for split in report.splits:
        named = zip(report.class_names, split.class_counts, strict=True)
        counts = ", ".join(f"{name} {count}" for name, count in named)
        lines.append(f"{split.part}: {split.n_samples} ({counts})")
    lines += [
        f"largest to smallest {word}: {report.imbalance_ratio:.1f}",
        f"grey values: {report.intensity_min} to {report.intensity_max}, "
        f"mean {report.intensity_mean:.1f}",
    ]
    lines.append(f"safe augmentation: {safe_augmentation(report.has_sides)}")
    if report.n_patients:
        lines.append(f"patients: {report.n_patients}")
    if report.files is not None:
        lines += _file_lines(report.files)
    lines += _copy_lines(report)
    lines += [f"quality: {note.text()}" for note in report.quality if not note.is_severe]
    lines.append(f"fingerprint: {report.fingerprint}")
    lines += [f"note: {warning}" for warning in report.warnings]
    if not report.warnings:
        lines.append("nothing stands out")
    return [*lines, f"verdict: {report.readiness_text}"]


def _copy_lines(report: "DatasetReport") -> list[str]:
    """Return a few pairs of each kind of copies."""
    lines: list[str] = []
    seen: dict[tuple[str, str, bool], int] = {}
    for pair in report.copy_pairs:
        kind = (pair.reference, pair.part, pair.is_exact)
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= SHOWN_COPIES:
            likeness = "exact copy" if pair.is_exact else "near copy"
            places = f"{pair.first} ({pair.reference}), {pair.second} ({pair.part})"
            lines.append(f"{likeness}, for example: {places}")
    return lines


def _file_lines(files: "FileSummary") -> list[str]:
    """Return what is known of the original files."""
    small, large = ("x".join(map(str, form)) for form in (files.smallest, files.largest))
    sizes = small if small == large else f"{small} to {large}"
    lines = [
        f"files: {files.n_files}, {sizes} pixels, "
        f"{'/'.join(map(str, files.bits))} bits, values {files.low:g} to {files.high:g}"
    ][: files.n_files]
    for title, counts in (
        ("modality", files.modalities),
        ("patient identity removed", files.identity_removed),
        ("text burned into pixels", files.burned_in),
    ):
        if counts:
            lines.append(f"{title}: " + ", ".join(f"{k} {n}" for k, n in sorted(counts.items())))
    lines += [f"unreadable: {source} {reason}" for source, reason in files.bad[:MOST_BAD]]
    if len(files.bad) > MOST_BAD:
        lines.append(f"unreadable: and {len(files.bad) - MOST_BAD} more")
    return lines + [note for note in files.notes if note not in files.concerns]
