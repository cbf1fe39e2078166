"""The addresses of our routes, and whether this process serves them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from starlette.routing import Route
from streamlit import config

from dashboard.routes import answers
from dashboard.routes.quantised import scale_of
from dashboard.routes.served_run import PLANES, ServedRun

PREFIX = "lens"
_RUN = "/runs/{run_id:str}/{stamp:str}"
_served: list[bool] = []


def routes() -> list[Route]:
    """Return the routes for the server."""
    table = {
        "/worker-{version:str}.js": answers.worker,
        f"{_RUN}/labels": answers.labels,
        f"{_RUN}/names": answers.names,
        f"{_RUN}/thumbnails/{{sample:int}}.png": answers.thumbnails,
        f"{_RUN}/originals/{{sample:int}}.png": answers.originals,
        f"{_RUN}/originals/small/{{sample:int}}.png": answers.small_originals,
        f"{_RUN}/{{plane:str}}/histories": answers.histories,
        f"{_RUN}/{{plane:str}}.{{kind:str}}": answers.rows,
    }
    return [Route(_base() + path, answer, methods=["GET"]) for path, answer in table.items()]


@asynccontextmanager
async def lifespan(_: Any) -> AsyncGenerator[None]:
    """Note for the pages that the routes are there as long as the server runs."""
    _served.append(True)
    try:
        yield
    finally:
        _served.pop()


def is_served() -> bool:
    """Whether the process that draws this page answers our routes too."""
    return bool(_served)


def source_of(run: ServedRun) -> dict[str, Any]:
    """Return where a browser finds the numbers of a run, and how it reads them."""
    dynamics = run.dynamics
    return {
        "url": f"{_base()}/runs/{run.run.run_id}/{run.stamp}",
        "worker": f"{_base()}/worker-{answers.worker_version()}.js",
        "n_samples": dynamics.n_samples,
        "scales": {name: scale_of(dynamics, name).as_dict() for name in PLANES},
    }


def originals_of(run: ServedRun) -> str:
    """Return where a browser finds the originals of a run; a sample's number follows."""
    return f"{_base()}/runs/{run.run.run_id}/{run.stamp}/originals"


def _base() -> str:
    """Return where all routes begin."""
    path = str(config.get_option("server.baseUrlPath")).strip("/")
    return f"/{path}/{PREFIX}" if path else f"/{PREFIX}"
