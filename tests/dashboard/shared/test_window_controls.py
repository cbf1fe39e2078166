import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from coreset_lib.windows import Window
from dashboard.shared.windows import controls as controls


def page():
    """Draw the controls over a flat population, with what the test put into the session."""
    import numpy as np
    import streamlit as st

    from coreset_lib.windows import Window
    from dashboard.shared.windows.controls import window_controls
    from dashboard.shared.windows.window_brush import QUANTILES, Bands, Line

    n = st.session_state.n
    windows = window_controls(
        n,
        Bands(**{name: np.zeros(n) for name in QUANTILES}),
        [Line(index=0, label="a", values=np.ones(n))],
        (Window(1, 10), Window(91, 100)),
        "w",
    )
    st.session_state.told = None if windows is None else tuple(map(str, windows))


def opened(n=100, **session):
    app = AppTest.from_function(page)
    app.session_state.n = n
    for name, value in session.items():
        app.session_state[name] = value
    app.run()
    return checked(app)


def checked(app):
    assert not app.exception
    assert not app.warning
    return app


def sliders(app):
    return tuple(slider.value for slider in app.slider)


def test_the_default_shows_on_all_controls():
    app = opened()
    assert app.session_state.told == ("1-10", "91-100")
    assert sliders(app) == ((1, 10), (91, 100))
    assert app.checkbox[0].value


def test_a_slider_takes_the_other_one_along():
    app = opened()
    checked(app.slider[0].set_value((1, 15)).run())
    assert app.session_state.told == ("1-15", "86-100")
    assert sliders(app) == ((1, 15), (86, 100))
    checked(app.slider[1].set_value((10, 20)).run())
    assert app.session_state.told == ("1-10", "11-20")
    assert sliders(app) == ((1, 10), (11, 20))


def test_unlocked_sliders_move_alone_and_locking_makes_them_equal():
    app = opened()
    checked(app.checkbox[0].uncheck().run())
    checked(app.slider[0].set_value((1, 30)).run())
    assert app.session_state.told == ("1-30", "91-100")
    checked(app.checkbox[0].check().run())
    assert app.session_state.told == ("1-30", "71-100")


def test_a_slider_set_back_to_what_it_first_showed_is_obeyed():
    app = opened()
    checked(app.slider[0].set_value((1, 15)).run())
    checked(app.slider[0].set_value((1, 10)).run())
    assert app.session_state.told == ("1-10", "91-100")


def test_the_default_follows_the_run_until_someone_chooses():
    app = opened(n=20)
    assert app.session_state.told == ("1-10", "11-20")
    app.session_state.n = 60
    checked(app.run())
    assert app.session_state.told == ("1-10", "51-60")


def test_a_choice_survives_the_growth_of_the_run():
    app = opened(n=40)
    checked(app.slider[0].set_value((3, 8)).run())
    before = app.session_state.told
    app.session_state.n = 45
    checked(app.run())
    assert app.session_state.told == before == ("3-8", "35-40")
    assert sliders(app) == ((3, 8), (35, 40))


def test_the_page_may_choose_before_drawing():
    chosen = controls.WindowChoice(early=Window(5, 9), late=Window(50, 54))
    assert opened(w=chosen).session_state.told == ("5-9", "50-54")


def test_an_impossible_choice_is_fitted_to_the_run():
    chosen = controls.WindowChoice(early=Window(5, 300), late=Window(200, 400))
    assert opened(n=10, w=chosen).session_state.told == ("5-7", "8-10")


def test_very_short_runs_have_windows():
    assert opened(n=2).session_state.told == ("1-1", "2-2")
    assert opened(n=3).session_state.told == ("1-1", "3-3")


def test_too_short_a_run_is_explained():
    for n, said in ((0, "no epoch yet"), (1, "one epoch")):
        app = opened(n=n)
        assert app.session_state.told is None
        assert said in app.info[0].value
        assert not app.slider


@pytest.fixture
def session(monkeypatch):
    state = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


def test_a_widget_that_repeats_what_it_showed_is_not_obeyed(session):
    slider = controls._widget("w.late.100", (91, 100))
    assert session[slider] == (91, 100)
    assert controls._asked(slider) is None
    session[slider] = (88, 100)
    assert controls._asked(slider) == (88, 100)
    session[slider] = (91, 100)
    assert controls._asked(slider) == (91, 100)


def test_a_value_from_elsewhere_is_shown_by_a_new_widget(session):
    before = controls._widget("w.late.100", (91, 100))
    after = controls._widget("w.late.100", (88, 100))
    assert after != before
    assert session[after] == (88, 100)
    # The browser still sends the old widget's value: nobody asked for it.
    assert controls._asked(before) is None


def test_a_widget_in_the_hand_keeps_its_key(session):
    slider = controls._widget("w.early.100", (1, 10))
    session[slider] = (1, 12)
    assert controls._widget("w.early.100", (1, 12)) == slider


def test_notes_of_what_was_shown_do_not_pile_up(session):
    for n_epochs in range(1000):
        controls._widget(f"w.early.{n_epochs}", (1, 10))
    assert len(session[controls._SHOWN]) == controls._MOST_SHOWN
