"""The glossary explains every score and strategy, and is searched."""

import pytest

from coreset_lib.scores import SCORES
from coreset_lib.selection import STRATEGIES
from dashboard.glossary.words import SECTIONS, matching

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")
NAMES = [term.name for terms in SECTIONS.values() for term in terms]


def test_every_score_and_strategy_has_an_entry():
    titles = {method.title for method in (*SCORES.values(), *STRATEGIES.values())}
    assert titles <= set(NAMES)


def test_no_word_is_explained_twice():
    assert len(NAMES) == len(set(NAMES))


def test_all_words_that_are_typed_must_occur():
    found = [term.name for terms in matching("forgetting WRONG").values() for term in terms]
    assert "Forgetting event" in found
    assert "Seed" not in found
    assert matching("zebra") == {}


def test_the_page_opens_without_a_run_and_finds_a_word(open_dashboard):
    dashboard = open_dashboard("glossary")
    assert not dashboard.errors
    assert all(f"**{title}**" in dashboard.words for title in ("Epoch", "Coreset", "Entropy"))
    dashboard.app.text_input(key="word").input("silhouette").run()
    assert "Silhouette" in dashboard.words
    assert "Recall" not in dashboard.words


def test_a_word_that_is_not_there_is_told(open_dashboard):
    dashboard = open_dashboard("glossary")
    dashboard.app.text_input(key="word").input("<b>zebra</b>").run()
    assert any("No entry holds “<b>zebra</b>”" in hint for hint in dashboard.hints)
