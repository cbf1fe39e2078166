"""Wrong labels injected on purpose: how many, which, and that nothing else changes."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coreset_lib.configs import TrainingConfig, high_noise_warning, parse_label_noise
from coreset_lib.datasets import PhantomOptions, load_configured, load_dataset, make_phantom
from coreset_lib.datasets.pixels import pixel_components
from coreset_lib.datasets.relabelling.label_noise import (
    inject_label_noise,
    likeness_to_another_class,
)
from coreset_lib.errors import CoresetError
from coreset_lib.runs.create import create_run
from coreset_lib.runs.store import Run


@pytest.fixture(scope="module")
def plain(make_dataset):
    return make_dataset(n_train=300)


@given(rate=st.floats(0.01, 0.9), seed=st.integers(0, 1000))
def test_symmetric_noise_spoils_exactly_the_share_and_knows_the_truth(plain, rate, seed):
    noisy = inject_label_noise(plain, kind="symmetric", rate=rate, seed=seed)
    changed = noisy.train.labels != plain.train.labels
    assert changed.sum() == round(rate * 300)
    np.testing.assert_array_equal(noisy.truth["true_label"], plain.train.labels)
    np.testing.assert_array_equal(noisy.truth["is_injected"], changed)
    np.testing.assert_array_equal(noisy.truth["is_mislabelled"], changed)


def test_every_wrong_class_is_as_likely_as_another(make_dataset):
    big = make_dataset(n_train=6000, size=3)
    noisy = inject_label_noise(big, kind="symmetric", rate=0.4)
    pairs = Counter(zip(big.train.labels.tolist(), noisy.train.labels.tolist(), strict=True))
    wrong = [count for (true, given), count in pairs.items() if true != given]
    assert len(wrong) == 6
    assert all(abs(count - 400) < 80 for count in wrong)  # four standard deviations


@pytest.mark.parametrize("rate", [0.1, 0.4])
def test_class_dependent_noise_sends_each_class_to_one_other_and_spares_the_last(plain, rate):
    noisy = inject_label_noise(plain, kind="class_dependent", rate=rate, seed=3)
    before, after = plain.train.labels, noisy.train.labels
    targets = {k: set(after[(before == k) & (after != k)].tolist()) for k in range(3)}
    assert sorted(map(len, targets.values())) == [0, 1, 1]
    shares = sorted((after != before)[before == k].mean() for k in range(3))
    assert shares == pytest.approx([0, rate, rate])


def test_look_alikes_get_the_class_of_the_nearest_image_of_another_class(plain):
    noisy = inject_label_noise(plain, kind="look_alike", rate=0.2, seed=5)
    labels = plain.train.labels
    changed = np.flatnonzero(noisy.train.labels != labels)
    assert len(changed) == 60
    places = pixel_components(plain.train.images, has_colours=False).astype(float)
    apart = np.sqrt(((places[:, None] - places[None]) ** 2).sum(axis=2))
    np.fill_diagonal(apart, np.inf)
    is_same = labels[:, None] == labels[None]
    own = np.where(is_same, apart, np.inf).min(axis=1)
    other = np.where(is_same, np.inf, apart).min(axis=1)
    nearest = labels[np.where(is_same, np.inf, apart).argmin(axis=1)]
    np.testing.assert_array_equal(noisy.train.labels[changed], nearest[changed])
    least = np.sort(own / (own + other))[-120]
    assert (own / (own + other))[changed].min() > least - 1e-6
    again = inject_label_noise(plain, kind="look_alike", rate=0.2, seed=5)
    np.testing.assert_array_equal(noisy.train.labels, again.train.labels)


def test_a_sample_alone_in_its_class_is_the_last_to_look_like_another():
    places = np.array([[0.0], [1.0], [1.0], [4.0], [9.0]], dtype=np.float32)
    likeness, other = likeness_to_another_class(places, np.array([0, 0, 2, 2, 5]))
    np.testing.assert_allclose(likeness, [0.5, 1.0, 1.0, 0.5, 0.0])
    np.testing.assert_array_equal(other, [2, 2, 0, 0, 2])


def test_pixels_held_out_splits_and_the_source_stay_as_they_were(plain):
    labels = plain.train.labels.copy()
    noisy = inject_label_noise(plain, kind="symmetric", rate=0.3)
    np.testing.assert_array_equal(plain.train.labels, labels)
    assert noisy.train.images is plain.train.images
    assert (noisy.val, noisy.test) == (plain.val, plain.test)
    assert noisy.fingerprint() != plain.fingerprint()
    assert noisy.title == "Tiny stripes, 0.3 symmetric label noise"


def test_the_seed_alone_decides_which_labels_are_wrong(plain):
    first, again, other = (
        inject_label_noise(plain, kind="symmetric", rate=0.2, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.train.labels, again.train.labels)
    assert (first.train.labels != other.train.labels).any()


def test_known_errors_of_the_source_stay_and_the_injected_ones_come_on_top():
    phantom = make_phantom(PhantomOptions(n_train=400, n_val=16, n_test=16, mislabelled_share=0.1))
    noisy = inject_label_noise(phantom, kind="symmetric", rate=0.2)
    own, injected = phantom.truth["is_mislabelled"], noisy.truth["is_injected"]
    assert not (own & injected).any()
    assert injected.sum() == round(0.2 * 360)
    np.testing.assert_array_equal(noisy.truth["is_mislabelled"], own | injected)
    np.testing.assert_array_equal(noisy.truth["true_label"], phantom.truth["true_label"])
    np.testing.assert_array_equal(noisy.truth["original_label"], phantom.train.labels)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("symetric:0.2", "Did you mean symmetric"),
        ("symmetric", "above 0 and below 1, got 0"),
        ("symmetric:20", "For 20 % write 0.2"),
        ("symmetric:100", "got 100. Choose up to 0.8"),
        ("symmetric:nan", "got nan"),
        ("symmetric:much", "must look like kind:rate, got 'symmetric:much'"),
        ("none:0.2", "none must have no rate"),
    ],
)
def test_wrong_noise_is_refused_in_one_sentence(text, words):
    with pytest.raises(CoresetError, match=words):
        parse_label_noise(text)


@pytest.mark.parametrize(
    ("kind", "rate", "n_classes", "words"),
    [
        ("symmetric", 0.5, 8, "as many are wrong as right. Expect little of a small set"),
        ("symmetric", 0.6, 8, "60 % of the labels are spoilt: more are wrong than right"),
        ("symmetric", 0.5, 2, "With 2 classes and a rate of 50 % or more"),
        ("symmetric", 0.8, 4, "With 4 classes and a rate of 75 % or more"),
        ("symmetric", 0.6, None, "1 − 1/C"),
        ("class_dependent", 0.6, 8, "bear the name of another"),
    ],
)
def test_noise_of_a_half_or_more_is_warned_of(kind, rate, n_classes, words):
    assert words in high_noise_warning(kind, rate, n_classes)


def test_lower_noise_and_none_are_not_warned_of():
    assert high_noise_warning("symmetric", 0.49, 2) == ""
    assert high_noise_warning("none", 0.9, 2) == ""


def test_most_labels_are_spoilt_at_a_high_rate(plain):
    noisy = inject_label_noise(plain, kind="symmetric", rate=0.8)
    assert (noisy.train.labels != plain.train.labels).mean() == pytest.approx(0.8)


def test_hyphens_are_understood():
    assert parse_label_noise(" class-dependent:0.4 ") == ("class_dependent", 0.4)
    assert parse_label_noise("look-alike:0.05") == ("look_alike", 0.05)
    assert parse_label_noise("none") == ("none", 0.0)


def test_noise_that_would_change_nothing_or_remove_a_class_is_refused(make_dataset):
    with pytest.raises(CoresetError, match="must change at least one label"):
        inject_label_noise(make_dataset(n_train=9), kind="symmetric", rate=0.01)
    tiny = make_dataset(n_train=9)
    keep = np.flatnonzero(tiny.train.labels > 0)[:2].tolist()
    rows = np.array([*np.flatnonzero(tiny.train.labels == 0), *keep])
    split = replace(
        tiny.train,
        images=tiny.train.images[rows],
        labels=np.array([0, 0, 0, 1, 2]),
        sample_ids=[tiny.train.sample_ids[row] for row in rows],
        sources=[tiny.train.sources[row] for row in rows],
    )
    lonely = replace(tiny, train=split)
    refused = 0
    for seed in range(20):
        try:
            inject_label_noise(lonely, kind="symmetric", rate=0.4, seed=seed)
        except CoresetError as error:
            assert "must leave every class some samples" in str(error)  # noqa: PT017
            refused += 1
    assert refused > 0


class TestRun:
    @pytest.fixture
    def noisy_run(self, tmp_path, tiny_config, make_dataset, save_npz):
        file = save_npz(tmp_path / "tiny.npz", make_dataset())
        config = replace(
            tiny_config, dataset=str(file), label_noise="symmetric", label_noise_rate=0.2
        )
        dataset = load_configured(config)
        return Run(create_run(tmp_path / "cache", config, dataset)), file

    def test_the_manifest_says_how_labels_were_spoilt(self, noisy_run):
        config = json.loads(noisy_run[0].paths.manifest.read_text())["config"]
        noise = {k: v for k, v in config.items() if k.startswith("label_noise")}
        assert noise == {
            "label_noise": "symmetric",
            "label_noise_rate": 0.2,
            "label_noise_seed": 0,
        }

    def test_the_run_keeps_given_and_true_labels_and_lists_the_wrong_ones(self, noisy_run):
        run, file = noisy_run
        given, true = run.labels(), run.true_labels()
        np.testing.assert_array_equal(true, load_dataset(str(file)).train.labels)
        table = pd.read_csv(run.paths.wrong_labels)
        np.testing.assert_array_equal(table["index"], np.flatnonzero(given != true))
        np.testing.assert_array_equal(table["true_label"], true[given != true])
        np.testing.assert_array_equal(table["label"], given[given != true])
        assert table["is_injected"].all()
        assert len(table) == 12

    def test_the_dataset_loads_again_as_the_run_was_trained_on_it(self, noisy_run):
        run, _ = noisy_run
        config = TrainingConfig.from_dict(run.manifest.config)
        assert load_configured(config).fingerprint() == run.manifest.dataset.fingerprint

    def test_a_run_without_known_truth_has_none(self, make_run, tmp_path):
        assert make_run(tmp_path).true_labels() is None
