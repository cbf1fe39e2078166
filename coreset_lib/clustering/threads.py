"""Run independent pieces of work in threads; the compiled kernels release the interpreter."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def run_each(
    work: Callable[[Item], Outcome], items: Iterable[Item], *, workers: int
) -> list[Outcome]:
    """Return ``work(item)`` for each item, in order; no thread is started for one worker."""
    if workers == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(work, items))
