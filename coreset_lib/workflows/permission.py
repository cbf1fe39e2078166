"""Whether the person at a dashboard with a login may do what changes something for everybody.

A command line is its account's, whose rights are those of the file system. A dashboard says with
:func:`ask_with` how to find out who is there; every use case that starts, stops or changes
something asks before it does.
"""

from collections.abc import Callable
from dataclasses import dataclass

from coreset_lib.review.rights import check_role


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who has logged in.

    Attributes
    ----------
    name : str
        As among the readers of the review database.
    role : str or None
        Theirs there; None for somebody who is not among them.
    """

    name: str
    role: str | None


Asker = Callable[[], Person | None]


@dataclass
class _Door:
    """How to find out who is there."""

    ask: Asker


_door = _Door(ask=lambda: None)  # one for the whole process


def ask_with(ask: Asker) -> None:
    """Find out with this function who is there; it returns None where nobody logs in.

    Parameters
    ----------
    ask : callable
        May raise ReviewError, where somebody has to log in first.
    """
    _door.ask = ask


def check_permission(what: str) -> None:
    """Raise ReviewError unless whoever is there may do something.

    Parameters
    ----------
    what : {"start or stop work", "change runs", "delete runs"}
    """
    person = _door.ask()
    if person is not None:
        check_role(person.name, person.role, what)
