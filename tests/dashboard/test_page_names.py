"""Names from data are shown as they are, also nasty ones, and many of them."""

import numpy as np
import pytest

NASTY = (
    "**bold** _it_ `code`",
    "<img src=x onerror=alert(1)>",
    "[link](http://example.org)",
    "![i](http://example.org/i.png)",
    "🫁 lung :red[warm] $x^2$",
    "Lymphoblast, " * 20,
    "# heading",
    "- item | cell",
)


@pytest.fixture
def nasty_run(write_run, save_dataset, small_phantom):
    assert len(NASTY) == small_phantom.n_classes
    return write_run(path=save_dataset(small_phantom, "nasty.npz", NASTY))


@pytest.mark.parametrize("page", ["runs", "trajectories", "coreset"])
def test_class_names_are_text_and_not_markup(open_dashboard, nasty_run, page):
    dashboard = open_dashboard(page)
    assert not dashboard.errors
    drawn = [e.value for kind in ("markdown", "caption") for e in getattr(dashboard.app, kind)]
    for text in drawn:
        for markup in ("**bold**", "[link](", "![i](", "<img", ":red[", "$x^2$"):
            assert markup not in text


@pytest.mark.parametrize("page", ["trajectories", "coreset"])
def test_eleven_classes_with_few_samples_are_shown(
    open_dashboard, write_run, save_dataset, small_phantom, page
):
    from dataclasses import replace

    names = tuple(f"organ number {k}" for k in range(11))
    labels = small_phantom.train.labels.copy()
    labels[:3] = (8, 9, 10)
    dataset = replace(
        small_phantom, class_names=names, train=replace(small_phantom.train, labels=labels)
    )
    write_run(path=save_dataset(dataset, "eleven.npz", names))
    dashboard = open_dashboard(page)
    assert not dashboard.errors
    if page == "coreset":
        assert dashboard.metric("Classes").endswith(" of 11")


def test_the_recommended_coreset_says_what_it_left_out_of_each_class(open_dashboard, nasty_run):
    early = np.random.default_rng(0).normal(size=(160, 4)).astype(np.float32)
    for path in (nasty_run.embedding, nasty_run.embedding_of("early")):
        np.save(path, early)
    dashboard = open_dashboard("coreset", keep="50")
    assert not dashboard.errors
    assert "neighbours in the early embedding vote for another class" in dashboard.words
    (table,) = [e.value for e in dashboard.app.dataframe if "left out" in e.value.columns]
    assert len(table) == len({*table["class"]}) > 1
    assert table["left out"].sum() > 0


def test_lost_classes_are_named(open_dashboard, nasty_run):
    dashboard = open_dashboard("coreset", keep="1")
    (warning,) = [hint for hint in dashboard.hints if "No sample left of" in hint]
    assert any(name.strip() in warning for name in NASTY)
