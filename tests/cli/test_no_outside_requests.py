"""No command and no request of a stranger makes this program ask another machine."""

import http.client
import socket
import subprocess
import sys
import time

import pytest
from network_watch import ROOT, asked_outside, watched

from coreset_lib.cli.server_options import server_options

COMMAND = (sys.executable, "-c", "from coreset_lib.cli import main; main()")
STREAMLIT = (sys.executable, "-P", "-m", "streamlit", "run")
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
DATA = ("--dataset", "tiny.npz")
NET = ("--model", "small_cnn", "--epochs", "4", "--device", "cpu")
WAYS = ("--strategy", "top", "--score", "forgetting")
EVALUATION = ("--rates", "0.2", "--seeds", "1", "--epochs", "1", "--out", "e.csv")
COMMANDS = (
    ("datasets",),
    ("check", *DATA),
    ("train", *DATA, *NET),
    ("runs",),
    ("score", "latest", "--score", "forgetting", "--out", "scores.csv"),
    ("select", "latest", *WAYS, "--rate", "0.2", "--out", "core.csv"),
    ("rebuild", "core.csv"),
    ("evaluate", "latest", *WAYS, *EVALUATION),
    ("review", "users", "--add", "anna", "--role", "admin", "--as", "anna"),
    ("review", "status", "latest"),
)


def test_the_watch_sees_a_question_to_another_machine(tmp_path):
    asked = "".join(f"socket.getaddrinfo({name!r}, 1);" for name in ("localhost", "h.invalid"))
    question = f"import socket; {asked}"
    done = subprocess.run(
        [sys.executable, "-c", question], env=watched(tmp_path), capture_output=True, check=False
    )
    assert done.returncode == 1
    assert asked_outside(tmp_path) == ["socket.getaddrinfo 'h.invalid'"]


def test_no_command_asks_another_machine(tmp_path, make_dataset, save_npz):
    save_npz(tmp_path / "tiny.npz", make_dataset(n_train=60))
    environment = watched(tmp_path)
    for arguments in COMMANDS:
        done = subprocess.run(
            [*COMMAND, *arguments], cwd=tmp_path, env=environment, capture_output=True, check=False
        )
        assert done.returncode == 0, (arguments, done.stderr.decode()[-500:])
    assert asked_outside(tmp_path) == []


@pytest.fixture
def free_port_here():
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def server(tmp_path, free_port_here):
    """A watched server as the command starts it: its port."""
    port = free_port_here
    process = subprocess.Popen(
        [*COMMAND, "dashboard", "--no-browser", "--port", str(port), "--cache", "cache"],
        cwd=tmp_path,
        env={**watched(tmp_path), "CORESET_LENS_TOKEN": "known"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(port)
    yield port
    process.terminate()
    process.wait(timeout=30)


def wait_for(port):
    """Wait until the server answers."""
    for _ in range(300):
        try:
            return answer(port, "/_stcore/health")
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server did not start")


def answer(port, path, **headers):
    """Return the status of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_page_of_another_origin_reads_nothing_and_makes_the_server_ask_nobody(server, tmp_path):
    known = {"Cookie": f"coreset-lens-token-{server}=known"}
    for origin in ("http://evil.example", "https://10.1.2.3", "null"):
        for path in ("/_stcore/stream", "/_stcore/host-config", "/runs"):
            assert answer(server, path, Origin=origin, **UPGRADE, **known) == 403
            assert answer(server, path, Origin=origin, **known) == 403
    assert answer(server, "/_stcore/stream", Host="evil.example", **UPGRADE, **known) == 403
    assert answer(server, "/_stcore/stream", **UPGRADE) == 403
    own = f"http://127.0.0.1:{server}"
    assert answer(server, "/_stcore/stream", Origin=own, **UPGRADE, **known) == 101
    assert asked_outside(tmp_path) == []


def test_streamlit_alone_would_ask(tmp_path, free_port_here):
    """What the guard is for; when this fails, Streamlit has mended it."""
    port = free_port_here
    process = subprocess.Popen(
        [*STREAMLIT, str(ROOT / "dashboard" / "app.py"), *server_options(port)],
        cwd=tmp_path,
        env=watched(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        answer(port, "/_stcore/stream", Origin="http://evil.example", **UPGRADE)
        assert any("checkip" in line or "proxy" in line for line in asked_outside(tmp_path))
    finally:
        process.terminate()
        process.wait(timeout=30)
