"""A coreset for FiftyOne."""

import json
import math

from coreset_lib.export.forms.chosen import ChosenSamples


def fiftyone_file(chosen: ChosenSamples) -> bytes:
    """Return the chosen samples as the ``samples.json`` that ``LegacyFiftyOneDataset`` imports.

    (The newer ``FiftyOneDataset`` defers to it and loses ``rel_dir``, without which no relative
    path is found.)

    One entry per sample with ``filepath``, a classification under ``ground_truth``, the
    sample's id, and the score. ``filepath`` is the source that the dataset named: a file
    for image folders, archive and row for ``.npz`` files, which FiftyOne can list but not
    show.
    """
    score = chosen.export.provenance.get("selection", chosen.export.provenance.get("samples", {}))
    entries = []
    for index, row in chosen:
        entry = {
            "filepath": row["source"],
            "tags": ["coreset"],
            "ground_truth": {"_cls": "Classification", "label": row["class_name"]},
            "sample_id": row["sample_id"],
            "index": index,
        }
        name = score.get("score")
        if name in row and math.isfinite(row[name]):
            entry[name] = row[name]
        entries.append(entry)
    return (json.dumps({"samples": entries}, ensure_ascii=False, indent=1) + "\n").encode()
