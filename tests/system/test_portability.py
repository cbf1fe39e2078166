"""What only some systems have stands in ``coreset_lib/system`` and nowhere else."""

import ast
import os
import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOME = ROOT / "coreset_lib" / "system"
ABSENT_ON_WINDOWS = {
    *("fork", "forkpty", "execve", "killpg", "kill", "getpgid", "getpgrp", "setpgid", "setsid"),
    *("getuid", "geteuid", "getgid", "getlogin", "sysconf", "pread", "pwrite", "pathconf"),
    *("sched_getaffinity", "sched_setaffinity", "waitpid", "WNOHANG", "setpriority", "nice"),
    *("PRIO_PROCESS", "fchmod", "chown", "mkfifo", "statvfs", "uname", "getloadavg", "getppid"),
    *("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC", "O_DSYNC", "O_DIRECT", "O_CLOEXEC"),
    *("sendfile", "posix_fadvise", "posix_fallocate", "copy_file_range", "memfd_create"),
}
PORTABLE_SIGNALS = {"SIGINT", "signal", "getsignal", "default_int_handler", "Signals"}
ONE_SYSTEM = {
    *("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog"),
    *("msvcrt", "winreg", "_winapi", "nt"),
}
PLACES = ("/proc/", "/sys/", "/dev/", "/etc/", "/tmp/")


def special_things(source):
    """The line and name of everything in some Python text that not every system has."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in ABSENT_ON_WINDOWS:
                yield node.lineno, f"os.{name}"
            case ast.Attribute(value=ast.Name(id="os"), attr="name"):
                yield node.lineno, "os.name"
            case ast.Attribute(value=ast.Name(id="sys"), attr="platform"):
                yield node.lineno, "sys.platform"
            case ast.Attribute(value=ast.Name(id="platform"), attr="system"):
                yield node.lineno, "platform.system"
            case ast.Attribute(value=ast.Name(id="signal"), attr=name):
                if name not in PORTABLE_SIGNALS:
                    yield node.lineno, f"signal.{name}"
            case ast.Import(names=names):
                yield from ((node.lineno, each.name) for each in names if each.name in ONE_SYSTEM)
            case ast.ImportFrom(module=name) if name in ONE_SYSTEM:
                yield node.lineno, name
            case ast.ImportFrom(module="os" | "signal" | "sys" as name):
                for each in node.names:
                    if each.name in ABSENT_ON_WINDOWS | {"platform"} or each.name.isupper():
                        yield node.lineno, f"{name}.{each.name}"
            case ast.keyword(arg="start_new_session" | "preexec_fn" | "creationflags" as name):
                yield node.value.lineno, name
            case ast.Constant(value=str(text)) if text.startswith(PLACES):
                yield node.lineno, text
            case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[_, ast.Constant(value=v)]):
                if v in ABSENT_ON_WINDOWS:
                    yield node.lineno, v


def sources():
    for package in ("coreset_lib", "dashboard", "pages"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if HOME not in path.parents:
                yield path


def test_only_one_package_knows_what_system_it_runs_on():
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in sources()
        for line, name in special_things(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "os.fork()",
        "hasattr(os, 'sched_getaffinity')",
        "os.open(p, os.O_NOFOLLOW)",
        "import fcntl",
        "from resource import getrusage",
        "from os import killpg",
        "from signal import SIGKILL",
        "signal.signal(signal.SIGTERM, f)",
        "Popen(c, start_new_session=True)",
        "Path('/proc/cpuinfo')",
        "x = 1 if sys.platform == 'linux' else 2",
        "os.name == 'nt'",
    ],
)
def test_the_search_finds_what_it_is_for(text):
    assert list(special_things(text))


def test_the_search_lets_pass_what_every_system_has():
    text = "os.replace(a, b); os.open(p, os.O_RDWR); signal.signal(signal.SIGINT, f); x = '/runs'"
    assert not list(special_things(text))
    assert hasattr(os, "replace")
    assert hasattr(signal, "SIGINT")


def test_the_home_of_system_calls_is_where_the_search_expects_it():
    known = {name for path in HOME.glob("*.py") for _, name in special_things(path.read_text())}
    assert {"signal.SIGKILL", "os.killpg", "sys.platform", "resource"} <= known
