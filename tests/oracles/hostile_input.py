"""Hostile input: what people mistype, disks damage and attackers write, from a seed."""

import contextlib
import hashlib
import io
import os
import random
import signal
import traceback
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

from coreset_lib.cli import _run

# How many times as many inputs as in CI.
LONGER = float(os.environ.get("CORESET_LENS_FUZZ", "1"))
PATIENCE_SECONDS = 60
MOST_SHOWN = 5

TEXTS = (
    "", " ", "\n", "\t", "0", "-1", "1", "2", "5", "1e3", "1e400", "-0", "0.05", "5%", "nan", "NaN",
    "inf", "-inf", "1_000", "0x10", "٣", "²", "½", "1" * 25, "9" * 400, "None", "null", "true",
    "False", "[]", "{}", "a" * 300, "x" * 5000, "..", ".", "../..", "/dev/null", "/proc/self/mem",
    "/dev/full", "/etc/passwd", "~", "~nobody", "-", "--", "--help", "=", "=1+1", "@SUM(1)", "+1",
    "-1+1", "%s%n", "%00", "{0}", "${HOME}", "$(id)", "`id`", "; ls", "| cat", "'", '"', "\\",
    "<script>alert(1)</script>", "a,b", "1-10", "10-1", "1-1", "0-3", "1-2", "3-6", "1–3", "5-",
    "-5", "1:3", "a=b", "=b", "a=", "early=1-2", "k=3", "k=-1", "alpha=nan", "Müller", "患者",
    "\u202egnp.exe", "e\u0301", "\U0001f9e0", "\ufeff", "\u2028", "\x1b[31m", "\x07", "a\rb",
    "CON", "latest", "kidney", "spleen", "all", "none", "NONE", "auto", "cpu", "cuda", "cuda:7",
    "cuda:-1", "mps", "surrogate", "top", "random", "ccs", "eva", "aum", "tdds", "forgetting",
)  # fmt: skip
# What no argument of a process can hold, but a cell or a field of JSON can.
BYTES_TEXTS = ("\x00", "a\x00b", "\ud800", "\x85")
NUMBERS = (
    0, 1, -1, 2, 3, 255, 256, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**30, 0.5, -0.0, 1e-320,
    1e308, float("nan"), float("inf"), float("-inf"),
)  # fmt: skip


def times(n_inputs: int) -> range:
    """Return the numbers of so many inputs, or of more where ``CORESET_LENS_FUZZ`` says so."""
    return range(max(1, round(n_inputs * LONGER)))


def each(n_inputs: int, kind: str, attempt: Callable[[random.Random, int], Any]) -> None:
    """Try inputs, each from a seed of its own, and fail with the first few that went wrong.

    Parameters
    ----------
    n_inputs : int
        See `times`.
    kind : str
        Part of the seed, so that kinds do not share their inputs.
    attempt : callable
        Takes a generator of random numbers and the number of the input; returns 0 if the input
        was taken and 2 if it was refused, and raises if it went wrong.
    """
    failures: list[str] = []
    ends: set[object] = set()
    for number in times(n_inputs):
        try:
            with within(PATIENCE_SECONDS):
                ends.add(attempt(random.Random(f"{kind} {number}"), number))
        except (Exception, HangError):
            failures.append(f"{kind} {number}:\n{traceback.format_exc()}")
    text = "\n".join(failures[:MOST_SHOWN])
    assert not failures, f"{len(failures)} of {len(times(n_inputs))} inputs failed\n{text}"
    assert {0, 2} <= ends, f"some inputs must be taken and some refused, got {ends}"


class HangError(BaseException):
    """An input took longer than anything so small may take."""


@contextlib.contextmanager
def within(seconds: int) -> Generator[None]:
    """Raise HangError in a block that does not end, where the system can interrupt it."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def give_up(*_: object) -> None:
        raise HangError(f"not ended after {seconds} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def command(arguments: Iterable[object], *, allowed: tuple[int, ...] = (0, 2)) -> int:
    """Run a command line in this process; return its status.

    Fails unless it ends with an allowed status, and a refusal with one sentence.
    """
    words = [str(argument) for argument in arguments]
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = _run(words)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise AssertionError(f"{words} raised {type(error).__name__}: {error}") from error
    said = err.getvalue()
    assert status in allowed, (words, status, said)
    assert "Traceback" not in said + out.getvalue(), (words, said)
    if status == 2:
        assert said.rstrip("\n").rsplit("\n", 1)[-1].startswith("coreset-lens: "), (words, said)
    return status


def text(rng: random.Random, *, extra: tuple[str, ...] = ()) -> str:
    """Return a hostile text: a chosen one, a piece of two, or random letters."""
    pool = (*TEXTS, *extra)
    kind = rng.random()
    if kind < 0.75:
        return rng.choice(pool)
    if kind < 0.9:
        return rng.choice(pool) + rng.choice(pool)
    return "".join(
        chr(rng.choice((rng.randrange(32, 127), rng.randrange(160, 0x2000))))
        for _ in range(rng.randrange(12))
    )


def value(rng: random.Random, depth: int = 0) -> Any:
    """Return a hostile value for JSON."""
    kind = rng.randrange(8 if depth < 3 else 6)
    if kind == 0:
        return rng.choice((None, True, False))
    if kind in (1, 2):
        return rng.choice(NUMBERS)
    if kind < 6:
        return text(rng, extra=BYTES_TEXTS[:2])
    if kind == 6:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {text(rng): value(rng, depth + 1) for _ in range(rng.randrange(4))}


def changed(rng: random.Random, record: Any) -> Any:
    """Return a JSON record with one to three places taken out, replaced or added."""
    for _ in range(rng.randrange(1, 4)):
        record = _changed_once(rng, record)
    return record


def _changed_once(rng: random.Random, record: Any) -> Any:
    """Change one place of a record, anywhere in it."""
    if isinstance(record, dict) and record and rng.random() < 0.9:
        key = rng.choice(list(record))
        kind = rng.random()
        if kind < 0.15:
            return {name: kept for name, kept in record.items() if name != key}
        if kind < 0.2:
            return {**record, text(rng): value(rng)}
        return {**record, key: _changed_once(rng, record[key])}
    if isinstance(record, list) and record and rng.random() < 0.8:
        place = rng.randrange(len(record))
        return [*record[:place], _changed_once(rng, record[place]), *record[place + 1 :]]
    return value(rng)


def damaged(rng: random.Random, content: bytes) -> bytes:
    """Return a file's content as disks, editors and transfers spoil it."""
    kind = rng.randrange(8)
    place = rng.randrange(len(content) + 1)
    if kind == 0:
        return content[:place]
    if kind == 1:
        return content[place:]
    if kind == 2:
        return b""
    if kind == 3:
        return content[:place] + rng.randbytes(rng.randrange(1, 40)) + content[place:]
    if kind == 4:
        return content.replace(b"\n", rng.choice((b"\r\n", b"\r", b"", b"\n\n", b"\x00")))
    if kind == 5:
        return (
            rng.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"PK\x03\x04", b"\x93NUMPY\x01\x00"))
            + content
        )
    if kind == 6:
        return content + content[place:]
    spoilt = bytearray(content)
    for _ in range(rng.randrange(1, 12)):
        if spoilt:
            spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
    return bytes(spoilt)


def digest(folder: Path, *, skip: tuple[str, ...] = ()) -> dict[str, str]:
    """Return what stands in every file of a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.name not in skip
    }
