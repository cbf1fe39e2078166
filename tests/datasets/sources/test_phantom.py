"""The generator: same seed, same bits; known errors; pictures that differ by class."""

import numpy as np
import pytest

from coreset_lib.datasets import LabeledImages, PhantomOptions, make_phantom
from coreset_lib.datasets.sources.phantom.phantom import CLASS_NAMES
from coreset_lib.errors import CoresetError

SMALL = {"n_train": 400, "n_val": 64, "n_test": 96}


@pytest.fixture(scope="module")
def phantom() -> LabeledImages:
    return make_phantom()


def small(**changes: float) -> LabeledImages:
    return make_phantom(PhantomOptions(**{**SMALL, **changes}))  # pyright: ignore


class TestDefault:
    def test_it_has_the_promised_sizes(self, phantom: LabeledImages) -> None:
        assert (len(phantom.train), len(phantom.val), len(phantom.test)) == (4000, 500, 1000)
        assert phantom.train.images.shape == (4000, 28, 28)
        assert phantom.n_classes == 8

    def test_it_says_that_it_is_synthetic(self, phantom: LabeledImages) -> None:
        assert phantom.is_synthetic
        assert "synthetic" in phantom.title
        assert all(name.endswith("-like") for name in phantom.class_names)
        assert phantom.train.sources[3] == "phantom:train[3]"

    def test_it_tells_the_truth_about_its_labels(self, phantom: LabeledImages) -> None:
        truth = phantom.truth
        wrong = phantom.train.labels != truth["true_label"]
        np.testing.assert_array_equal(wrong, truth["is_mislabelled"])
        assert wrong.sum() == 160
        assert truth["is_ambiguous"].sum() == 240
        assert not (truth["is_mislabelled"] & truth["is_ambiguous"]).any()

    def test_truth_has_the_documented_types(self, phantom: LabeledImages) -> None:
        kinds = {name: values.dtype for name, values in phantom.truth.items()}
        assert kinds == {
            "true_label": np.int64,
            "is_mislabelled": np.bool_,
            "is_ambiguous": np.bool_,
            "subtype": np.int64,
        }
        assert {len(values) for values in phantom.truth.values()} == {4000}

    def test_classes_are_mildly_unequal(self, phantom: LabeledImages) -> None:
        counts = np.bincount(phantom.truth["true_label"].astype(int))
        assert 1.5 < counts.max() / counts.min() < 3

    def test_every_class_has_common_and_rare_subtypes(self, phantom: LabeledImages) -> None:
        for number in range(phantom.n_classes):
            subtype = phantom.truth["subtype"][phantom.truth["true_label"] == number].astype(int)
            common, less, rare = np.bincount(subtype, minlength=3)
            assert common > less > rare > 0

    def test_errors_hit_every_class(self, phantom: LabeledImages) -> None:
        true_label = phantom.truth["true_label"].astype(int)
        for flag in ("is_mislabelled", "is_ambiguous"):
            hit = true_label[phantom.truth[flag].astype(bool)]
            assert len(np.unique(hit)) == phantom.n_classes

    def test_rows_are_shuffled(self, phantom: LabeledImages) -> None:
        labels = phantom.truth["true_label"].astype(int)
        assert (labels[1:] < labels[:-1]).mean() > 0.3

    def test_pictures_use_the_grey_range(self, phantom: LabeledImages) -> None:
        images = phantom.train.images
        assert images.min() == 0
        assert images.max() == 255
        assert 60 < images.mean() < 160

    def test_no_two_pictures_are_the_same(self, phantom: LabeledImages) -> None:
        splits = (phantom.train, phantom.val, phantom.test)
        rows = {image.tobytes() for split in splits for image in split.images}
        assert len(rows) == 5500

    def test_a_classifier_of_raw_pixels_learns_but_not_all(self, phantom: LabeledImages) -> None:
        """Nearest class mean: well above the 12 % of guessing, well below a good network."""
        train = phantom.train.images.reshape(4000, -1).astype(float)
        test = phantom.test.images.reshape(1000, -1).astype(float)
        means = np.stack([train[phantom.train.labels == k].mean(axis=0) for k in range(8)])
        distance = ((test[:, None] - means) ** 2).sum(axis=2)
        accuracy = (distance.argmin(axis=1) == phantom.test.labels).mean()
        assert 0.35 < accuracy < 0.85

    def test_degraded_and_blended_pictures_have_less_contrast(self, phantom: LabeledImages) -> None:
        spread = phantom.train.images.reshape(4000, -1).astype(float)
        unclear = phantom.truth["is_ambiguous"].astype(bool)
        low, high = (np.ptp(blurred(spread[rows]), axis=1) for rows in (unclear, ~unclear))
        assert np.median(low) < np.median(high)

    def test_kidneys_are_mirror_images_on_average(self, phantom: LabeledImages) -> None:
        left, right = (
            phantom.test.images[phantom.test.labels == CLASS_NAMES.index(name)].mean(axis=0)
            for name in ("left-kidney-like", "right-kidney-like")
        )
        mirrored = np.corrcoef(left[:, ::-1].ravel(), right.ravel())[0, 1]
        assert mirrored > np.corrcoef(left.ravel(), right.ravel())[0, 1]


