import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.trajectories import ranking_table


def page():
    """Draw the table over the order that the test put into the session."""
    import pandas as pd
    import streamlit as st

    from dashboard.trajectories.ranking_table import draw_ranking_table

    order = st.session_state.order
    rows = pd.DataFrame({"rank": range(len(order)), "eva": 0.5, "index": order})
    draw_ranking_table(
        rows, st.session_state.chosen, "t", score="eva", alt="ranking", on_select=lambda _: None
    )


def drawn(order, chosen, app=None):
    app = app or AppTest.from_function(page)
    app.session_state.order, app.session_state.chosen = order, chosen
    app.run()
    assert not app.exception
    return app


def ticked(app):
    return app.session_state.t["selection"]["rows"]


def test_the_chosen_samples_are_ticked_wherever_they_rank():
    app = drawn([7, 8, 9], [9])
    assert ticked(app) == [2]
    assert ticked(drawn([9, 8, 7], [9], app)) == [0]
    assert ticked(drawn([8, 7, 5], [9], app)) == []


def test_the_number_of_the_sample_is_not_shown():
    app = drawn([7, 8, 9], [])
    assert "index" not in app.dataframe[0].proto.column_order


def reports(monkeypatch, notes, rows):
    """Return what is selected when the browser reports ticked rows after these tables."""
    session = {
        "t": {"selection": {"rows": rows}},
        "t.drawn": [ranking_table._Drawn(*note) for note in notes],
    }
    monkeypatch.setattr(st, "session_state", session)
    selected = []
    ranking_table._take("t", selected.append)
    return selected


def test_a_new_tick_selects_its_sample(monkeypatch):
    assert reports(monkeypatch, [((7, 8, 9), (2,))], [2, 0]) == [[7, 9]]


def test_what_the_page_ticked_itself_is_no_news(monkeypatch):
    notes = [((7, 8, 9), (2,)), ((9, 7, 8), (0,))]
    assert reports(monkeypatch, notes, [0]) == []
    assert reports(monkeypatch, notes, [2]) == []


def test_a_tick_counts_in_the_table_that_was_on_screen(monkeypatch):
    notes = [((7, 8, 9), (2,)), ((9, 7, 8), (0,))]
    assert reports(monkeypatch, notes, [1, 2]) == [[8, 9]]
    assert reports(monkeypatch, notes, [0, 1]) == [[9, 7]]


def test_taking_the_last_tick_away_selects_nothing(monkeypatch):
    assert reports(monkeypatch, [((7, 8, 9), (2,))], []) == [[]]


def test_a_report_of_a_table_unknown_here_selects_nothing(monkeypatch):
    assert reports(monkeypatch, [], [1]) == []


def test_rows_past_the_end_are_left_out(monkeypatch):
    assert reports(monkeypatch, [((7, 8), ())], [1, 5]) == [[8]]


def test_old_tables_are_forgotten(monkeypatch):
    monkeypatch.setattr(st, "session_state", {})
    for k in range(50):
        ranking_table._remember("t", ranking_table._Drawn((k,), ()))
    notes = st.session_state["t.drawn"]
    assert len(notes) == ranking_table.MOST_NOTES
    assert notes[-1].indices == (49,)
