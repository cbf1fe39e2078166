"""What other packages bring: scores, strategies, networks and dataset sources.

A package names them among its entry points. They stand behind our own in the same registries,
so that the command line, the forms and the records of a run know them by their names.
"""

import importlib
import logging
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from typing import Any, Generic, TypeVar, cast

from coreset_lib.errors import CoresetError

log = logging.getLogger(__name__)

T = TypeVar("T")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_REGISTRIES: list["Registry[Any]"] = []


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """One thing that another package brings.

    Attributes
    ----------
    kind : {"score", "strategy", "network", "source"}
    name : str
        As on the command line.
    package, version : str
        The package that brings it.
    """

    kind: str
    name: str
    package: str
    version: str

    @property
    def origin(self) -> str:
        """Where it comes from, in words: ``from package X 1.2``."""
        return f"from package {self.package} {self.version}"

    def as_dict(self) -> dict[str, str]:
        """Return plain values for JSON."""
        return asdict(self)


class Registry(Mapping[str, T], Generic[T]):
    """Our own members by name, and behind them those of other packages.

    Other packages are looked for once, and only when somebody lists all members or asks for a
    name that is not our own. One that cannot be used is left out, named in the log and in
    :attr:`problems`.

    Parameters
    ----------
    kind : {"score", "strategy", "network", "source"}
        What the members are.
    built_in : mapping of name to member
        A member may be written as "module:name", which is imported when it is asked for.
    group : str
        Entry point group of other packages, as "coreset_lens.scores".
    type_of_member : type
        What an entry point must lead to.
    credit : callable
        ``credit(member, words)`` returns the member with ``words`` in what it says of its
        source.
    """

    def __init__(
        self,
        kind: str,
        built_in: Mapping[str, T | str],
        *,
        group: str,
        type_of_member: type[T],
        credit: Callable[[T, str], T],
    ) -> None:
        self.kind = kind
        self._built_in = built_in
        self._group = group
        self._type = type_of_member
        self._credit = credit
        self.built_in_names = tuple(built_in)
        _REGISTRIES.append(self)

    def __getitem__(self, name: str) -> T:
        if name in self._built_in:
            member = self._built_in[name]
            return cast(T, load_object(member) if isinstance(member, str) else member)
        return self._found[0][name][0]

    def __contains__(self, name: object) -> bool:
        return name in self._built_in or name in self._found[0]

    def __iter__(self) -> Iterator[str]:
        yield from self._built_in
        yield from self._found[0]

    def __len__(self) -> int:
        return len(self._built_in) + len(self._found[0])

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each plug-in that was left out."""
        return self._found[1]

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """What other packages bring here."""
        return tuple(plugin for _, plugin in self._found[0].values())

    def plugin(self, name: str | None) -> Plugin | None:
        """Return who brings a member; None for our own and for unknown names."""
        if name is None or name in self._built_in or name not in self._found[0]:
            return None
        return self._found[0][name][1]

    @contextmanager
    def blaming(self, name: str) -> Generator[None]:
        """Turn whatever a member of another package raises into a sentence that names it."""
        try:
            yield
        except CoresetError:
            raise
        except Exception as error:
            plugin = self.plugin(name)
            if plugin is None:
                raise
            log.debug("%s %s failed", self.kind, name, exc_info=True)
            raise CoresetError(
                f"{self.kind} {name} {plugin.origin} failed with {_in_words(error)}. "
                "Tell the package's authors, or use another one."
            ) from error

    @cached_property
    def _found(self) -> tuple[dict[str, tuple[T, Plugin]], tuple[str, ...]]:
        """Members of other packages, and a sentence for each that cannot be used."""
        found: dict[str, tuple[T, Plugin]] = {}
        problems: list[str] = []
        for entry in sorted(entry_points(group=self._group), key=_order_of):
            plugin = _described(self.kind, entry)
            try:
                member = self._load(entry, found)
            except CoresetError as error:
                problems.append(f"{self.kind} {entry.name} {plugin.origin} was left out: {error}")
                log.warning("%s", problems[-1])
                continue
            found[entry.name] = (self._credit(member, plugin.origin), plugin)
        return found, tuple(problems)

    def _load(self, entry: EntryPoint, found: Mapping[str, tuple[T, Plugin]]) -> T:
        """Import a member of another package; raises CoresetError if it cannot be used."""
        if _NAME.fullmatch(entry.name) is None:
            raise CoresetError(
                "its name must be of small letters, digits and _, a letter first, 40 at most."
            )
        if entry.name in self._built_in:
            raise CoresetError(f"its name is that of a built-in {self.kind}. It needs another.")
        if entry.name in found:
            other = found[entry.name][1]
            raise CoresetError(f"its name is taken by package {other.package}. Uninstall one.")
        try:
            member = entry.load()
        except Exception as error:  # other people's code may raise anything
            log.debug("%s cannot be imported", entry.value, exc_info=True)
            raise CoresetError(f"it cannot be imported ({_in_words(error)}).") from error
        if not isinstance(member, self._type):
            raise CoresetError(
                f"{entry.value} must be a {self._type.__module__}.{self._type.__name__}, "
                f"got {type(member).__name__}."
            )
        return member


def with_source(member: Any, words: str) -> Any:
    """Return a description whose ``source`` ends in the words: the ``credit`` of most."""
    return replace(member, source=f"{member.source}; {words}" if member.source else words)


def load_object(place: str) -> Any:
    """Return what stands at "module:name"."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def all_plugins() -> list[Plugin]:
    """Return what other packages bring, of every kind that was imported."""
    return [plugin for registry in _REGISTRIES for plugin in registry.plugins]


def all_problems() -> list[str]:
    """Return a sentence for each plug-in that was left out, of every kind that was imported."""
    return [problem for registry in _REGISTRIES for problem in registry.problems]


def check_installed(records: Any) -> None:
    """Raise CoresetError if a recorded plug-in is not here; another version is only logged.

    Parameters
    ----------
    records : list of dict
        As `Plugin.as_dict` gives them; anything else is passed over.
    """
    for record in records if isinstance(records, list) else ():
        try:
            wanted = Plugin(**record)
        except TypeError:
            continue
        registry = next((each for each in _REGISTRIES if each.kind == wanted.kind), None)
        if registry is None:
            continue
        here = registry.plugin(wanted.name)
        if here is None or here.package != wanted.package:
            raise CoresetError(
                f"{wanted.kind} {wanted.name} {wanted.origin} is needed, which is not here. "
                f"Install it: pip install {wanted.package}=={wanted.version}"
            )
        if here.version != wanted.version:
            log.warning(
                "%s %s was made %s, which is here as %s; results may differ.",
                wanted.kind, wanted.name, wanted.origin, here.version,
            )  # fmt: skip


def _described(kind: str, entry: EntryPoint) -> Plugin:
    """Say which package an entry point belongs to."""
    package = entry.dist.name if entry.dist is not None else "(unknown)"
    try:
        found = version(package)
    except (PackageNotFoundError, ValueError):
        found = "(unknown)"
    return Plugin(kind=kind, name=entry.name, package=package, version=found)


def _order_of(entry: EntryPoint) -> tuple[str, str, str]:
    """Sort by name, then by package, whatever order folders are searched in."""
    return entry.name, entry.dist.name if entry.dist is not None else "", entry.value


def _in_words(error: Exception) -> str:
    """Name an error on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200].rstrip(": .")
