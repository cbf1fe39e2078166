"""Another user of the same machine reads nothing of one's cache, and nothing of one's dashboard."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-c", "from coreset_lib.cli import main; main()")
SECOND_USER = 54321
SECRET = "Stripes of the first user"
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module", autouse=True)
def _two_users():
    """Skip where this user cannot become another one, or fail where two are promised."""
    if sys.platform != "win32" and os.geteuid() == 0:
        return
    if os.environ.get("CI") == "true":
        pytest.fail("only root can be two users, but CI=true promises them.")
    pytest.skip("only root can be two users")


@pytest.fixture(scope="module")
def work(make_dataset, save_npz):
    """The first user's folder, in which others may look around, with all kinds of things in it."""
    # Not tmp_path: pytest lets nobody else into its folders.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        save_npz(folder / "tiny.npz", make_dataset(n_train=60))
        net = ("--model", "small_cnn", "--epochs", "2", "--device", "cpu")
        for arguments in (
            ("train", "--dataset", "tiny.npz", *net),
            ("rename", "latest", SECRET),
            ("review", "users", "--add", "anna", "--role", "admin", "--as", "anna"),
        ):
            call(folder, *arguments)
        yield folder


def call(folder, *arguments):
    """Run a command of the first user, who lets others read what they make otherwise."""
    subprocess.run(
        [*COMMAND, *arguments, "--cache", "cache"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        umask=0o022,
        capture_output=True,
        check=True,
    )


def as_second_user(look):
    """Return what ``look`` returns to another user, as JSON."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(read)
            os.setgroups([])
            os.setgid(SECOND_USER)
            os.setuid(SECOND_USER)
            os.write(write, json.dumps(look()).encode())
            os._exit(0)
        except BaseException as error:
            sys.__stderr__.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as answer:
        said = answer.read()
    assert os.waitpid(child, 0)[1] == 0
    return json.loads(said)


def opened(paths):
    """Return which of some files and folders can be opened."""
    found = []
    for path in paths:
        try:
            os.listdir(path) if os.path.isdir(path) else open(path, "rb").close()
        except FileNotFoundError:
            continue
        except PermissionError:
            continue
        found.append(str(path))
    return found


def test_a_second_user_opens_nothing_in_the_cache_and_writes_nothing_there(work):
    cache = work / "cache"
    paths = [cache, *cache.rglob("*")]
    assert sum(path.suffix == ".npy" for path in paths) > 5
    assert {path.name for path in paths} > {"review.sqlite3", "manifest.json", "status.json"}

    def look():
        written = []
        for place in (cache, cache / "runs"):
            try:
                (place / "planted").write_bytes(b"x")
                written.append(str(place))
            except PermissionError:
                continue
        return {"opened": opened(paths), "written": written, "other": opened([work / "tiny.npz"])}

    found = as_second_user(look)
    assert found == {"opened": [], "written": [], "other": [str(work / "tiny.npz")]}


@pytest.fixture
def dashboard(work):
    """The first user's dashboard: its port, its token and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (work / "said").open("w+") as said:
        (work / "said").chmod(0o600)
        process = subprocess.Popen(
            [*COMMAND, "dashboard", "--no-browser", "--port", str(port), "--cache", "cache"],
            cwd=work,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(port, process)
            token = re.search(r"token=(\w+)", (work / "said").read_text())[1]
            yield port, token, process
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_for(port, process):
    """Wait until the server answers."""
    while process.poll() is None:
        try:
            return ask(port, "/_stcore/health")
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server did not start")


def ask(port, path, **headers):
    """Return the status of an answer, and its text."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def test_a_second_user_sees_nothing_of_the_dashboard(dashboard, work):
    port, token, process = dashboard
    run = next(path.parent.name for path in (work / "cache").glob("runs/*/manifest.json"))
    paths = (
        *("/", "/review", "/?token=", f"/?token={token[:-1]}", "/media/x.png", "/static/js/a.js"),
        *("/_stcore/host-config", f"/coreset-lens/planes?run={run}", "/_stcore/../"),
    )

    def look():
        answers = [ask(port, path) for path in paths]
        answers.append(ask(port, "/_stcore/stream", **WEBSOCKET))
        process_files = (f"/proc/{process.pid}/{name}" for name in ("environ", "fd", "mem"))
        told = Path(f"/proc/{process.pid}/cmdline").read_text()
        return {"answers": answers, "opened": opened(process_files), "told": told}

    found = as_second_user(look)
    assert {status for status, _ in found["answers"]} == {403}
    for _, text in found["answers"]:
        assert SECRET not in text
        assert run not in text
        assert token not in text
    assert found["opened"] == []
    assert token not in found["told"]
    # With the token, which its owner knows, the same question is answered.
    assert ask(port, f"/?token={token}")[0] == 303
    status, page = ask(port, "/", Cookie=f"coreset-lens-token-{port}={token}")
    assert status == 200
    assert "<html" in page
