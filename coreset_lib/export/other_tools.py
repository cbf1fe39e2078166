"""A coreset in the forms that other tools read: PyTorch indices, FiftyOne JSON."""

import io
import json

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coreset_lib.scores.score import ScoreValues
from coreset_lib.selection.problem import Coreset


def indices_file(indices: NDArray[np.intp]) -> bytes:
    """Return positions in the training split, ascending, as the bytes of a ``.npy`` file.

    Use them as ``torch.utils.data.Subset(train_set, numpy.load(file).tolist())``.
    """
    buffer = io.BytesIO()
    np.save(buffer, np.sort(indices).astype(np.int64), allow_pickle=False)
    return buffer.getvalue()


def fiftyone_file(samples: pd.DataFrame, coreset: Coreset, score: ScoreValues | None) -> bytes:
    """Return the chosen samples as JSON of the form ``FiftyOneDataset`` imports.

    One entry per sample with ``filepath``, a classification under ``ground_truth``, the
    sample's id, and the score. ``filepath`` is the source that the dataset named: a file
    for image folders, archive and row for ``.npz`` files, which FiftyOne can list but not
    show.
    """
    entries = []
    chosen = np.sort(coreset.indices)
    for index, row in zip(chosen.tolist(), samples.iloc[chosen].to_dict("records"), strict=True):
        entry = {
            "filepath": str(row["source"]),
            "tags": ["coreset"],
            "ground_truth": {"_cls": "Classification", "label": str(row["class_name"])},
            "sample_id": str(row["sample_id"]),
            "index": index,
        }
        if score is not None:
            entry[score.name] = float(score.values[index])
        entries.append(entry)
    return (json.dumps({"samples": entries}, ensure_ascii=False, indent=1) + "\n").encode()