def blurred(rows: np.ndarray) -> np.ndarray:
    """Return 4 x 4 block means of square images, so that noise does not count as contrast."""
    blocks = rows.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4))
    return blocks.reshape(len(rows), -1)


class TestOptions:
    def test_same_seed_same_bits(self) -> None:
        assert small().fingerprint() == small().fingerprint()
        for name, values in small().truth.items():
            np.testing.assert_array_equal(values, small().truth[name])

    def test_another_seed_another_dataset(self) -> None:
        first, second = small(), small(seed=1)
        assert first.fingerprint() != second.fingerprint()
        assert not {image.tobytes() for image in first.train.images} & {
            image.tobytes() for image in second.train.images
        }

    def test_spoiling_train_leaves_the_other_splits_alone(self) -> None:
        clean, spoilt = small(mislabelled_share=0, ambiguous_share=0), small(mislabelled_share=0.3)
        for part in ("val", "test"):
            np.testing.assert_array_equal(getattr(clean, part).images, getattr(spoilt, part).images)
            np.testing.assert_array_equal(getattr(clean, part).labels, getattr(spoilt, part).labels)

    def test_without_spoiling_every_label_is_true(self) -> None:
        clean = small(mislabelled_share=0, ambiguous_share=0)
        np.testing.assert_array_equal(clean.train.labels, clean.truth["true_label"])
        assert not clean.truth["is_ambiguous"].any()

    @pytest.mark.parametrize("share", [0.1, 0.5])
    def test_shares_are_those_asked_for(self, share: float) -> None:
        dataset = small(mislabelled_share=share, ambiguous_share=share)
        assert dataset.truth["is_mislabelled"].sum() == share * 400
        assert dataset.truth["is_ambiguous"].sum() == share * 400

    def test_more_noise_is_more_noise(self) -> None:
        def roughness(noise: float) -> float:
            images = small(noise=noise).test.images.astype(float)
            return float(np.abs(np.diff(images, axis=2)).mean())

        assert roughness(0) < roughness(0.05) < roughness(0.15)

    @pytest.mark.parametrize("size", [28, 64])
    def test_the_anatomy_does_not_depend_on_the_size(self, size: int) -> None:
        options = {"n_train": 64, "n_val": 16, "n_test": 64, "noise": 0.0}
        reference = make_phantom(PhantomOptions(image_size=2 * size, **options))  # pyright: ignore
        dataset = make_phantom(PhantomOptions(image_size=size, **options))  # pyright: ignore
        np.testing.assert_array_equal(dataset.train.labels, reference.train.labels)
        halved = reference.test.images.reshape(64, size, 2, size, 2).mean(axis=(2, 4))
        alike = [
            np.corrcoef(image.ravel(), larger.ravel())[0, 1]
            for image, larger in zip(dataset.test.images, halved, strict=True)
        ]
        assert np.median(alike) > 0.97
        assert min(alike) > 0.6

    def test_the_smallest_sets_have_every_class(self) -> None:
        tiny = make_phantom(PhantomOptions(n_train=16, n_val=16, n_test=16))
        assert len(np.unique(tiny.val.labels)) == 8


class TestMessages:
    @pytest.mark.parametrize(
        ("option", "value", "rule"),
        [
            ("n_train", 15, "n_train must be from 16 to"),
            ("n_test", -1, "n_test must be from 16 to"),
            ("image_size", 8, "image size must be from 16 to 512, got 8"),
            ("seed", -1, "seed must be from 0 to"),
            ("mislabelled_share", 4, "For 20 % write 0.2"),
            ("ambiguous_share", -0.1, "ambiguous share must be at least 0 and below 1"),
            ("noise", float("nan"), "noise must be at least 0 and below 1, got nan"),
        ],
    )
    def test_a_wrong_option_is_named(self, option: str, value: float, rule: str) -> None:
        with pytest.raises(CoresetError, match=rule):
            PhantomOptions(**{option: value})  # pyright: ignore

    def test_more_spoilt_samples_than_samples(self) -> None:
        with pytest.raises(CoresetError, match=r"must not exceed 1 together, got 0\.7 and 0\.6"):
            PhantomOptions(mislabelled_share=0.7, ambiguous_share=0.6)
