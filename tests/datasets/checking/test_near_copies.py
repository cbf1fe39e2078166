"""Near copies against a search of all pairs with plain loops, and on known changes."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from coreset_lib.datasets import PhantomOptions, make_phantom
from coreset_lib.datasets.checking import near_copies
from coreset_lib.datasets.checking.near_copies import find_near_copies, thumbnails


def pictures(count: int = 60) -> np.ndarray:
    return np.array(
        make_phantom(PhantomOptions(n_train=max(count, 16), n_val=16, n_test=16)).train.images
    )


def pairs(images: np.ndarray) -> set[tuple[int, int]]:
    found = find_near_copies(images)
    return set(zip(found.first.tolist(), found.second.tolist(), strict=True))


def compressed(image: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=95)
    return np.asarray(Image.open(buffer))


def test_the_search_finds_what_comparing_all_pairs_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_copies, "BLOCK", 16)
    base = pictures(40)
    noise = np.random.default_rng(0).integers(-6, 7, base.shape)
    images = np.concatenate([base, np.clip(base + noise, 0, 255).astype(np.uint8)])
    expected = set()
    thumbs = thumbnails(images)
    for i in range(len(images)):
        for j in range(i + 1, len(images)):
            small = np.corrcoef(thumbs[i], thumbs[j])[0, 1]
            full = np.corrcoef(images[i].ravel(), images[j].ravel())[0, 1]
            if small >= 0.995 and full >= 0.98:
                expected.add((i, j))
    assert expected
    assert pairs(images) == expected


@pytest.mark.parametrize(
    "change",
    [
        compressed,
        lambda image: (image * 0.8).astype(np.uint8),
        lambda image: np.clip(image.astype(int) // 2 + 60, 0, 255).astype(np.uint8),
    ],
    ids=["compressed", "darker", "less contrast"],
)
def test_a_changed_copy_is_found(change: Callable[[np.ndarray], np.ndarray]) -> None:
    base = pictures(40)
    images = np.concatenate([base, [change(image) for image in base]])
    assert {(n, n + 40) for n in range(40)} <= pairs(images)


def test_different_images_are_not_near() -> None:
    images = np.random.default_rng(0).integers(0, 256, (300, 28, 28), np.uint8)
    assert pairs(images) == set()


def test_blank_images_match_nothing() -> None:
    assert pairs(np.full((10, 28, 28), 7, np.uint8)) == set()


def test_colour_and_other_sizes_work() -> None:
    base = np.random.default_rng(0).integers(0, 256, (5, 33, 50, 3), np.uint8)
    assert pairs(np.concatenate([base, base])) == {(n, n + 5) for n in range(5)}


def test_thumbnails_are_block_means() -> None:
    image = np.kron(np.arange(64).reshape(8, 8), np.ones((4, 4))).astype(np.uint8)
    np.testing.assert_allclose(thumbnails(image[None])[0], np.arange(64))


def test_the_search_ends_when_everything_is_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_copies, "MOST_PAIRS", 100)
    monkeypatch.setattr(near_copies, "BLOCK", 16)
    images = np.repeat(pictures(1)[:1], 200, axis=0)
    assert not find_near_copies(images).is_complete


def of_two_patterns(*mixtures: tuple[int, int]) -> np.ndarray:
    """Images that are so much of one pattern and so much of another that has nothing of it.

    The correlation of two of them is the cosine of the angle between their mixtures.
    """
    left, top = np.ones((16, 16), int), np.ones((16, 16), int)
    left[:, 8:] = top[8:] = -1
    return np.array([128 + p * left + q * top for p, q in mixtures]).astype(np.uint8)


def test_images_correlate_by_0_995_or_they_are_not_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_copies, "BLOCK", 1)
    assert pairs(of_two_patterns((120, 6), (120, -6))) == {(0, 1)}  # 0.99501
    assert pairs(of_two_patterns((117, 6), (117, -6))) == set()  # 0.99475


@pytest.mark.parametrize("block", [1, 3, 7, 100])
def test_the_search_reaches_as_far_as_alike_images_may_lie_apart(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(near_copies, "BLOCK", block)
    steps = range(-20, 21)
    images = of_two_patterns(*((100, step) for step in steps))
    likeness = np.corrcoef(images.reshape(len(images), -1))
    expected = {
        (i, j) for j in range(len(steps)) for i in range(j) if likeness[i, j] >= near_copies.ALIKE
    }
    assert max(j - i for i, j in expected) == 10
    assert pairs(images) == expected


def test_the_reach_is_the_distance_of_unit_vectors_that_are_just_alike() -> None:
    angle = np.arccos(0.995)
    distance = np.linalg.norm(np.array([np.cos(angle), np.sin(angle)]) - [1, 0])
    assert distance < near_copies.REACH < 1.01 * distance


def test_alike_thumbnails_of_images_that_differ_in_full_are_not_near() -> None:
    image = of_two_patterns((60, 0))[0].astype(int)
    checks = np.indices(image.shape).sum(axis=0) % 2 * 2 - 1  # of mean 0 in every thumbnail pixel
    found = {
        grain: pairs(np.array([image, image + grain * checks]).astype(np.uint8))
        for grain in (11, 13)
    }
    # The correlation in full is 60 / sqrt(60**2 + grain**2): 0.9836 and 0.9773.
    assert found == {11: {(0, 1)}, 13: set()}
