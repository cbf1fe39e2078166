"""What asks the routes as a browser would, without a server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.applications import Starlette

from dashboard.routes import front, table


class Answer:
    """What the server sent for one request."""

    def __init__(self):
        self.status, self.headers, self.body = 0, {}, b""

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")


@pytest.fixture
def run_async():
    """Return ``run(coroutine)``, in a thread: a browser of other tests may hold this one's loop."""
    with ThreadPoolExecutor(1) as thread:
        yield lambda coroutine: thread.submit(asyncio.run, coroutine).result()


@pytest.fixture
def get(run_async):
    """Return ``get(address, **headers)``; the host is this machine unless the test says other."""
    app = Starlette(routes=[*front.routes(), *table.routes()])

    def ask(address, **headers):
        path, _, query = address.partition("?")
        named = {"host": "127.0.0.1:8501", **{k.replace("_", "-"): v for k, v in headers.items()}}
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "scheme": "http",
            "server": ("127.0.0.1", 8501),
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        }
        answer = Answer()

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        run_async(app(scope, receive, answer.send))
        return answer

    return ask
