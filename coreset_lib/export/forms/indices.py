"""Positions of the chosen samples, for ``torch.utils.data.Subset``."""

import io

import numpy as np

from coreset_lib.export.forms.chosen import ChosenSamples


def indices_file(chosen: ChosenSamples) -> bytes:
    """Return positions in the training split, ascending, as the bytes of a ``.npy`` file.

    Use them as ``torch.utils.data.Subset(train_set, numpy.load(file).tolist())``.
    """
    buffer = io.BytesIO()
    np.save(buffer, chosen.indices.astype(np.int64), allow_pickle=False)
    return buffer.getvalue()
