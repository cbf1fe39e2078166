"""Glossary: every word of the program, in the words of somebody who reads images for a living."""

import streamlit as st

from dashboard.frame import PAGES, draw_heading
from dashboard.glossary.words import SECTIONS, Term, matching
from dashboard.shared.text import as_text

WIDEST = 760  # pixels; longer lines are hard to read


def draw_page() -> None:
    """Draw the search field and what it finds."""
    wanted = st.text_input(
        "Find a word",
        key="word",
        bind="query-params",
        placeholder="forgetting, balance, AUC…",
        icon=":material/search:",
        width=WIDEST,
    )
    found = matching(wanted)
    if not found:
        st.info(
            f"No entry holds “{as_text(wanted)}”. Try a shorter word, or clear the field to see "
            f"all {sum(map(len, SECTIONS.values()))}.",
            icon=":material/info:",
            width=WIDEST,
        )
    for title, terms in found.items():
        st.markdown(f"#### {title}", width=WIDEST)
        for term in terms:
            _draw_term(term)


def _draw_term(term: Term) -> None:
    """Draw one entry: the word, its meaning, its source, and where it is seen."""
    source = f" :gray[({as_text(term.source)})]" if term.source else ""
    with st.container(width=WIDEST, gap=None):
        st.markdown(f"**{as_text(term.name)}**  \n{as_text(term.meaning)}{source}")
        if term.page:
            label = f"See it on {term.page.capitalize()}"
            st.page_link(PAGES / f"{term.page}.py", label=label, icon=":material/arrow_forward:")


draw_heading("Glossary", "What the words on the other pages mean. Nothing here depends on a run.")
draw_page()
