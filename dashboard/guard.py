"""Who may talk to the server: its own pages, under its own name, with the token of the start.

Streamlit refuses foreign pages at its websocket only, and asks a service in the Internet for
this machine's address before it does. Here they are refused earlier, and on every route.
"""

import hmac
import os
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coreset_lib.cache import TOKEN_VARIABLE

TOKEN = "token"
COOKIE = "coreset-lens-token"
WITHOUT_TOKEN = ("/_stcore/health",)
POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; "
    "frame-ancestors 'self'; object-src 'none'; base-uri 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}
ASK = """<!doctype html><html lang="en"><head><title>coreset-lens</title></head>
<body style="font-family: sans-serif; max-width: 40em; margin: 4em auto">
<h1>This dashboard asks for its token</h1>
<p>The command that started the dashboard printed an address that ends in
<code>?token=…</code>: open that address, or enter the token here.</p>
<form method="get"><label>Token <input name="token" type="password" autocomplete="off"></label>
<button>Open the dashboard</button></form></body></html>"""


def middleware() -> list[Middleware]:
    """Return what stands before Streamlit; the token is taken out of the environment, if any.

    Trainings that the dashboard starts inherit the environment, and need no token.
    """
    return [Middleware(Guard, token=os.environ.pop(TOKEN_VARIABLE, ""))]


class Guard:
    """Answer foreign hosts, foreign pages and those without the token instead of the server.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    token : str
        What the address must hold once; afterwards a cookie does. Empty: nobody is asked.
    """

    def __init__(self, app: ASGIApp, *, token: str = "") -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        answer = _stranger(Headers(scope=scope)) or self._without_token(scope)
        if answer is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await _refuse(receive, send)
        else:
            await answer(scope, receive, _with_headers(send))

    def _without_token(self, scope: Scope) -> Response | None:
        """Return the answer to who has not shown the token yet; None for the others."""
        if not self._token or scope["path"] in WITHOUT_TOKEN:
            return None
        name = f"{COOKIE}-{_port(scope)}"
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if scope["type"] == "http" and any(self._is(v) for key, v in query if key == TOKEN):
            return self._let_in(scope, name, [pair for pair in query if pair[0] != TOKEN])
        if self._is(_cookie(Headers(scope=scope), name)):
            return None
        return HTMLResponse(ASK, status_code=403)

    def _let_in(self, scope: Scope, name: str, query: list[tuple[str, str]]) -> Response:
        """Return the answer that remembers the token and takes it out of the address."""
        # Two slashes at the beginning would lead to another machine.
        place = "/" + scope["path"].lstrip("/\\")
        to = place + (f"?{urlencode(query)}" if query else "")
        answer = RedirectResponse(to, status_code=303)
        answer.set_cookie(name, self._token, httponly=True, samesite="lax", path="/")
        return answer

    def _is(self, given: str) -> bool:
        """Whether this is the token, in a time that does not tell how much of it is right."""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._token.encode())


def _stranger(headers: Headers) -> Response | None:
    """Return the answer to a request under another name or from another page; None for ours."""
    host = headers.get("host", "")
    allowed = {name.lower().rstrip(".") for name in st.get_option("server.allowedHosts") or ()}
    if allowed and _host_name(host) not in allowed:
        return PlainTextResponse(
            "This name is not one of this dashboard's. Open the address that its command printed, "
            "or name this host with --host-name.",
            status_code=421,
        )
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return PlainTextResponse("Other pages may not read this dashboard.", status_code=403)
    return None


def _host_name(host: str) -> str:
    """Return the name in a Host header, without the port; "" if there is none."""
    try:
        parts = urlsplit(f"//{host}")
        return "" if parts.username is not None else (parts.hostname or "").rstrip(".")
    except ValueError:
        return ""


def _port(scope: Scope) -> int:
    """Return the port of the server: cookies are shared by all servers of a machine."""
    return int((scope.get("server") or ("", 0))[1] or 0)


def _cookie(headers: Headers, name: str) -> str:
    """Return the value of a cookie; "" if there is none."""
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[name].value if name in cookies else ""


def _with_headers(send: Send) -> Send:
    """Return ``send`` with our headers on every answer."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers


async def _refuse(receive: Receive, send: Send) -> None:
    """Refuse a websocket before it opens."""
    await receive()
    await send({"type": "websocket.close", "code": 1008})
