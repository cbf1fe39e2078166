"""Independent random streams from one seed, named so that no two uses share one."""

import zlib

import numpy as np


def stream(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return a generator that depends only on ``seed`` and what it is used for."""
    return np.random.default_rng(_entropy(seed, purpose))


def stream_seed(seed: int, *purpose: str | int) -> int:
    """Return a 63-bit seed for libraries that take a number."""
    state = np.random.SeedSequence(_entropy(seed, purpose)).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def _entropy(seed: int, purpose: tuple[str | int, ...]) -> list[int]:
    """Turn names into numbers that do not change between Python processes."""
    return [seed, *(p if isinstance(p, int) else zlib.crc32(p.encode()) for p in purpose)]
