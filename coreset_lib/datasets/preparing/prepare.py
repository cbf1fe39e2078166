"""From a folder or table to `LabeledImages`: decode once, split, keep, open again."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from coreset_lib.datasets.checking.label_doubts import check_classes, label_concerns
from coreset_lib.datasets.files.contract import DecodeOptions, Image
from coreset_lib.datasets.files.file_record import FileRecord
from coreset_lib.datasets.files.pseudonyms import pseudonym
from coreset_lib.datasets.labeled_images import LabeledImages, Labels, Origin, Split
from coreset_lib.datasets.preparing import decode_pool
from coreset_lib.datasets.preparing.group_keys import (
    Ids,
    group_keys,
    largest_group,
    shared_groups,
)
from coreset_lib.datasets.preparing.prepared import (
    SHARDS,
    Prepared,
    SampleTable,
    content_key,
    known_rows,
    locked,
    prepared_folder,
    read_prepared,
    write_prepared,
)
from coreset_lib.datasets.preparing.row_store import RowStore, ShardJob, read_shards
from coreset_lib.datasets.preparing.splitting import complete_split, join_groups
from coreset_lib.datasets.sources.listing import (
    IMAGE_SUFFIXES,
    PARTS,
    Item,
    Listing,
    class_names,
    shown,
)
from coreset_lib.datasets.sources.npz.file import file_safe
from coreset_lib.errors import BadFilesError, DatasetError
from coreset_lib.label_sets import (
    NO_LABEL,
    MultiHot,
    multi_hot_of,
    rarest_first,
    set_codes,
    standing_class,
)

Progress = Callable[[int, int], None]


def no_progress(done: int, total: int) -> None:
    """Tell nobody."""


SHARD_BYTES = 16 * 2**20
MOST_FILES_PER_SHARD = 256
SHOWN_BAD = 3


@dataclass(frozen=True)
class _Place:
    """One frame of a file: the sample that becomes of it, and where its pixels are."""

    item: Item
    record: FileRecord
    frame: int
    n_frames: int
    patient: str
    store: RowStore
    channels: int
    row: int

    def image(self) -> Image:
        """Return the pixels."""
        return self.store.row(self.channels, self.row)


def prepare(
    listing: Listing,
    options: DecodeOptions,
    *,
    cache: Path,
    skip_bad: bool = False,
    again: bool = False,
    progress: Progress = no_progress,
) -> LabeledImages:
    """Return a dataset from image files, decoding those that were not decoded before.

    Parameters
    ----------
    listing : Listing
    options : DecodeOptions
    cache : Path
        Decoded images are kept below ``cache/prepared``.
    skip_bad : bool
        Leave out files that cannot be used instead of refusing the dataset.
    again : bool
        Try files once more that could not be used before.
    progress : callable
        Told files decoded and files to decode; not called when none needs decoding.

    Raises
    ------
    BadFilesError
        If files cannot be used and ``skip_bad`` is not set.
    DatasetError
        If nothing usable is left, or the cache cannot be written.
    """
    folder = prepared_folder(cache, listing.root.absolute(), options)
    content = content_key(listing, options)
    try:
        found = read_prepared(folder, content)
        if found is None or (again and found.bad):
            with locked(folder):
                found = None if again else read_prepared(folder, content)
                found = found or _make(folder, content, listing, options, skip_bad, progress)
    except OSError as error:
        raise DatasetError(
            f"prepared images cannot be written to {cache}: {error.strerror or error}. Free some "
            "space, or choose another folder with --cache or CORESET_LENS_CACHE."
        ) from None
    if found.bad and not skip_bad:
        raise _bad_files(listing, found.bad)
    return _as_dataset(listing, found)


def _make(
    folder: Path,
    content: str,
    listing: Listing,
    options: DecodeOptions,
    skip_bad: bool,
    progress: Progress,
) -> Prepared:
    """Decode what is missing and write the prepared dataset."""
    known = _decode_missing(folder, listing, options, progress)
    places, bad = _places(listing, known, options)
    if bad and not skip_bad:
        raise _bad_files(listing, bad)
    where = shown(listing.root.name)
    if not places:
        raise DatasetError(_nothing_readable(where, bad))
    names, labels, sets = _classes(listing, places, where)
    ids = [Ids(p.patient, p.record.study, p.record.series, p.item.group) for p in places]
    together = group_keys(
        ids, group_word=listing.group_word, is_group_first=listing.is_group_chosen
    )
    patients = dict(zip(map(id, places), together.patients, strict=True))
    # Frames of a file are of one patient, also where the file does not say of whom.
    keys = (together.keys, [_pixel_key(p) for p in places], [p.item.path for p in places])
    given = [place.item.part for place in places]
    parts, notes = complete_split(given, labels, join_groups(*keys), unit=together.unit)
    shared = shared_groups(together.keys, parts.tolist(), together.unit)
    doubts = [] if sets.size else label_concerns([place.item.label for place in places])
    concerns = (*listing.concerns, *together.concerns, *shared, *doubts, *_hidden_concerns(places))
    order = [row for part in PARTS for row in np.flatnonzero(parts == part)]
    if sets.size:
        labels = standing_class(sets, rarest_first(sets[parts == "train"]))
    counts = tuple(int((parts == part).sum()) for part in PARTS)
    _check_counts(where, counts, _hidden_concerns(places), largest_group(*together[:2]))
    size = options.image_size
    colour = (3,) if any(place.channels == 3 for place in places) else ()
    ordered = [places[row] for row in order]
    write_prepared(
        folder,
        content,
        (place.image() for place in ordered),
        (len(ordered), size, size, *colour),
        counts=(counts[0], counts[1], counts[2]),
        class_names=names,
        samples=replace(
            _sample_table(
                listing, ordered, labels[order].tolist(), [patients[id(p)] for p in ordered]
            ),
            sets=set_codes(sets)[order].tolist() if sets.size else [],
        ),
        files=_final_records(ordered, known),
        bad=bad,
        notes=(*listing.notes, *together.notes, *notes, *concerns[len(listing.concerns) :]),
        concerns=concerns,
    )
    made = read_prepared(folder, content)
    if made is None:
        raise DatasetError(
            f"prepared images in {folder} cannot be read back. Check the disk, or choose "
            "another folder with --cache."
        )
    return made


def _classes(
    listing: Listing, places: Sequence[_Place], where: str
) -> tuple[tuple[str, ...], Labels, MultiHot]:
    """Return the names of classes, each sample's class, and its labels where it has several."""
    texts = [place.item.label for place in places]
    if not listing.label_names:
        names = class_names(texts, where)
        check_classes(texts, where)
        number = {name: row for row, name in enumerate(names)}
        labels = np.array([number[text] for text in texts], dtype=np.int64)
        return names, labels, np.zeros((0, 0), np.uint8)
    column = {name: place for place, name in enumerate(listing.label_names)}
    sets = np.zeros((len(texts), len(column)), np.uint8)
    for row, text in enumerate(texts):
        if text != NO_LABEL:
            sets[row, [column[name] for name in text.split("|")]] = 1
    return (*listing.label_names, NO_LABEL), standing_class(sets, rarest_first(sets)), sets


