"""A coreset as a MONAI datalist."""

import json
import os
from pathlib import Path
from typing import Any

from coreset_lib.datasets.labeled_images import Split
from coreset_lib.export.forms.chosen import ChosenSamples
from coreset_lib.export.forms.source_files import SourceFile, common_folder, need_files


def monai_file(chosen: ChosenSamples) -> bytes:
    """Return a datalist: ``training`` holds the coreset, ``validation`` and ``test`` are whole.

    Use it as ``monai.data.load_decathlon_datalist(file, is_segmentation=False,
    data_list_key="training", base_dir=<the dataset's folder>)``. Paths are relative to the
    innermost folder that holds all files; ``frame``, from 0, is there for files of several.

    Raises
    ------
    CoresetError
        If the samples are rows of an array, or the dataset cannot be read.
    """
    dataset = chosen.dataset
    files = need_files(dataset, "MONAI")
    base = common_folder(files.values())
    n_train, n_val = len(dataset.train), len(dataset.val)
    parts = {
        "training": _items(dataset.train, chosen.indices.tolist(), 0, files, base),
        "validation": _items(dataset.val, range(n_val), n_train, files, base),
        "test": _items(dataset.test, range(len(dataset.test)), n_train + n_val, files, base),
    }
    return datalist(chosen, parts)


def datalist(chosen: ChosenSamples, parts: dict[str, list[dict[str, Any]]]) -> bytes:
    """Return items as the JSON of the Medical Segmentation Decathlon, which MONAI reads."""
    dataset = chosen.run.manifest.dataset
    names = dataset.label_names or dataset.class_names
    content = {
        "name": chosen.name,
        "description": f"Coreset of {dataset.title or dataset.name}, run {chosen.run.run_id}",
        "licence": dataset.licence,
        "labels": {str(number): name for number, name in enumerate(names)},
        "numTraining": len(parts["training"]),
        "numTest": len(parts["test"]),
        **parts,
    }
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def label_of(split: Split, row: int) -> int | list[int]:
    """Return the class of a sample, or 0 and 1 for each label that it may carry."""
    if split.multi_hot is None:
        return int(split.labels[row])
    return [int(value) for value in split.multi_hot[row]]


def _items(
    split: Split,
    rows: Any,
    first: int,
    files: dict[int, SourceFile],
    base: Path,
) -> list[dict[str, Any]]:
    """Return one entry per sample of a split; its first sample is row ``first`` of all."""
    items: list[dict[str, Any]] = []
    for row in rows:
        file = files[first + row]
        item = {
            "image": os.path.relpath(file.path, base).replace(os.sep, "/"),
            "label": label_of(split, row),
            "sample_id": split.sample_ids[row],
        }
        items.append(item | ({"frame": file.frame} if file.has_frames else {}))
    return items
