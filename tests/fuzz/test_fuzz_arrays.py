"""Archives of arrays, and single arrays, of every form and damage."""

import io

import hostile_input as hostile
import numpy as np

DTYPES = ("uint8", "int8", "uint16", "int64", "float32", "float16", "bool", "U3", "complex64", "S2")
NAMES = ("train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels")


def good_arrays(rng):
    """Return the arrays of a small set of images."""
    numbers = np.random.default_rng(rng.randrange(2**32))
    arrays = {}
    for part, count in (("train", 9), ("val", 6), ("test", 6)):
        arrays[f"{part}_images"] = numbers.integers(0, 256, (count, 8, 8), np.uint8)
        arrays[f"{part}_labels"] = (np.arange(count) % 3)[:, None].astype(np.uint8)
    return arrays


def odd_array(rng, like):
    """Return an array that is not what belongs in its place."""
    kind = rng.randrange(8) if like.ndim else 4
    with np.errstate(all="ignore"):
        if kind == 0:
            return like.astype(rng.choice(DTYPES)) if like.dtype.kind in "uif" else like
        if kind == 1:
            return like[: rng.randrange(len(like) + 1)]
        if kind == 2:
            return like.reshape(-1) if rng.random() < 0.5 else like[..., None, None]
        if kind == 3:
            return np.full(like.shape, rng.choice((np.nan, np.inf, -1.0, 1e300)))
        if kind == 4:
            return np.asarray(rng.choice((0, "text", 3.5, b"bytes")))
        if kind == 5:
            return np.asfortranarray(like)
        if kind == 6:
            return np.zeros(tuple(rng.randrange(4) for _ in range(rng.randrange(6))), like.dtype)
        return np.full(like.shape, rng.choice((0, 255)))


def archive(rng):
    """Return the content of an archive, spoilt in one to three ways, or not at all."""
    arrays = good_arrays(rng)
    for _ in range(rng.randrange(4)):
        name = rng.choice(NAMES)
        kind = rng.random()
        if kind < 0.2:
            arrays.pop(name, None)
        elif kind < 0.3:
            arrays[rng.choice(("class_names", "task", "patient_ids", "images", "labels", "X"))] = (
                odd_array(rng, np.array(["a", "b", "c"]) if rng.random() < 0.5 else np.arange(9))
            )
        elif kind < 0.35:
            arrays[name] = np.array([{"a": 1}], dtype=object)
        elif name in arrays:
            arrays[name] = odd_array(rng, arrays[name])
    file = io.BytesIO()
    save = np.savez if rng.random() < 0.7 else np.savez_compressed
    save(file, **arrays)
    content = file.getvalue()
    return hostile.damaged(rng, content) if rng.random() < 0.3 else content


def test_no_archive_ends_in_a_traceback(tmp_path):
    path = tmp_path / "odd.npz"

    def attempt(rng, _):
        content = archive(rng)
        path.write_bytes(content)
        status = hostile.command(["check", "--dataset", path, "--cache", tmp_path / "cache"])
        assert path.read_bytes() == content
        return status

    hostile.each(700, "archive", attempt)
