"""Windows, training options and the checks that packages share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coreset_lib.checks import check_choice, check_rate, check_real, check_share, check_whole
from coreset_lib.configs import TrainingConfig
from coreset_lib.errors import CoresetError
from coreset_lib.seeds import stream, stream_seed
from coreset_lib.windows import Window, check_windows, default_windows


@given(st.integers(1, 500), st.integers(0, 500))
def test_a_window_reads_back_what_it_prints_and_covers_its_epochs(first, more):
    window = Window(first, first + more)
    assert Window.parse(str(window)) == window
    epochs = list(range(1, 1001))
    assert epochs[window.rows] == list(range(first, first + more + 1))
    assert window.n_epochs == more + 1


@pytest.mark.parametrize("text", ["1-10", " 1 - 10 ", "1:10", "1–10", "01-010"])
def test_windows_are_read_as_people_write_them(text):
    assert Window.parse(text) == Window(1, 10)


@given(st.integers(2, 2000))
def test_default_windows_are_equal_disjoint_and_inside_the_run(n_epochs):
    early, late = default_windows(n_epochs)
    check_windows(early, late, n_epochs=n_epochs)
    assert early.n_epochs == late.n_epochs <= 10
    assert early.first == 1


@pytest.mark.parametrize("device", ["auto", "cpu", "mps", "cuda", "cuda:0", "cuda:15"])
def test_devices_are_accepted(device):
    assert TrainingConfig(dataset="phantom", device=device).device == device


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:-1", "cuda:300", "cpu\n", ""])
def test_other_devices_are_refused(device):
    with pytest.raises(CoresetError, match="device must be"):
        TrainingConfig(dataset="phantom", device=device)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: check_whole("k", 0, least=1), "k must be at least 1, got 0."),
        (lambda: check_whole("k", 9, least=1, most=5), "k must be from 1 to 5, got 9."),
        (lambda: check_share("cut", 20), "For 20 % write 0.2."),
        (lambda: check_real("lr", float("inf"), above=0), "a finite number above 0, got inf."),
        (lambda: check_rate(50), "For 50 % write 0.5."),
        (lambda: check_choice("score", "evo", ["eva", "aum"]), "Did you mean eva?"),
    ],
)
def test_checks_name_the_rule_the_value_and_the_way_out(check, message):
    with pytest.raises(CoresetError) as caught:
        check()
    assert message in str(caught.value)


def test_streams_depend_on_seed_and_purpose_alone():
    assert stream_seed(1, "order", 2) == stream_seed(1, "order", 2)
    seeds = {stream_seed(s, name, n) for s in (0, 1) for name in ("order", "draw") for n in (0, 1)}
    assert len(seeds) == 8
    assert stream(3, "a").random() == stream(3, "a").random()
    assert all(0 <= seed < 2**63 for seed in seeds)
