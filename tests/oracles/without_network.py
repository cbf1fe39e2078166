"""Run in a network namespace of its own, where nothing but this machine's loopback can be reached.

    unshare --net --mount python without_network.py PLAN.json

The kernel counts every packet that had no route: of Python, of libraries in C, of all children.
The plan names ``commands`` (argument lists, run one after the other), a ``server`` (arguments,
its ``port``, ``token`` and the ``pages`` to open), and commands to run ``after`` it. Prints what
happened as JSON.
"""

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIOCSIFFLAGS, UP_AND_RUNNING = 0x8914, 0x41
NOWHERE = "nameserver 192.0.2.1\noptions timeout:1 attempts:1\n"  # reserved for documentation


def main():
    plan = json.loads(Path(sys.argv[1]).read_text())
    wake_loopback()
    send_names_nowhere()
    before = packets_without_route()
    statuses = [run(arguments) for arguments in plan["commands"]]
    pages = open_pages(**plan["server"]) if "server" in plan else {}
    statuses += [run(arguments) for arguments in plan.get("after", [])]
    sent = packets_without_route() - before
    print(json.dumps({"statuses": statuses, "pages": pages, "sent": sent}))


def wake_loopback():
    """Switch on the one interface that a new namespace has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", UP_AND_RUNNING)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)


def send_names_nowhere():
    """Let questions for names leave the machine, so that they are counted, whoever asks here."""
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write(NOWHERE)
    subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)


def packets_without_route():
    """Count what was meant for another machine, in both versions of the protocol."""
    lines = Path("/proc/net/snmp").read_text().splitlines()
    names, values = (line.split() for line in lines if line.startswith("Ip:"))
    four = int(dict(zip(names, values, strict=True))["OutNoRoutes"])
    lines = Path("/proc/net/snmp6").read_text().splitlines()
    six = sum(int(line.split()[1]) for line in lines if line.startswith("Ip6OutNoRoutes"))
    return four + six


def run(arguments):
    """Run a command and return how it ended, with what it said where that was badly."""
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    return done.returncode if done.returncode == 0 else [done.returncode, done.stderr[-800:]]


def open_pages(arguments, port, token, pages):
    """Open pages of a server one after the other; what each says of errors."""
    with open("server.log", "wb") as log:
        environment = os.environ | {"CORESET_LENS_TOKEN": token}
        process = subprocess.Popen(arguments, env=environment, stdout=log, stderr=log)
    try:
        wait_for(port)
        return {page: faults_of(port, token, page) for page in pages}
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_for(port):
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server did not start")


def faults_of(port, token, page):
    """Let the server draw a page as a browser does, and return exceptions and errors on it."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.sync.client import connect

    own = f"http://127.0.0.1:{port}"
    cookie = {"Cookie": f"coreset-lens-token-{port}={token}"}
    faults, n_drawn = [], 0
    with connect(
        f"ws://127.0.0.1:{port}/_stcore/stream",
        origin=own,
        additional_headers=cookie,
        subprotocols=["streamlit"],
        max_size=None,
        proxy=None,
    ) as browser:
        browser.send(BackMsg(rerun_script={"page_name": page}).SerializeToString())
        while True:
            message = ForwardMsg.FromString(browser.recv(timeout=120))
            kind = message.WhichOneof("type")
            element = message.delta.new_element if kind == "delta" else None
            if element is not None and element.WhichOneof("type") == "exception":
                faults.append(element.exception.message)
            if element is not None and element.alert.format == element.alert.ERROR:
                faults.append(element.alert.body)
            n_drawn += kind == "delta"
            if kind == "script_finished":
                return faults if n_drawn else ["nothing was drawn"]


if __name__ == "__main__":
    main()
