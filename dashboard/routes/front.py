"""The address of the first page by its name: Streamlit knows it as / alone."""

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route
from streamlit import config


def routes() -> list[Route]:
    """Return the route that leads from /runs to the page Runs."""
    base = str(config.get_option("server.baseUrlPath")).strip("/")
    return [Route(f"/{base}/runs" if base else "/runs", to_runs, methods=["GET"])]


async def to_runs(request: Request) -> RedirectResponse:
    """Lead to the page Runs with all that the address says; also behind a proxy's own path."""
    query = request.url.query
    return RedirectResponse(f"./?{query}" if query else "./")
