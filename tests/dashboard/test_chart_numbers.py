import numpy as np
import pandas as pd
import pytest

from coreset_lib.evaluation.plan import FULL_SET
from coreset_lib.scores.population import SampleHistory
from dashboard.benchmark.chart import rate_curves, window_heat_map
from dashboard.reliability.chart import score_by_class
from dashboard.runs.chart import training_curves
from dashboard.shared.samples.images import data_uri, enlarge
from dashboard.shared.samples.sample_chart import prediction_strip
from dashboard.shared.text import as_text


def history(prediction, label):
    predicted = np.array(prediction)
    return SampleHistory(
        error_norm=np.zeros(len(predicted), np.float32),
        prediction=predicted,
        is_correct=predicted == label,
        first_correct=None,
        n_forgotten=0,
        mean_margin=0.0,
    )


def test_the_strip_is_full_where_right_and_half_where_wrong():
    figure = prediction_strip(history([0, 1, 1, -1], label=1), "ab".__getitem__)
    (bars,) = figure.data
    assert list(bars.x) == [1, 2, 3, 4]
    assert list(bars.y) == [0.5, 1.0, 1.0, 0.5]
    assert list(bars.customdata) == ["a", "b", "b", "not recorded"]
    assert bars.marker.color[1] == bars.marker.color[2] != bars.marker.color[0]


def test_curves_show_what_was_recorded():
    metrics = [
        {"epoch": e, "train_loss": 2 / e, "val_loss": 3 / e, "train_accuracy": 0.1 * e,
         "val_accuracy": 0.05 * e}
        for e in (1, 2)
    ]  # fmt: skip
    figure = training_curves(metrics)
    values = [(line.name, line.line.dash, list(line.y)) for line in figure.data]
    assert values == [
        ("train", "solid", [2, 1]),
        ("val", "dot", [3, 1.5]),
        ("train", "solid", [0.1, 0.2]),
        ("val", "dot", [0.05, 0.1]),
    ]
    assert all(list(line.x) == [1, 2] for line in figure.data)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name", "plain name"),
        ("**b** _i_ `c`", r"\*\*b\*\* \_i\_ \`c\`"),
        ("<b>x</b>", r"\<b\>x\</b\>"),
        ("a\n# b", r"a \# b"),
        ("[x](http://e.org)", r"\[x\]\(http\://e.org\)"),
        ("5 $ and 6 $", r"5 \$ and 6 \$"),
        (":red[x] :smile:", r"\:red\[x\] \:smile\:"),
        ("back\\slash", "back\\\\slash"),
        ("🫁", "🫁"),
        (None, "None"),
    ],
)
def test_text_loses_its_meaning_as_markup(text, shown):
    assert as_text(text) == shown


@pytest.mark.parametrize(
    ("side", "least", "expected"), [(28, 224, 224), (30, 224, 240), (300, 224, 300)]
)
def test_images_are_enlarged_by_whole_pixels(side, least, expected):
    image = np.arange(side * side, dtype=np.uint32).reshape(side, side).astype(np.uint8)
    enlarged = enlarge(image, least=least)
    factor = expected // side
    assert enlarged.shape == (expected, expected)
    np.testing.assert_array_equal(enlarged[::factor, ::factor], image)


def test_colour_images_keep_their_channels():
    assert enlarge(np.zeros((8, 16, 3), np.uint8), least=16).shape == (16, 32, 3)


def test_a_data_uri_holds_the_pixels():
    import base64
    import io

    from PIL import Image

    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    content = base64.b64decode(data_uri(image).removeprefix("data:image/png;base64,"))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content))), image)


def test_boxes_show_five_quantiles_of_each_class_that_has_samples():
    values = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 10.0, 20.0])
    labels = np.array([0, 0, 0, 0, 0, 2, 2])
    figure = score_by_class(values, labels, ["a", "empty", "c"], "EL2N (higher = harder)")
    shown = {
        box.y[0]: (box.lowerfence[0], box.q1[0], box.median[0], box.q3[0], box.upperfence[0])
        for box in figure.data
    }
    assert list(shown) == ["a", "c"]
    assert shown["a"] == pytest.approx((0.2, 1.0, 2.0, 3.0, 3.8))
    assert shown["c"] == pytest.approx((10.5, 12.5, 15.0, 17.5, 19.5))
    assert figure.layout.xaxis.title.text == "EL2N (higher = harder)"


def test_the_heat_map_shows_percents_with_early_upwards_and_late_to_the_right():
    grid = pd.DataFrame([[0.5, 0.625], [0.75, np.nan]], index=["1-4", "5-8"], columns=["9", "10"])
    (heat,) = window_heat_map(grid).data
    assert (list(heat.y), list(heat.x)) == (["1-4", "5-8"], ["9", "10"])
    np.testing.assert_array_equal(heat.z, [[50.0, 62.5], [75.0, np.nan]])


def test_curves_by_rate_are_percents_in_order_with_the_full_set_as_a_line():
    rows = [
        ("eva", 0.1, 0.75, 0.02),
        ("eva", 0.05, 0.5, 0.04),
        ("random", 0.05, 0.6, 0.01),
        (FULL_SET, 1.0, 0.9, 0.0),
    ]
    table = pd.DataFrame(rows, columns=["strategy", "rate", "mean", "standard_deviation"])
    figure = rate_curves(table, "accuracy")
    lines = {line.name: line for line in figure.data if line.mode == "lines+markers"}
    assert set(lines) == {"eva", "random"}
    assert list(lines["eva"].x) == [5, 10]
    assert list(lines["eva"].y) == [50, 75]
    assert [shape.y0 for shape in figure.layout.shapes] == [90]
    assert list(figure.layout.xaxis.tickvals) == [5, 10]
    (band, _) = [line for line in figure.data if line.mode != "lines+markers"]
    assert sorted(band.y) == pytest.approx([46, 54, 73, 77])


def test_curves_of_other_runs_are_those_of_their_validation_splits():
    own = [{"epoch": 1, "train_loss": 1.0, "val_loss": 2.0, "train_accuracy": 0.5}]
    others = {
        "seed 1": [{"epoch": e, "val_loss": 3 / e, "val_accuracy": 0.1 * e} for e in (1, 2)],
        "recorded": [{"epoch": 1, "val_accuracy": 0.7}],
        "silent": [{"epoch": 1}],
    }
    figure = training_curves(own, others)
    drawn = [(line.name, list(line.y)) for line in figure.data if line.name.startswith("val of")]
    assert drawn == [
        ("val of seed 1", [3.0, 1.5]),
        ("val of seed 1", [0.1, 0.2]),
        ("val of recorded", [0.7]),
    ]
    shown = [line.name for line in figure.data if line.showlegend]
    assert shown.count("val of seed 1") == shown.count("val of recorded") == 1
