"""Whatever is typed behind ``coreset-lens``: status 0 or 2, one sentence, nothing lost."""

import shutil

import hostile_input as hostile
import pytest
import typer

from coreset_lib.cli import app

N_INPUTS = 1500
# Words that bring a command further than nonsense does.
FILES = ("dataset", "data_root", "labels", "table", "csv", "first", "second")
GOOD = ("0.1", "0.5", "1-2", "4-6", "top", "random", "eva", "aum", "entropy", "global", "k=3")


def all_commands(group, words=()):
    """Yield the words of every command, and its parameters."""
    for name, found in sorted(group.commands.items()):
        if hasattr(found, "commands"):
            yield from all_commands(found, (*words, name))
        else:
            yield (*words, name), found.params


COMMANDS = list(all_commands(typer.main.get_command(app)))


@pytest.fixture(scope="module")
def places(tmp_path_factory, fuzzed_cache, fuzzed_files):
    """A cache that may be spoilt, the files that may not, and where to write."""
    folder = tmp_path_factory.mktemp("lines")
    shutil.copytree(fuzzed_cache, folder / "cache")
    (folder / "out").mkdir()
    return folder / "cache", fuzzed_files, folder / "out"


def command_line(rng, places):
    """Return a command with some of its options, mostly with values that suit nowhere."""
    cache, files, out = places
    words, params = rng.choice(COMMANDS)
    line = list(words)
    inputs = [files / "tiny.npz", files / "images", files / "labels.csv", files, out / "gone"]
    outputs = [out / f"{rng.randrange(20)}.csv", out, out / "no" / "such", files / "labels.csv"]
    for param in params:
        is_argument = param.param_type_name == "argument"
        if param.name == "help" or rng.random() > (0.9 if is_argument or param.required else 0.25):
            continue
        if param.name == "cache":
            continue
        if getattr(param, "is_flag", False):
            line.append(rng.choice([*param.opts, *param.secondary_opts]))
            continue
        if rng.random() < 0.4:
            given = hostile.text(rng)
        elif param.name == "run":
            given = "latest"
        elif param.name in ("out", "report", "script"):
            given = str(rng.choice(outputs))
        elif param.name in FILES:
            given = str(rng.choice(inputs))
        else:
            given = rng.choice(GOOD)
        given = given.replace("\0", "")
        line += [given] if is_argument else [rng.choice(param.opts), given]
    if rng.random() < 0.1:
        line.insert(rng.randrange(len(line) + 1), hostile.text(rng))
    return [*line, "--cache", cache] if any(p.name == "cache" for p in params) else line


def test_every_command_is_among_the_lines():
    assert ("select",) in dict(COMMANDS)
    assert ("review", "import") in dict(COMMANDS)
    assert len(COMMANDS) > 35


def test_no_command_line_ends_in_a_traceback(places, tmp_path):
    del tmp_path
    cache, files, _ = places
    before = hostile.digest(files)
    planes = hostile.digest(cache / "runs")

    def attempt(rng, _):
        line = command_line(rng, places)
        # "Not the same" is what 1 means of rebuild, and of nothing else.
        return hostile.command(line, allowed=(0, 1, 2) if "rebuild" in line else (0, 2))

    hostile.each(N_INPUTS, "command line", attempt)
    assert hostile.digest(files) == before
    kept = hostile.digest(cache / "runs")
    for name in planes:
        if name.endswith((".npy", "samples.csv", "manifest.json")) and name in kept:
            assert kept[name] == planes[name], name
