"""What was chosen in a form is there again after another page, and after a reload."""

import pytest

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


def test_the_form_of_a_comparison_outlives_another_page_and_a_reload(open_dashboard, write_run):
    write_run()
    dashboard = open_dashboard("benchmark")
    dashboard.labelled("slider", "Draws of each strategy").set_value(7)
    dashboard.labelled("multiselect", "Strategies").set_value(["coverage"])
    dashboard.labelled("multiselect", "Shares to keep (%)").set_value([2, 50])
    dashboard.labelled("multiselect", "Noise cuts to try (%)").set_value([10])
    dashboard.labelled("selectbox", "Class balance").set_value("equal")
    dashboard.run()

    def chosen(page):
        return (
            page.labelled("slider", "Draws of each strategy").value,
            page.labelled("multiselect", "Strategies").value,
            page.labelled("multiselect", "Shares to keep (%)").value,
            page.labelled("multiselect", "Noise cuts to try (%)").value,
            page.labelled("selectbox", "Class balance").value,
        )

    wanted = (7, ["coverage"], [2, 50], [10], "equal")
    assert chosen(dashboard) == wanted
    dashboard.visit("reliability")
    assert chosen(dashboard.visit("benchmark")) == wanted
    # The browser writes what is bound into the address.
    bound = {"compare-draws": "7", "compare-balance": "equal", "compare-random-draws": "9"}
    again = open_dashboard("benchmark", **bound)
    assert not again.errors
    assert again.labelled("slider", "Draws of each strategy").value == 7
    assert again.labelled("slider", "Draws of random").value == 9
    assert again.labelled("selectbox", "Class balance").value == "equal"


def test_the_search_outlives_another_page(open_dashboard, write_run):
    write_run()
    dashboard = open_dashboard("trajectories")
    dashboard.labelled("text_input", "Find a sample").set_value("12")
    dashboard.labelled("multiselect", "Class").set_value([1])
    dashboard.run()
    dashboard.visit("reliability")
    dashboard.visit("trajectories")
    assert dashboard.labelled("text_input", "Find a sample").value == "12"
    assert dashboard.labelled("multiselect", "Class").value == [1]
    assert (
        open_dashboard("trajectories", find="7").labelled("text_input", "Find a sample").value
        == "7"
    )
