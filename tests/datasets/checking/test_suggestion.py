"""Suggested options stay inside what training accepts, and follow the dataset."""

from hypothesis import given
from hypothesis import strategies as st

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets.checking.suggestion import suggest_training


@given(
    st.integers(0, 10_000_000),
    st.sampled_from([28, 64, 224]),
    st.sampled_from([1, 3]),
    st.booleans(),
)
def test_suggestions_are_valid_options(n: int, size: int, channels: int, gpu: bool) -> None:
    fields = suggest_training(n, size, n_channels=channels, has_gpu=gpu).fields
    config = TrainingConfig(dataset="x", **fields)
    assert 30 <= config.epochs <= 200
    assert 16 <= config.batch_size <= 256


def test_a_large_set_on_a_gpu_gets_the_recipe_of_the_papers() -> None:
    fields = suggest_training(35_000, 28, has_gpu=True).fields
    assert fields == {"model": "resnet18", "epochs": 200, "batch_size": 256, "learning_rate": 0.1}


def test_a_small_set_gets_small_batches_and_many_epochs() -> None:
    fields = suggest_training(210, 28).fields
    assert fields["model"] == "small_cnn"
    assert fields["batch_size"] == 16
    assert fields["epochs"] == 150
    assert fields["learning_rate"] == 0.1 * 16 / 256


def test_large_colour_images_without_a_gpu_get_fewer_epochs() -> None:
    small, large = (suggest_training(1000, size, n_channels=3).fields for size in (28, 224))
    assert large["epochs"] < small["epochs"]


def test_the_reason_says_what_it_rests_on() -> None:
    assert "4,000 training images on a GPU" in suggest_training(4000, 28, has_gpu=True).reason
    assert "unknown size" in suggest_training(0, 28).reason
