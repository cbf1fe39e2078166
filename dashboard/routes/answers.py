"""The answers of the routes, for ever but originals: their addresses hold the run's stamp.

Reads that Streamlit caches are imported when they are needed: the routes are there before its
runtime is.
"""

import hashlib
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from coreset_lib.dynamics import Array
from coreset_lib.errors import CoresetError
from dashboard.routes.origin import is_trusted
from dashboard.routes.quantised import quantise, scale_of
from dashboard.routes.served_run import PLANES, NotThereError, ServedRun, find_run

FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
ALWAYS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
MOST_SAMPLES = 2_000
MOST_BYTES = 64_000_000
KINDS = ("u16", "f32")
WORKER_FOLDER = Path(__file__).parents[1] / "trajectories" / "instrument"
WORKER_SCRIPTS = (
    "live_sums.js",
    "live_exact.js",
    "live_order.js",
    "live_rows.js",
    "live_ranking.js",
    "live_worker.js",
)

Answer = Callable[[Request], Response]


def guarded(answer: Answer) -> Answer:
    """Answer only the pages of this server, and mistakes with one sentence."""

    @wraps(answer)
    def checked(request: Request) -> Response:
        if not is_trusted(request):
            return _problem("only pages of this dashboard may ask for this.", 403)
        try:
            response = answer(request)
        except NotThereError as error:
            return _problem(str(error), 404)
        except CoresetError as error:
            return _problem(str(error), 422)
        response.headers.update(ALWAYS)
        for name, value in FOREVER.items():
            response.headers.setdefault(name, value)
        return response

    return checked


@guarded
def rows(request: Request) -> Response:
    """Answer with some epochs of a plane, (epochs, samples), as 16-bit or 32-bit numbers."""
    run, plane = _run(request), _plane(request)
    kind = request.path_params["kind"]
    first, last = _whole_numbers(request, "rows", separator="-", most=2)
    width = 2 if kind == "u16" else 4
    if kind not in KINDS or (last - first + 1) * run.dynamics.n_samples * width > MOST_BYTES:
        raise CoresetError(f"rows are served as {' or '.join(KINDS)}, 64 MB at most.")
    found = run.rows(plane, first, last)
    if kind == "u16":
        return _binary(quantise(found, scale_of(run.dynamics, plane)))
    return _binary(found.astype("<f4"))


@guarded
def histories(request: Request) -> Response:
    """Answer with the first ``epochs`` epochs of some samples, (samples, epochs), float32."""
    run, plane = _run(request), _plane(request)
    samples = _samples(request, run)
    (n_epochs,) = _whole_numbers(request, "epochs", separator=",", most=1)
    if not 1 <= n_epochs <= run.n_epochs:
        raise CoresetError(f"epochs must be from 1 to {run.n_epochs}, got {n_epochs}.")
    found = run.dynamics.planes[plane][:n_epochs, samples]
    return _binary(np.ascontiguousarray(found.T, dtype="<f4"))


@guarded
def labels(request: Request) -> Response:
    """Answer with the class that every sample counts under, int32."""
    return _binary(_run(request).dynamics.labels.astype("<i4"))


@guarded
def names(request: Request) -> Response:
    """Answer with the ids of some samples."""
    from dashboard.routes.samples import ids_of

    run = _run(request)
    return JSONResponse(ids_of(run, _samples(request, run)))


@guarded
def thumbnails(request: Request) -> Response:
    """Answer with the small image of one sample."""
    from dashboard.routes.samples import picture_of_sample

    run, sample = _run(request), request.path_params["sample"]
    if sample >= run.dynamics.n_samples:
        raise NotThereError(f"sample {sample} is not in the run.")
    return Response(picture_of_sample(run, sample), media_type="image/png")


@guarded
def originals(request: Request) -> Response:
    """Answer with the original of one sample, at the size of a screen."""
    from dashboard.routes.originals import answer_original

    return answer_original(_run(request), request.path_params["sample"], request)


@guarded
def small_originals(request: Request) -> Response:
    """Answer with a small picture of the original of one sample."""
    from dashboard.routes.originals import answer_small

    run, sample = _run(request), request.path_params["sample"]
    if sample >= run.dynamics.n_samples:
        raise NotThereError(f"sample {sample} is not in the run.")
    return answer_small(run, sample)


@guarded
def worker(request: Request) -> Response:
    """Answer with the script that computes rankings in the browser."""
    if request.path_params["version"] != worker_version():
        raise NotThereError("this script is of another version. Reload the page.")
    return Response(worker_script(), media_type="text/javascript")


@cache
def worker_script() -> str:
    """Return the worker's files as one script."""
    return "\n".join((WORKER_FOLDER / name).read_text(encoding="utf-8") for name in WORKER_SCRIPTS)


@cache
def worker_version() -> str:
    """Return what stands for the present text of the worker's script."""
    return hashlib.sha256(worker_script().encode()).hexdigest()[:20]


def _run(request: Request) -> ServedRun:
    """Open the run that the address names, if its stamp is still the same."""
    try:
        run = find_run(request.path_params["run_id"])
    except CoresetError as error:
        raise NotThereError(str(error)) from None
    if run.stamp != request.path_params["stamp"]:
        raise NotThereError("the run has changed since. Reload the page.")
    return run


def _plane(request: Request) -> str:
    """Return the plane that the address names."""
    plane = request.path_params["plane"]
    if plane not in PLANES:
        raise NotThereError(f"plane must be {' or '.join(PLANES)}, got {plane!r}.")
    return plane


def _samples(request: Request, run: ServedRun) -> list[int]:
    """Return the samples that the address lists."""
    found = _whole_numbers(request, "samples", separator=",", most=MOST_SAMPLES)
    if max(found) >= run.dynamics.n_samples:
        raise CoresetError(f"samples must be below {run.dynamics.n_samples}, got {max(found)}.")
    return found


def _whole_numbers(request: Request, name: str, *, separator: str, most: int) -> list[int]:
    """Read whole numbers from the query."""
    parts = request.query_params.get(name, "").split(separator)
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise CoresetError(f"{name} must be whole numbers separated by {separator}.")
    if len(parts) > most or (name == "rows" and len(parts) != most):
        raise CoresetError(f"{name} must hold at most {most} numbers, got {len(parts)}.")
    return [int(part) for part in parts]


def _binary(values: Array) -> Response:
    """Answer with the bytes of an array, which hardly shrink: they are sent as they are."""
    headers = {"Content-Encoding": "identity"}
    return Response(values.tobytes(), media_type="application/octet-stream", headers=headers)


def _problem(text: str, status: int) -> Response:
    """Answer with one sentence; nobody keeps it."""
    headers = {"Cache-Control": "no-store", **ALWAYS}
    return PlainTextResponse(text, status_code=status, headers=headers)
