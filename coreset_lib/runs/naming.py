"""What people call a run: a name and tags beside it, which change nothing that was computed."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from coreset_lib.atomic import write_json
from coreset_lib.errors import CoresetError
from coreset_lib.runs.paths import RunPaths

SCHEMA_VERSION = 1
LONGEST_NAME = 80
LONGEST_TAG = 30
LONGEST_NOTE = 300
ARCHIVED = "archived"  # a tag: lists leave the run out unless they are asked for it
MOST_TAGS = 20
_TAG = re.compile(r"\w[\w.+-]*")


@dataclass(frozen=True, kw_only=True)
class Naming:
    """A run's name and note, empty without, and its tags in the order of the alphabet."""

    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""


def read_naming(paths: RunPaths) -> Naming:
    """Return what a run is called; nothing where its file is missing or cannot be used."""
    try:
        record = json.loads(paths.naming.read_bytes())
        return Naming(
            name=check_run_name(record["name"]),
            tags=check_tags(record["tags"]),
            note=check_note(record.get("note", "")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Naming()


def write_naming(paths: RunPaths, naming: Naming) -> Naming:
    """Call a run by a name, tags and a note from now on, and return them tidied.

    The manifest stays as it is: neither results nor their provenance know of names.

    Raises
    ------
    CoresetError
        If a name, tag or note is not allowed, or the run cannot be written.
    """
    tidy = Naming(
        name=check_run_name(naming.name),
        tags=check_tags(naming.tags),
        note=check_note(naming.note),
    )
    record = {"schema_version": SCHEMA_VERSION, "name": tidy.name, "tags": list(tidy.tags)}
    if tidy.note:
        record["note"] = tidy.note
    try:
        write_json(paths.naming, record)
    except OSError as error:
        raise CoresetError(
            f"the name of run {paths.root.name} cannot be written: {error.strerror or error}. "
            "Check who owns its folder and whether the disk is full."
        ) from None
    return tidy


def check_run_name(name: str) -> str:
    """Return a name without spaces around it; raises CoresetError if it is too long or strange."""
    tidy = name.strip()
    if len(tidy) > LONGEST_NAME or not tidy.isprintable():
        raise CoresetError(
            f"name of a run must be one line of at most {LONGEST_NAME} characters, "
            f"got {name[:100]!r}. For example: liver, small network."
        )
    return tidy


def check_note(note: str) -> str:
    """Return a note without spaces around it; raises CoresetError for one that is too long."""
    tidy = note.strip()
    if len(tidy) > LONGEST_NOTE or not tidy.isprintable():
        raise CoresetError(
            f"note on a run must be one line of at most {LONGEST_NOTE} characters, got "
            f"{len(tidy)}. Shorten it."
        )
    return tidy


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags tidied, each once, sorted; raises CoresetError for one that is not allowed."""
    tidy = sorted({tag.strip() for tag in tags if tag.strip()}, key=str.casefold)
    for tag in tidy:
        if len(tag) > LONGEST_TAG or _TAG.fullmatch(tag) is None:
            raise CoresetError(
                f"tag must be one word of at most {LONGEST_TAG} letters, digits or any of _.+-, "
                f"got {tag[:60]!r}. For example: pilot."
            )
    if len(tidy) > MOST_TAGS:
        raise CoresetError(f"tags must be at most {MOST_TAGS} a run, got {len(tidy)}. Use fewer.")
    return tuple(tidy)


def has_tags(tags: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether all wanted tags are among ``tags``, whatever their case."""
    found = {tag.casefold() for tag in tags}
    return all(tag.strip().casefold() in found for tag in wanted)
