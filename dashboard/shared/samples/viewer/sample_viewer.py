"""A sample's image on a page: the original where there is one, else what the network sees."""

from pathlib import Path

from streamlit.components.v2 import component

from coreset_lib.datasets import LabeledImages
from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from dashboard.routes import table
from dashboard.routes.originals import has_original
from dashboard.routes.served_run import find_run
from dashboard.shared.samples.images import data_uri, enlarge, picture_of

IMAGE_SCRIPTS = ("viewer_originals.js", "viewer_image.js")
LEAST_SIDE = 224


def sample_viewer(summary: RunSummary, images: LabeledImages, index: int, *, alt: str) -> None:
    """Draw the image of a training sample, as large as its place is wide."""
    network = data_uri(enlarge(picture_of(images.train.images, index), least=LEAST_SIDE))
    original = original_address(summary, images, index)
    _VIEWER(key="sample-viewer", data={"network": network, "original": original, "alt": alt})


def original_address(summary: RunSummary, images: LabeledImages, index: int) -> str:
    """Return where a browser finds a sample's original; empty where it has none."""
    base = originals_base(summary, images) if has_original(images, index) else ""
    return f"{base}/{index}.png" if base else ""


def originals_base(summary: RunSummary, images: LabeledImages) -> str:
    """Return where the originals of a run begin; empty where there are none, or no routes."""
    if images.origin is None or not table.is_served():
        return ""
    try:
        return table.originals_of(find_run(summary.run_id))
    except CoresetError:
        return ""  # the run has just been deleted


def viewer_source(name: str) -> str:
    """Read a file that lies beside this one."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


_VIEWER = component(
    "coreset_lens_sample_viewer",
    html='<div class="sample-viewer"></div>',
    css=viewer_source("viewer_image.css"),
    js="\n".join(map(viewer_source, (*IMAGE_SCRIPTS, "sample_viewer.js"))),
)
