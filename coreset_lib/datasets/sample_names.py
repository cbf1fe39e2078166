"""Names of samples made from their row number, without a list of a million strings."""

from collections.abc import Sequence
from typing import overload


class RowNames(Sequence[str]):
    """The strings ``pattern.format(row)`` for rows 0 to ``count - 1``, made on demand."""

    def __init__(self, pattern: str, count: int) -> None:
        self._pattern = pattern
        self._rows = range(count)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self._pattern.format(row) for row in self._rows[index]]
        return self._pattern.format(self._rows[index])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, RowNames):
            return (self._pattern, self._rows) == (other._pattern, other._rows)
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self._pattern, self._rows))

    def __repr__(self) -> str:
        return f"RowNames({self._pattern!r}, {len(self)})"


def row_ids(part: str, count: int) -> RowNames:
    """Return ids such as ``train-00017``: unique over splits, in file order when sorted."""
    digits = max(5, len(str(count - 1)))
    return RowNames(f"{part}-{{:0{digits}d}}", count)
