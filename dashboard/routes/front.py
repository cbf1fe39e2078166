"""Addresses of pages by their names, where Streamlit's own answers fall short.

Streamlit knows the first page as / alone. And a page that was opened by its name asks first
below that name for the server, then one level up; what is not found shows as an error in the
browser's console.
"""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from streamlit import config

ASKED_BY_PAGES = ("health", "host-config")
# No success, or the page would look for everything below its name; and no error.
NOT_THIS_PLACE = 300


def routes() -> list[Route]:
    """Return the route that leads from /runs to the page Runs, and those that say "one up"."""
    base = str(config.get_option("server.baseUrlPath")).strip("/")
    before = f"/{base}" if base else ""
    asked = [f"{before}/{{page}}/_stcore/{name}" for name in ASKED_BY_PAGES]
    return [
        Route(f"{before}/runs", to_runs, methods=["GET"]),
        *(Route(path, one_level_up, methods=["GET"]) for path in asked),
    ]


async def to_runs(request: Request) -> RedirectResponse:
    """Lead to the page Runs with all that the address says; also behind a proxy's own path."""
    query = request.url.query
    return RedirectResponse(f"./?{query}" if query else "./")


async def one_level_up(request: Request) -> Response:
    """Tell a page that asks below its own name that the server is one level up."""
    return Response(status_code=NOT_THIS_PLACE, headers={"Cache-Control": "no-store"})
