"""Decoded images on disk, a row each, with a record of the file that every row came from.

A *shard* is what one decoder wrote: raw rows of grey and of colour images, and then its
index. The prepared dataset is one more such store, so that a file which is unchanged since
is never decoded again.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coreset_lib.atomic import write_bytes
from coreset_lib.datasets.files.contract import DecodeOptions, Facts, Image, UnreadableFile
from coreset_lib.datasets.files.decoding import decode_file
from coreset_lib.datasets.files.file_record import FileRecord
from coreset_lib.stored_array import StoredArray

SCHEMA_VERSION = 1


@dataclass(frozen=True, eq=False)
class RowStore:
    """Rows of images by their number of channels."""

    arrays: dict[int, NDArray[np.uint8]]

    def row(self, channels: int, row: int) -> Image:
        """Return one image, as it was when it was decoded."""
        if channels in self.arrays:
            return self.arrays[channels][row]
        return self.arrays[3][row][..., 0]  # a grey image in a dataset with colour


@dataclass(frozen=True, kw_only=True)
class ShardJob:
    """Files for one decoder, and where their rows go; ``crashed`` are not tried again."""

    stem: str
    files: tuple[tuple[str, int, int], ...]
    options: DecodeOptions
    crashed: tuple[int, ...] = ()


def write_shard(job: ShardJob, on_file: Callable[[int], None]) -> None:
    """Decode the files of a job into a shard; its index is written last.

    Parameters
    ----------
    job : ShardJob
    on_file : callable
        Told the number of each file before it is opened.

    Raises
    ------
    OSError
        If the shard cannot be written.
    """
    counts, records = {1: 0, 3: 0}, list[FileRecord]()
    with open(f"{job.stem}.1.raw", "wb") as grey, open(f"{job.stem}.3.raw", "wb") as colour:
        files = {1: grey, 3: colour}
        for number, (path, size, mtime) in enumerate(job.files):
            on_file(number)
            base = FileRecord(path, size, mtime, "makes its decoder crash", ())
            if number in job.crashed:
                records.append(base)
                continue
            places = {channels: file.tell() for channels, file in files.items()}
            before = dict(counts)
            try:
                records.append(_write_file(base, job.options, files, counts))
            except UnreadableFile as error:
                records.append(base._replace(reason=str(error)))
                counts.update(before)
                for channels, file in files.items():
                    file.seek(places[channels])
                    file.truncate()
    index = {
        "schema_version": SCHEMA_VERSION,
        "size": job.options.image_size,
        "counts": {str(channels): count for channels, count in counts.items()},
        "files": records,
    }
    write_bytes(Path(f"{job.stem}.json"), json.dumps(index).encode())


def _write_file(
    base: FileRecord, options: DecodeOptions, files: dict[int, Any], counts: dict[int, int]
) -> FileRecord:
    """Write the frames of one file and return its record."""
    rows: list[tuple[int, int]] = []
    facts: list[Facts] = []
    n_hidden = 0
    for image, fact in decode_file(base.path, options):
        channels = 1 if image.ndim == 2 else 3
        files[channels].write(np.ascontiguousarray(image).data)
        rows.append((channels, counts[channels]))
        counts[channels] += 1
        facts.append(fact)
        n_hidden += bool(fact.low < fact.high and image.min() == image.max())
    if not facts:
        raise UnreadableFile("holds no image")
    if not _is_unchanged(base):
        raise UnreadableFile("was changed while it was read")
    first = facts[0]
    return base._replace(
        reason="",
        rows=tuple(rows),
        height=first.height,
        width=first.width,
        bits=first.bits,
        low=min(fact.low for fact in facts),
        high=max(fact.high for fact in facts),
        modality=first.modality,
        patient=first.patient,
        identity_removed=first.identity_removed,
        burned_in=first.burned_in,
        study=first.study,
        series=first.series,
        n_hidden=n_hidden,
    )


def _is_unchanged(record: FileRecord) -> bool:
    """Whether a file is still what it was when it was listed."""
    try:
        stat = os.stat(record.path)
    except OSError:
        return False
    return record.is_of(record.path, stat.st_size, stat.st_mtime_ns)


def read_shards(folder: Path, image_size: int) -> Iterator[tuple[RowStore, list[FileRecord]]]:
    """Yield every whole shard in a folder; a broken one is as good as none."""
    for index in sorted(folder.glob("*.json")):
        try:
            content = json.loads(index.read_bytes())
            stem = str(index)[: -len(".json")]
            if content["schema_version"] != SCHEMA_VERSION or content["size"] != image_size:
                continue
            arrays = {
                int(channels): _raw_rows(f"{stem}.{channels}.raw", count, image_size, int(channels))
                for channels, count in content["counts"].items()
            }
            records = [FileRecord.parse(values) for values in content["files"]]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        store = RowStore(arrays)
        if all(row < len(store.arrays[c]) for record in records for c, row in record.rows):
            yield store, records


def _raw_rows(path: str, count: int, size: int, channels: int) -> NDArray[np.uint8]:
    """Open the rows of a shard, of which those asked for are read."""
    form = (count, size, size) if channels == 1 else (count, size, size, channels)
    if count == 0:
        return np.zeros(form, np.uint8)
    rows: Any = StoredArray.of_rows(Path(path), form, np.uint8)
    return rows
