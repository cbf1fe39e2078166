"""The whole program where no other machine can be reached: the kernel counts who tries."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from app_pages import PAGES

INSIDE = Path(__file__).parents[1] / "oracles" / "without_network.py"
ROOT = Path(__file__).parents[2]
LENS = (sys.executable, "-c", "from coreset_lib.cli import main; main()")
HOSTILE = ("a__b", "<script>alert(1)</script>", "=1+1|$x$ :red[x]")
READER = "r__1_"
NET = ("--model", "small_cnn", "--epochs", "4", "--device", "cpu")
DATA = ("--dataset", "cells__v2_.npz")
WAYS = ("--strategy", "top", "--score", "forgetting")
EVALUATION = ("--rates", "0.2", "--seeds", "1", "--epochs", "1", "--out", "e.csv")
COMMANDS = (
    ("datasets",),
    ("check", *DATA),
    ("train", *DATA, *NET),
    ("score", "latest", "--score", "forgetting", "--out", "scores.csv"),
    ("select", "latest", *WAYS, "--rate", "0.2", "--out", "core.csv"),
    ("rebuild", "core.csv"),
    ("evaluate", "latest", *WAYS, *EVALUATION),
    ("review", "users", "--add", READER, "--role", "admin", "--as", READER),
    ("review", "status", "latest"),
    ("report", "latest", "--out", "report.html"),
)


@pytest.fixture
def alone(tmp_path):
    """Return a function that carries out a plan in a network namespace of its own."""
    unshare = shutil.which("unshare")
    if unshare is None or os.geteuid() != 0 or not _has_namespaces(unshare):
        message = "only root on Linux makes a network namespace"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)

    def carry_out(**plan):
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        done = subprocess.run(
            [unshare, "--net", "--mount", sys.executable, str(INSIDE), "plan.json"],
            cwd=tmp_path,
            env=os.environ
            | {
                "PYTHONPATH": str(ROOT),
                "OMP_NUM_THREADS": "1",
                "CORESET_LENS_CACHE": str(tmp_path / "cache"),
            },
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.splitlines()[-1])

    return carry_out


def _has_namespaces(unshare):
    """Whether this machine lets us make one."""
    command = [unshare, "--net", "--mount", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def save_hostile(path, dataset):
    """Write a dataset whose classes have the names that a person may give them."""
    arrays = {"class_names": np.array(HOSTILE)}
    for part in ("train", "val", "test"):
        split = getattr(dataset, part)
        arrays |= {f"{part}_images": split.images, f"{part}_labels": split.labels % len(HOSTILE)}
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    "question",
    [
        "socket.create_connection(('192.0.2.7', 80), 5)",
        "socket.getaddrinfo('h.invalid', 80)",
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b'x', ('2001:db8::1', 53))",
    ],
)
def test_the_kernel_counts_a_question_to_another_machine(alone, question):
    asked = f"import contextlib, socket\nwith contextlib.suppress(OSError):\n    {question}"
    told = alone(commands=[[sys.executable, "-c", asked]])
    assert told["statuses"] == [0]
    assert told["sent"] > 0


def test_commands_and_every_page_of_a_real_server_ask_nobody(alone, tmp_path, make_dataset):
    save_hostile(tmp_path / "cells__v2_.npz", make_dataset(n_train=60))
    port = free_port()
    told = alone(
        commands=[[*LENS, *arguments] for arguments in COMMANDS],
        server={
            "arguments": [*LENS, "dashboard", "--no-browser", "--port", str(port)],
            "port": port,
            "token": "known",
            "pages": list(PAGES),
        },
    )
    assert told["statuses"] == [0] * len(COMMANDS)
    assert told["pages"] == {page: [] for page in PAGES}
    assert told["sent"] == 0


def test_the_demo_asks_nobody(alone):
    port = free_port()
    told = alone(
        commands=[],
        server={
            "arguments": [*LENS, "demo", "--no-browser", "--port", str(port)],
            "port": port,
            "token": "known",
            "pages": ["runs", "trajectories", "map"],
        },
        after=[[*LENS, "stop", "latest"]],
    )
    assert told["statuses"] == [0]
    assert all(not faults for faults in told["pages"].values()), told["pages"]
    assert told["sent"] == 0
