"""Who may ask our routes: the pages of this very server, as for Streamlit's own connection."""

from urllib.parse import urlsplit

from starlette.requests import Request
from streamlit import config, net_util

OWN_SITES = ("same-origin", "none")
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
EVERY_ADDRESS = ("", "0.0.0.0", "::")


def is_trusted(request: Request) -> bool:
    """Whether a request was made by a page of this server, at an address this server goes by.

    Another site's page in the same browser says so in ``Sec-Fetch-Site`` or ``Origin``; one
    that had its name point to this machine says so in ``Host``.
    """
    headers = request.headers
    if headers.get("sec-fetch-site", "none") not in OWN_SITES:
        return False
    origin = headers.get("origin")
    if origin is not None and _host(origin) not in _own_hosts():
        return False
    return _host(f"//{headers.get('host', '')}") in _own_hosts()


def _host(url: str) -> str:
    """Return the host of an address; an empty text where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _own_hosts() -> set[str]:
    """Return the names that this server goes by; nobody outside is asked for them."""
    address = str(config.get_option("server.address") or "")
    hosts = {*THIS_MACHINE, address, str(config.get_option("browser.serverAddress"))}
    hosts |= {_host(allowed) for allowed in config.get_option("server.corsAllowedOrigins")}
    if address in EVERY_ADDRESS:
        hosts.add(net_util.get_internal_ip() or "")
    return hosts - set(EVERY_ADDRESS)
