"""Kill what computes and writes, over and over, and look whether anything is lost or half.

Each kill is a SIGKILL of a process at work: half of them after a random time, half at a random
file that it flushes or renames. Then everything in the cache is read, the same command is given
again as a person would, and its result is compared, bit by bit, with one that nobody disturbed.
The map of UMAP is left out: importing it takes longer than all the work here together.
"""

import contextlib
import hashlib
import importlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measuring import parser, publish

from coreset_lib.cli import main as command_line

COUNTS = {
    "train": 28,
    "evaluate": 16,
    "refine": 12,
    "prepare": 12,
    "ensemble": 12,
    "review import": 10,
    "export": 10,
}
MOST_TRIES = 20
WORKER = "coreset_lib.training.running.worker"
TRAINING = ("--model", "small_cnn", "--device", "cpu", "--epochs", "4", "--batch-size", "30")
Digests = dict[str, str]


@dataclass(frozen=True)
class Work:
    """One kind of work.

    Attributes
    ----------
    name : str
    command : callable
        Takes the folder; returns what is typed behind ``coreset-lens``.
    again : callable
        Takes the folder; gives the command again as a person would after the kill.
    result : callable
        Takes the folder; returns a digest of every part of the result that is there.
    """

    name: str
    command: Callable[[Path], list[str]]
    again: Callable[[Path], None]
    result: Callable[[Path], Digests]


def main() -> None:
    arguments = parser(__doc__ or "")
    arguments.add_argument("--share", type=float, default=1.0, help="of the kills to make")
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    _load_everything()
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        base = _make_base(Path(folder) / "work").rename(Path(folder) / "base")
        found = {
            work.name: _try_all(work, base, round(COUNTS[work.name] * given.share) or 1, rng)
            for work in WORKS
        }
    total = {key: sum(kind[key] for kind in found.values()) for key in _SUMMED}
    publish("kills", {"total": total, "kinds": found}, folder=given.out)
    sys.exit(total["same_bits"] < total["kills"])


_SUMMED = ("kills", "by_clock", "at_a_write", "readable", "same_bits")


def _try_all(work: Work, base: Path, n_kills: int, rng: random.Random) -> dict[str, Any]:
    """Kill one kind of work so many times."""
    whole, seconds, n_writes = _undisturbed(work, base)
    found: dict[str, Any] = {**dict.fromkeys(_SUMMED, 0), "failures": []}
    for number in range(n_kills):
        is_by_clock = number % 2 == 0 or not n_writes
        with _work_folder(base) as folder:
            _kill_once(
                work, base, folder, rng, seconds=seconds if is_by_clock else 0.0, n_writes=n_writes
            )
            is_readable = _is_readable(work, folder, whole)
            work.again(folder)
            result = work.result(folder)
            differing = sorted(n for n in {*whole, *result} if whole.get(n) != result.get(n))
            log = (folder / "log").read_text(errors="replace")[-2000:] if differing else ""
        found["kills"] += 1
        found["by_clock" if is_by_clock else "at_a_write"] += 1
        found["readable"] += is_readable
        found["same_bits"] += not differing
        if differing or not is_readable:
            failure = {"number": number, "readable": is_readable, "differing": differing}
            found["failures"].append(failure)
            sys.stderr.write(f"{failure}\n{log}\n")
        sys.stderr.write(f"{work.name} {number + 1}/{n_kills}\n")
    return {**found, "seconds_undisturbed": seconds, "writes_undisturbed": n_writes}


