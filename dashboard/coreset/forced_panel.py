"""What a person has forced into the coreset and kept out of it."""

from collections.abc import Mapping

import streamlit as st

from coreset_lib.runs.summary import RunSummary
from dashboard import reads
from dashboard.shared.links.groups import Group, ask_for
from dashboard.shared.selection import selection
from dashboard.shared.selection.forced import SIDES, Side, force, forced, release
from dashboard.shared.selection.selection import Indices

TITLES: dict[Side, str] = {"force_in": "Forced in", "keep_out": "Kept out"}


def draw_forced(summary: RunSummary) -> reads.Options:
    """Draw the buttons and what is forced; return it as fields of the selection."""
    names = reads.read_samples(summary.version)["sample_id"].to_numpy()
    run_id, n_samples = summary.run_id, len(names)
    selected = selection.selected(run_id, n_samples)
    sides: dict[Side, Indices] = {side: forced(run_id, side, n_samples) for side in SIDES}
    with st.expander(_title(sides), key="forced-samples"):
        st.caption(
            "Select samples on any page, then force them in or keep them out. The strategy fills "
            "the rest; the record of the coreset names them."
        )
        with st.container(horizontal=True, gap="small"):
            for side, label in (("force_in", "Force in"), ("keep_out", "Keep out")):
                st.button(
                    f"{label}: {len(selected):,} selected",
                    key=f"{side}-selected",
                    disabled=not len(selected),
                    on_click=force,
                    args=(run_id, side, selected),
                )
        for side, indices in sides.items():
            if len(indices):
                _draw_side(run_id, side, indices)
    return tuple(
        (side, tuple(str(name) for name in names[indices]))
        for side, indices in sides.items()
        if len(indices)
    )


def _draw_side(run_id: str, side: Side, indices: Indices) -> None:
    """Draw how many stand on a side, the way to their images, and how to release them."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f"**{TITLES[side]}: {len(indices):,}**", width="content")
        st.button(
            "Images",
            key=f"{side}-images",
            type="tertiary",
            on_click=ask_for,
            args=(Group(TITLES[side], indices),),
        )
        st.button(
            "Release",
            key=f"{side}-release",
            type="tertiary",
            help="Leave them to the strategy again",
            on_click=release,
            args=(run_id, indices),
        )


def _title(sides: Mapping[Side, Indices]) -> str:
    """Name the box, with what is in it."""
    told = [f"{TITLES[side].lower()} {len(found):,}" for side, found in sides.items() if len(found)]
    return "Forced samples" + (f": {', '.join(told)}" if told else "")
