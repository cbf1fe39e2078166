"""Whom the server answers: hosts, pages, and who has shown the token."""

import asyncio

import pytest
import streamlit as st

from dashboard.guard import ASK, Guard

TOKEN = "right"


@pytest.fixture
def ask(monkeypatch):
    """Return a function that asks a guarded application: status, headers, text, reached."""
    options = {"server.allowedHosts": ["127.0.0.1", "localhost"]}
    monkeypatch.setattr(st, "get_option", options.__getitem__)

    def ask(path="/", *, kind="http", token=TOKEN, query="", **headers):
        reached, sent = [], []

        async def app(scope, receive, send):
            reached.append(scope["path"])
            if kind == "http":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b"inside"})
            else:
                await send({"type": "websocket.accept"})

        async def receive():
            return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

        async def send(message):
            sent.append(message)

        named = {"host": "127.0.0.1:8501", **headers}
        scope = {
            "type": kind,
            "method": "GET",
            "path": path,
            "query_string": query.encode(),
            "headers": [(k.encode(), v.encode("latin-1")) for k, v in named.items()],
            "server": ("127.0.0.1", 8501),
        }
        asyncio.run(Guard(app, token=token)(scope, receive, send))
        head = {k.decode(): v.decode() for k, v in sent[0].get("headers", [])}
        body = b"".join(each.get("body", b"") for each in sent).decode()
        return sent[0].get("status", sent[0]["type"]), head, body, bool(reached)

    return ask


KNOWN = {"cookie": f"other=1; coreset-lens-token-8501={TOKEN}"}


def test_without_the_token_a_page_asks_for_it(ask):
    status, headers, body, is_reached = ask("/runs")
    assert (status, body, is_reached) == (403, ASK, False)
    assert headers["x-frame-options"] == "SAMEORIGIN"


def test_the_token_in_the_address_is_remembered_and_taken_out_of_it(ask):
    status, headers, _, is_reached = ask("/runs", query="token=right&run=a%26b&early=1-5")
    assert (status, is_reached) == (303, False)
    assert headers["location"] == "/runs?run=a%26b&early=1-5"
    assert headers["set-cookie"].startswith("coreset-lens-token-8501=right; HttpOnly")
    assert ask("/runs", **KNOWN)[0] == 200


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example", "///evil.example"])
def test_letting_in_leads_to_no_other_machine(ask, path):
    assert ask(path, query="token=right")[1]["location"] in ("/evil.example/x", "/evil.example")


@pytest.mark.parametrize("given", ["", "wrong", "righ", "right ", "RIGHT", "\u20ac"])
def test_a_wrong_token_is_none(ask, given):
    assert ask(query=f"token={given}")[0] == 403
    cookie = given.encode().decode("latin-1")
    assert ask(cookie=f"coreset-lens-token-8501={cookie}x")[0] == 403


def test_a_websocket_needs_the_cookie(ask):
    path = "/_stcore/stream"
    assert ask(path, kind="websocket")[0] == "websocket.close"
    assert ask(path, kind="websocket", query="token=right")[0] == "websocket.close"
    assert ask(path, kind="websocket", **KNOWN)[0] == "websocket.accept"


def test_the_health_of_the_server_is_no_secret(ask):
    assert ask("/_stcore/health")[0] == 200
    assert ask("/_stcore/health/../stream")[0] == 403


@pytest.mark.parametrize(
    "host", ["evil.example:8501", "", "127.0.0.1.evil.example", "a@127.0.0.1", "[::1", "10.0.0.1"]
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_other_names_for_this_host_are_refused(ask, host, kind):
    status, _, _, is_reached = ask(kind=kind, host=host, **KNOWN)
    assert not is_reached
    assert status in (421, "websocket.close")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9", ""])
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_pages_of_others_are_refused(ask, origin, kind):
    status, _, _, is_reached = ask(kind=kind, origin=origin, **KNOWN)
    assert not is_reached
    assert status in (403, "websocket.close")


def test_our_own_page_is_answered_under_every_allowed_name(ask):
    for host in ("127.0.0.1:8501", "localhost:8501", "LOCALHOST:8501"):
        assert ask(host=host, origin=f"http://{host.lower()}", **KNOWN)[0] == 200


def test_no_page_frames_ours_and_ours_asks_nobody_else(ask):
    _, headers, _, _ = ask(**KNOWN)
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith("default-src 'self' data: blob:")
    assert headers["referrer-policy"] == "no-referrer"


def test_without_a_token_nobody_is_asked(ask):
    assert ask(token="")[2] == "inside"