@contextlib.contextmanager
def _work_folder(base: Path) -> Generator[Path]:
    """Yield where the work is done, always under one name: some results name their files."""
    folder = base.with_name("work")
    shutil.rmtree(folder, ignore_errors=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _undisturbed(work: Work, base: Path) -> tuple[Digests, float, int]:
    """Return the result, the seconds and the number of writes of work that nobody kills."""
    with _work_folder(base) as folder:
        shutil.copytree(base, folder)
        counter = multiprocessing.Value("i", 0)
        began = time.perf_counter()
        process = _start(work.command(folder), folder, counter=counter)
        process.join()
        seconds = time.perf_counter() - began
        assert process.exitcode == 0, (folder / "log").read_text()
        return work.result(folder), seconds, counter.value


def _kill_once(
    work: Work, base: Path, folder: Path, rng: random.Random, *, seconds: float, n_writes: int
) -> None:
    """Start the work in a fresh copy and kill it while it lives."""
    for _ in range(MOST_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(base, folder)
        at = 0 if seconds else rng.randint(1, max(n_writes, 1))
        process = _start(work.command(folder), folder, kill_at=at)
        if seconds:
            time.sleep(rng.uniform(0, seconds))
            process.kill()
        process.join()
        if process.exitcode == -signal.SIGKILL:
            return
    raise RuntimeError(f"{work.name} was too fast to be killed {MOST_TRIES} times")


def _is_readable(work: Work, folder: Path, whole: Digests) -> bool:
    """Whether the cache can be read, and every finished output is the undisturbed one."""
    is_listed = _here(["runs", "--cache", str(folder / "cache")], folder) == 0
    left = {name: digest for name, digest in work.result(folder).items() if name.startswith("out/")}
    return is_listed and all(whole.get(name) == digest for name, digest in left.items())


# --- processes ----------------------------------------------------------------------------------


def _load_everything() -> None:
    """Import what the work needs once: children are forked, and begin at once."""
    for name in ("alembic.command", "pandas", "sklearn.decomposition", WORKER):
        importlib.import_module(name)
    import torch

    torch.set_num_threads(1)
    sys.modules["umap"] = None  # type: ignore[assignment]  # takes longer than all else together


def _start(
    arguments: Sequence[str], folder: Path, *, kill_at: int = 0, counter: Any = None
) -> multiprocessing.Process:
    """Run a command line in a process of its own."""
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_child, args=(list(arguments), folder, kill_at, counter))
    process.start()
    return process  # type: ignore[return-value]


def _child(arguments: list[str], folder: Path, kill_at: int, counter: Any) -> None:
    """Be ``coreset-lens``, and perhaps die at a write."""
    with (folder / "log").open("ab", buffering=0) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    for name in ("fsync", "replace", "rename"):
        setattr(os, name, _deadly(getattr(os, name), kill_at, counter))
    sys.argv = ["coreset-lens", *arguments]
    try:
        command_line()
    except SystemExit as ended:
        os._exit(ended.code if isinstance(ended.code, int) else 0)


_made = [0]


def _deadly(write: Callable[..., Any], kill_at: int, counter: Any) -> Callable[..., Any]:
    """Return a way to write that ends the process at the n-th of all writes."""

    def call(*args: Any, **options: Any) -> Any:
        _made[0] += 1
        if counter is not None:
            counter.value = _made[0]
        if _made[0] == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return write(*args, **options)

    return call


def _here(arguments: Sequence[str], folder: Path) -> int:
    """Run a command to its end and return its status."""
    process = _start(arguments, folder)
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _repeat(command: Callable[[Path], list[str]]) -> Callable[[Path], None]:
    """Return what gives the same command again."""

    def again(folder: Path) -> None:
        _here(command(folder), folder)

    return again


# --- what is worked on --------------------------------------------------------------------------


def _make_base(folder: Path) -> Path:
    """Make images, two runs of one recipe with wrong labels among theirs, and decisions."""
    from PIL import Image

    folder.mkdir()
    (folder / "out").mkdir()
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for part, count in (("train", 60), ("val", 20), ("test", 20)):
        labels = np.arange(count) % 3
        images = rng.integers(0, 120, (count, 12, 12), dtype=np.uint8)
        for row, label in enumerate(labels):
            images[row, 4 * label : 4 * label + 3] += 120
        arrays[f"{part}_images"], arrays[f"{part}_labels"] = (
            images,
            labels[:, None].astype(np.uint8),
        )
    np.savez(folder / "tiny.npz", **arrays)
    for row, label in enumerate(arrays["train_labels"][:, 0]):
        place = folder / "images" / f"class {label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(arrays["train_images"][row]).resize((40, 40)).save(place / f"{row}.png")
    for seed in ("1", "2"):
        noise = ("--label-noise", "symmetric:0.2", "--seed", seed)
        status = _here([*_train(folder), *noise], folder)
        assert status == 0, (folder / "log").read_text()
    _make_decisions(folder)
    return folder


def _make_decisions(folder: Path) -> None:
    """Write a table of decisions about the runs, and let somebody record them."""
    cache = ("--cache", str(folder / "cache"))
    grant = ["review", "users", "--add", "anna", "--role", "admin", "--as", "anna", *cache]
    assert _here(grant, folder) == 0
    (samples,) = {path.read_text() for path in (folder / "cache" / "runs").glob("*/samples.csv")}
    ids = [line.split(",")[1] for line in samples.splitlines()[1:31]]
    rows = "".join(f"{name},class 1,anna\n" for name in ids)
    (folder / "decisions.csv").write_text("sample_id,new,who\n" + rows)


def _cache(folder: Path) -> tuple[str, str]:
    return "--cache", str(folder / "cache")


def _runs(folder: Path) -> list[Path]:
    """Return the folders of runs, oldest first."""
    return sorted(path.parent for path in (folder / "cache" / "runs").glob("[!.]*/manifest.json"))


def _train(folder: Path) -> list[str]:
    return ["train", "--dataset", str(folder / "tiny.npz"), *TRAINING, *_cache(folder)]


def _train_anew(folder: Path) -> list[str]:
    more = ("--seed", "7", "--record-vog", "--keep-checkpoints", "3")
    return [*_train(folder), *more]


def _resume(folder: Path) -> None:
    """Resume the killed training; one that was not yet in the cache is started anew."""
    newest = _runs(folder)[-1]
    is_new = json.loads((newest / "manifest.json").read_bytes())["config"]["seed"] == 7
    if is_new and json.loads((newest / "status.json").read_bytes())["state"] == "finished":
        return
    if not is_new or _here(["train", "--resume", newest.name, *_cache(folder)], folder):
        _here(_train_anew(folder), folder)


def _evaluate(folder: Path) -> list[str]:
    plan = ("--rates", "0.4", "--seeds", "2", "--epochs", "2", "--strategy", "top,ccs")
    first = _runs(folder)[0].name
    return ["evaluate", first, "--out", str(folder / "out" / "table.csv"), *plan, *_cache(folder)]


def _refine(folder: Path) -> list[str]:
    plan = ("--budget", "6", "--rounds", "2", "--epochs", "2", "--ramp", "1")
    first = _runs(folder)[0].name
    table = str(folder / "out" / "table.csv")
    return ["refine", "start", first, "--out", table, *plan, *_cache(folder)]


def _prepare(folder: Path) -> list[str]:
    return ["prepare", "--dataset", str(folder / "images"), *_cache(folder)]


def _ensemble(folder: Path) -> list[str]:
    return ["ensemble", *(run.name for run in _runs(folder)[:2]), *_cache(folder)]


def _average_once(folder: Path) -> None:
    """Average the runs unless that was done before the kill."""
    if len(_runs(folder)) < 3:
        _here(_ensemble(folder), folder)


def _import(folder: Path) -> list[str]:
    table = str(folder / "decisions.csv")
    return ["review", "import", _runs(folder)[0].name, table, "--as", "anna", *_cache(folder)]


def _select(folder: Path) -> list[str]:
    out = str(folder / "out" / "table.csv")
    return ["select", _runs(folder)[0].name, "--rate", "0.3", "--out", out, *_cache(folder)]


# --- what came of it ----------------------------------------------------------------------------


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _arrays(folder: Path, name: str) -> Digests:
    """Return a digest of every array below a folder, under a name that does not change."""
    return {
        f"{name}/{path.relative_to(folder)}": _digest(path.read_bytes())
        for path in sorted(folder.rglob("*.npy"))
    }


def _newest_run(folder: Path) -> Digests:
    """Return the arrays of the newest run: planes, embeddings, gradients."""
    return _arrays(_runs(folder)[-1], "run")


def _outputs(folder: Path) -> Digests:
    """Return the finished files that were asked for, without when they were made."""
    found = {}
    for path in sorted((folder / "out").glob("[!.]*")):
        content = path.read_bytes()
        if path.suffix == ".json":
            content = json.dumps(_timeless(json.loads(content))).encode()
        found[f"out/{path.name}"] = _digest(content)
    return found


def _timeless(record: Any) -> Any:
    """Return a record without when it was made, and how long that took."""
    if isinstance(record, dict):
        return {k: _timeless(v) for k, v in record.items() if k not in ("created", "seconds")}
    return [*map(_timeless, record)] if isinstance(record, list) else record


def _prepared(folder: Path) -> Digests:
    """Return the arrays of the prepared images."""
    # Their names tell when the files were copied here.
    found = sorted(_arrays(folder / "cache" / "prepared", "prepared").values())
    return {f"prepared/{number}": digest for number, digest in enumerate(found)}


def _trail(folder: Path) -> Digests:
    """Return what the audit trail holds: all decisions of the table, or none."""
    from coreset_lib.review.store import open_reviews
    from coreset_lib.runs.store import RunStore

    store = RunStore(folder / "cache")
    fingerprint = store.find(_runs(folder)[0].name).manifest.dataset.fingerprint
    with open_reviews(folder / "cache") as reviews:
        events = reviews.events(fingerprint)
    told = [(e.sample_id, e.reader, e.action, e.old_label, e.new_label, e.previous) for e in events]
    assert len(told) in (0, 30), len(told)
    return {"out/trail": _digest(json.dumps(told).encode())} if told else {}


WORKS = (
    Work("train", _train_anew, _resume, _newest_run),
    Work("evaluate", _evaluate, _repeat(_evaluate), _outputs),
    Work("refine", _refine, _repeat(_refine), _outputs),
    Work("prepare", _prepare, _repeat(_prepare), _prepared),
    Work("ensemble", _ensemble, _average_once, _newest_run),
    Work("review import", _import, _repeat(_import), _trail),
    Work("export", _select, _repeat(_select), _outputs),
)


if __name__ == "__main__":
    main()
