"""Checks of single values that several packages share; each raises one clear sentence."""

import math
from collections.abc import Container, Iterable
from difflib import get_close_matches

from coreset_lib.errors import CoresetError


def check_choice(argument: str, value: str, choices: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``choices``; else name them all, nearest first."""
    if isinstance(choices, Container) and value in choices:
        return value  # without asking a registry for all its names
    names = list(choices)
    if value in names:
        return value
    near = get_close_matches(value, names, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise CoresetError(f"{argument} must be one of {', '.join(names)}, got {value!r}.{hint}")


def check_rate(value: float, *, argument: str = "selection rate") -> float:
    """Return a share in (0, 1]; a percentage gets told how to write it."""
    if math.isfinite(value) and 0 < value <= 1:
        return float(value)
    hint = (
        f"For {value:g} % write {value / 100:g}."
        if math.isfinite(value) and 1 < value <= 100
        else "Give the share to keep, for example 0.1 for 10 %."
    )
    raise CoresetError(f"{argument} must be in (0, 1], got {value:g}. {hint}")


def check_share(argument: str, value: float) -> float:
    """Return a share in [0, 1)."""
    if math.isfinite(value) and 0 <= value < 1:
        return float(value)
    raise CoresetError(
        f"{argument} must be at least 0 and below 1, got {value:g}. For 20 % write 0.2."
    )


def check_whole(argument: str, value: int, *, least: int, most: int | None = None) -> int:
    """Return a whole number in [least, most]."""
    if value >= least and (most is None or value <= most):
        return int(value)
    rule = f"at least {least}" if most is None else f"from {least} to {most}"
    raise CoresetError(f"{argument} must be {rule}, got {value}.")


def check_real(
    argument: str, value: float, *, above: float = -math.inf, most: float = math.inf
) -> float:
    """Return a finite number in (above, most]."""
    if math.isfinite(value) and above < value <= most:
        return float(value)
    rule = f"a finite number above {above:g}"
    if math.isfinite(most):
        rule += f" and at most {most:g}"
    raise CoresetError(f"{argument} must be {rule}, got {value:g}.")