def _decode_missing(
    folder: Path, listing: Listing, options: DecodeOptions, progress: Progress
) -> dict[str, tuple[FileRecord, RowStore]]:
    """Return the record of every usable file, decoding those that have none."""
    known = _known(folder, listing, options)
    missing = [i for i in listing.items if not i.problem and i.path not in known]
    if missing:
        stem = folder / SHARDS
        chunk = max(8, min(MOST_FILES_PER_SHARD, SHARD_BYTES // (3 * options.image_size**2)))
        jobs = [
            _job(stem, missing[start : start + chunk], options)
            for start in range(0, len(missing), chunk)
        ]
        is_harmless = all(item.path.lower().endswith(IMAGE_SUFFIXES) for item in missing)
        few = len(missing) <= decode_pool.FEW_FILES and is_harmless
        decode_pool.decode(jobs, progress=progress, in_process=few)
        known = _known(folder, listing, options, with_bad=True)
    return known


def _known(
    folder: Path, listing: Listing, options: DecodeOptions, *, with_bad: bool = False
) -> dict[str, tuple[FileRecord, RowStore]]:
    """Return what earlier work has left of the files as they are now."""
    wanted = {item.path: (item.path, item.size, item.mtime) for item in listing.items}
    known: dict[str, tuple[FileRecord, RowStore]] = {}
    for store, records in (
        *known_rows(folder),
        *read_shards(folder / SHARDS, options.image_size),
    ):
        for record in records:
            is_new = record.rows or (with_bad and record.path not in known)
            if is_new and record.is_of(*wanted.get(record.path, ("", 0, 0))):
                known[record.path] = record, store
    return known


def _job(folder: Path, items: Sequence[Item], options: DecodeOptions) -> ShardJob:
    """Return the work on some files; the same files always make the same shard."""
    files = tuple((item.path, item.size, item.mtime) for item in items)
    name = hashlib.sha256(repr(files).encode("utf-8", "replace")).hexdigest()[:24]
    return ShardJob(stem=str((folder / name).absolute()), files=files, options=options)


def _places(
    listing: Listing, known: dict[str, tuple[FileRecord, RowStore]], options: DecodeOptions
) -> tuple[list[_Place], tuple[tuple[str, str], ...]]:
    """Return every frame of every usable file in order, and the files that are not usable."""
    places: list[_Place] = []
    bad: list[tuple[str, str]] = []
    is_numbered = {"0", "1"} <= {item.patient_id for item in listing.items}
    for item in listing.items:
        record, store = known.get(item.path, (None, None))
        if item.problem or record is None or store is None or not record.rows:
            reason = item.problem or (record.reason if record else "was changed meanwhile")
            bad.append((item.source, reason))
            continue
        patient = _patient(item.patient_id, options, is_numbered) or record.patient
        n_frames = len(record.rows)
        places += [
            _Place(item, record, frame, n_frames, patient, store, channels, row)
            for frame, (channels, row) in enumerate(record.rows)
        ]
    return places, tuple(bad)


def _patient(patient_id: str, options: DecodeOptions, is_numbered: bool) -> str:
    """Return the pseudonym of a table's id; 0 is a patient where they are numbered from 0."""
    if is_numbered and patient_id == "0" and options.pseudonym_key:
        return pseudonym("patient number 0", options.pseudonym_key)
    return pseudonym(patient_id, options.pseudonym_key)


def _pixel_key(place: _Place) -> bytes:
    """Return a hash of the pixels, so that copies end in one split; none of an empty image."""
    image = np.ascontiguousarray(place.image())
    if image.min() == image.max():
        return b""
    return hashlib.blake2b(image.data, digest_size=16).digest()


def _hidden_concerns(places: Sequence[_Place]) -> list[str]:
    """Say how many images the grey window makes one grey, though they hold more."""
    hidden = [place for place in places if place.record.n_hidden]
    if not hidden:
        return []
    shades = {int(place.image().max()) for place in hidden}
    shade = shades.pop() if len(shades) == 1 else -1
    look = {0: "black", 255: "white"}.get(shade, "blank, of one grey")
    return [
        f"The grey window makes {len(hidden)} of {len(places)} images {look}: their values lie "
        "outside of the window that is stored in the files or was chosen. Give --grey-window "
        "range, or a window that fits the values."
    ]


def _nothing_readable(where: str, bad: Sequence[tuple[str, str]]) -> str:
    """Say why no file of a dataset can be used: each reason with its count and an example."""
    reasons: dict[str, list[str]] = {}
    for source, reason in bad:
        reasons.setdefault(reason, []).append(source)
    ordered = sorted(reasons.items(), key=lambda pair: -len(pair[1]))[:SHOWN_BAD]
    text = "; ".join(
        f"of {len(bad)} files {len(sources)} cannot be used, for example {shown(sources[0])} {why}"
        for why, sources in ordered
    )
    return f"dataset {where} must have at least one image that can be read: {text}."


def _check_counts(where: str, counts: tuple[int, ...], hidden: list[str], largest: str) -> None:
    """Refuse a dataset with an empty split, the likely cause first."""
    for part, count in zip(PARTS, counts, strict=True):
        if count:
            continue
        if hidden:
            raise DatasetError(hidden[0])
        advice = (
            f"{largest} Give more of them, or name the splits."
            if largest
            else " Give more images (or more patients: those of one patient stay together), or "
            "name the splits."
        )
        raise DatasetError(f"{part} of {where} must hold at least one image, got none.{advice}")


def _sample_table(
    listing: Listing, places: list[_Place], labels: list[int], patients: list[str]
) -> SampleTable:
    """Return names and cells of the samples; a frame adds its number to its file's."""

    def framed(text: str, place: _Place) -> str:
        return text if place.n_frames == 1 else f"{text}#{place.frame + 1:04d}"

    return SampleTable(
        labels=labels,
        sample_ids=[framed(place.item.sample_id, place) for place in places],
        sources=[framed(place.item.source, place) for place in places],
        patients=patients,
        extra={
            name: [place.item.extra[column] for place in places]
            for column, name in enumerate(listing.extra_columns)
        },
    )


def _final_records(
    places: list[_Place], known: dict[str, tuple[FileRecord, RowStore]]
) -> Iterator[FileRecord]:
    """Yield the records with the rows that their frames have in the prepared dataset."""
    rows: dict[str, list[tuple[int, int, int]]] = {}
    for row, place in enumerate(places):
        rows.setdefault(place.item.path, []).append((place.frame, place.channels, row))
    for path, (record, _) in known.items():
        frames = sorted(rows.get(path, []))
        yield record._replace(rows=tuple((channels, row) for _, channels, row in frames))


def _bad_files(listing: Listing, bad: Sequence[tuple[str, str]]) -> BadFilesError:
    """Return the error that lists the files that cannot be used."""
    first = "; ".join(f"{shown(source)} {reason}" for source, reason in bad[:SHOWN_BAD])
    more = f"; and {len(bad) - SHOWN_BAD} more" if len(bad) > SHOWN_BAD else ""
    count = f"{len(bad)} of {len(listing.items)} files"
    return BadFilesError(
        f"{count} in {shown(listing.root.name)} cannot be used: {first}{more}. Mend them, or "
        "leave them out with --skip-bad.",
        tuple(bad),
    )


def _as_dataset(listing: Listing, found: Prepared) -> LabeledImages:
    """Return the prepared dataset as what the rest of the library works with."""
    train, val, test = (_split(found, part) for part in PARTS)
    name = listing.root.stem if listing.kind == "table" else listing.root.name
    return LabeledImages(
        name=file_safe(name),
        class_names=found.class_names,
        train=train,
        val=val,
        test=test,
        title=shown(listing.root.name) or name,
        origin=Origin(
            kind=listing.kind,
            files=tuple(record for record in found.files if record.rows),
            bad=found.bad,
            notes=found.notes,
            concerns=found.concerns,
        ),
    )


def _split(found: Prepared, part: str) -> Split:
    """Return one split of a prepared dataset."""
    rows, samples = found.rows(part), found.samples
    patients = samples.patients[rows]
    n_labels = len(found.class_names) - 1
    return Split(
        images=found.images[rows],
        labels=np.array(samples.labels[rows], dtype=np.int64),
        sample_ids=samples.sample_ids[rows],
        sources=samples.sources[rows],
        patient_ids=patients if any(patients) else (),
        extra={name: cells[rows] for name, cells in samples.extra.items()},
        multi_hot=multi_hot_of(np.array(samples.sets[rows]), n_labels) if samples.sets else None,
    )
