"""Near copies: found however they were made, and other images of the same kind left alone."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from coreset_lib.datasets import PhantomOptions, make_phantom
from coreset_lib.datasets.checking import copy_candidates, registration
from coreset_lib.datasets.checking.common_look import (
    area_means,
    common_look,
    natural_covariance,
    pictures,
    turned,
)
from coreset_lib.datasets.checking.copy_candidates import find_candidates
from coreset_lib.datasets.checking.near_copies import (
    LEAST_LIKENESS,
    NearPairs,
    find_near_copies,
    first_of_equals,
    groups_of,
)
from coreset_lib.datasets.checking.own_copies import is_explained, likeness_to_own_copies
from coreset_lib.datasets.checking.registration import (
    likeness,
    likeness_in_place,
    place_cut_out,
    warp,
)

SIDE = 28


@pytest.fixture(scope="module")
def phantom() -> np.ndarray:
    return np.array(make_phantom(PhantomOptions(n_train=240, n_val=16, n_test=16)).train.images)


def lesions(count: int, seed: int = 0) -> np.ndarray:
    """Dark round spots in the middle of bright skin: all alike at first sight, in colour."""
    rng = np.random.default_rng(seed)
    down, right = np.mgrid[:112, :112] - 56
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for image in images:
        around = np.arctan2(down, right)
        far = np.hypot(down - rng.normal(0, 4), right - rng.normal(0, 4)) / rng.uniform(22, 40)
        for waves in range(2, 6):
            far = far * (1 + 0.06 * rng.normal() * np.cos(waves * around + rng.uniform(0, 6)))
        spot = 1 / (1 + np.exp((far - 1) * rng.uniform(6, 12)))
        grain = gaussian_filter(rng.normal(size=far.shape), 3)
        spot = (spot * (1 + 2 * grain))[..., None]
        skin, dark = rng.normal([225, 180, 165], 10), rng.normal([140, 95, 80], 20)
        large = np.clip(skin + (dark - skin) * spot, 0, 255).astype(np.uint8)
        image[:] = np.asarray(Image.fromarray(large).resize((SIDE, SIDE), Image.Resampling.BOX))
    return images


def pairs(images: np.ndarray) -> set[tuple[int, int]]:
    found = find_near_copies(images)
    return set(zip(found.first.tolist(), found.second.tolist(), strict=True))


def compressed(image: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=85)
    return np.asarray(Image.open(buffer))


def resized(image: np.ndarray, *sides: int) -> np.ndarray:
    picture = Image.fromarray(image)
    for side in sides:
        picture = picture.resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def cut(image: np.ndarray, left: float, top: float, kept: float) -> np.ndarray:
    box = (left * SIDE, top * SIDE, (left + kept) * SIDE, (top + kept) * SIDE)
    picture = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box)
    return np.asarray(picture)


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "compressed": compressed,
    "made smaller": lambda image: resized(image, 22, SIDE),
    "made larger": lambda image: resized(image, 42, SIDE),
    "brightened": lambda image: np.clip(image * 1.2 + 10, 0, 255).astype(np.uint8),
    "darker": lambda image: (image * 0.7).astype(np.uint8),
    "cut at two sides": lambda image: cut(image, 0.05, 0.0, 0.95),
    "cut all round": lambda image: cut(image, 0.05, 0.05, 0.9),
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "upside down": lambda image: np.ascontiguousarray(image[::-1]),
    "turned by 90": lambda image: np.ascontiguousarray(np.rot90(image)),
    "turned by 180": lambda image: np.ascontiguousarray(np.rot90(image, 2)),
    "turned by 270": lambda image: np.ascontiguousarray(np.rot90(image, 3)),
    "mirrored, turned, cut": lambda image: cut(
        np.ascontiguousarray(np.rot90(image[:, ::-1])), 0, 0.05, 0.95
    ),
}


@pytest.mark.parametrize("kind", ["phantom", "lesions"])
def test_copies_are_found_and_other_images_are_not(kind: str, phantom: np.ndarray) -> None:
    base = phantom if kind == "phantom" else lesions(240)
    made = [change(base[10 * n + k]) for n, change in enumerate(CHANGES.values()) for k in range(8)]
    expected = {(10 * n + k, 240 + 8 * n + k) for n in range(len(CHANGES)) for k in range(8)}
    found = pairs(np.concatenate([base, made]))
    missed = {list(CHANGES)[(copy - 240) // 8] for _, copy in expected - found}
    assert len(expected & found) >= 0.95 * len(expected), missed
    assert found <= expected


@pytest.mark.parametrize("kind", ["discs", "stripes"])
def test_plain_shapes_of_one_kind_are_told_by_their_grain(kind: str) -> None:
    rng = np.random.default_rng(0)
    down, right = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    images = np.empty((60, SIDE, SIDE), np.uint8)
    for number, image in enumerate(images):
        if kind == "discs":
            shape = np.hypot(down - rng.normal(0, 1.5), right - rng.normal(0, 1.5)) < 5 + number % 3
        else:
            shape = (right + rng.uniform(0, 8)) % 8 < 3 + number % 2
        image[:] = np.clip(20 + (100 + number) * shape + rng.normal(0, 6, shape.shape), 0, 255)
    made = [(image * 0.8).astype(np.uint8) for image in images[:10]]
    assert pairs(np.concatenate([images, made])) == {(n, n + 60) for n in range(10)}


def test_a_set_of_copies_alone_is_found(phantom: np.ndarray) -> None:
    base = phantom[:60]
    images = np.concatenate([base, [compressed(image) for image in base]])
    assert {(n, n + 60) for n in range(60)} <= pairs(images)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_images_are_enough_to_tell(count: int, phantom: np.ndarray) -> None:
    base = phantom[:count]
    assert pairs(base) == set()
    images = np.concatenate([base, [compressed(image) for image in base]])
    assert pairs(images) == {(n, n + count) for n in range(count)}


def test_exact_copies_are_pairs_with_the_first_of_their_kind(phantom: np.ndarray) -> None:
    images = phantom[[5, 6, 5, 7, 5, 6]]
    assert first_of_equals(images).tolist() == [0, 1, 0, 3, 0, 1]
    assert pairs(images) == {(0, 2), (0, 4), (1, 5)}


def test_copies_of_copies_are_one_group() -> None:
    links = np.array([[8, 7, 5, 0, 2], [7, 5, 3, 1, 4]])
    assert groups_of(NearPairs(*np.sort(links, axis=0)), 10).tolist() == [
        *(0, 0, 2, 3, 2, 3, 6, 3, 3, 9)
    ]


def test_blank_images_match_nothing() -> None:
    assert pairs(np.full((10, SIDE, SIDE), 7, np.uint8)) == set()


def test_images_of_noise_match_nothing() -> None:
    assert pairs(np.random.default_rng(0).integers(0, 256, (300, SIDE, SIDE), np.uint8)) == set()


@pytest.mark.parametrize("form", [(33, 50, 3), (8, 8), (64, 64), (12, 28, 28)])
def test_any_form_of_image_works(form: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    base = gaussian_filter(rng.normal(size=(20, *form)), (0, 1, 1, *[0] * (len(form) - 2)))
    base = np.clip(128 + 60 * base / base.std(), 0, 255).astype(np.uint8)
    darker = (base[:5] * 0.8).astype(np.uint8)
    assert pairs(np.concatenate([base, darker])) == {(n, n + 20) for n in range(5)}


def test_groups_of_images_find_what_comparing_all_finds(
    monkeypatch: pytest.MonkeyPatch, phantom: np.ndarray
) -> None:
    images = np.concatenate([phantom, [compressed(image) for image in phantom[:100]]])
    look = common_look(images)
    whole = find_candidates(images, look)
    monkeypatch.setattr(copy_candidates, "LARGEST_CELL", 20)
    parted = find_candidates(images, look)
    nearest, also = (
        set(zip(first.row.tolist(), first.other.tolist(), strict=True))
        for first in (whole.take(whole.rank == 0), parted.take(parted.rank == 0))
    )
    assert {(n + 240, n) for n in range(100)} <= also
    assert len(nearest & also) >= 0.9 * len(nearest)
    # With half as many groups looked through, three in a hundred are missed.
    every, also = (
        set(zip(found.row.tolist(), found.other.tolist(), strict=True)) for found in (whole, parted)
    )
    assert len(every & also) >= 0.985 * len(every)


class TestCandidates:
    def test_they_agree_with_plain_loops(self, phantom: np.ndarray) -> None:
        images = phantom[:30]
        look = common_look(images)
        found = find_candidates(images, look)
        flat = pictures(images, look.side)

        def vector(picture: np.ndarray) -> np.ndarray:
            seen = picture.reshape(-1) @ look.search
            return seen / np.linalg.norm(seen)

        def alike(row: int, other: int) -> float:
            best = -1.0
            for turn in range(8):
                for kept, down, right in copy_candidates.VIEWS[turn]:
                    placing = [[kept, down * look.side, kept, right * look.side]]
                    placing = np.array(placing, np.float32)
                    seen = turned(warp(flat[[row]], placing), turn)[0]
                    best = max(best, float(vector(seen) @ vector(flat[other])))
            return best

        for row, other, likely in zip(found.row, found.other, found.alike, strict=True):
            assert likely == pytest.approx(alike(row, other), abs=2e-3)
        for row in range(30):
            others = sorted(alike(row, other) for other in range(30) if other != row)[::-1]
            wanted = [value for value in others[:8] if value > 0.6 + 2e-3]
            kept = sorted(found.alike[found.row == row].tolist())[::-1]
            np.testing.assert_allclose(kept[: len(wanted)], wanted, atol=2e-3)

    def test_an_image_with_many_copies_has_the_eight_nearest(self, phantom: np.ndarray) -> None:
        copies = [(0.99**step * phantom[0]).astype(np.uint8) for step in range(12)]
        images = np.concatenate([copies, phantom[1:40]])
        found = find_candidates(images, common_look(images))
        for row in range(12):
            own = found.take(found.row == row)
            assert own.rank.tolist() == list(range(8))
            assert set(own.other.tolist()) < set(range(12))

    def test_what_is_hardly_alike_is_a_candidate_too(self, phantom: np.ndarray) -> None:
        found = find_candidates(phantom, common_look(phantom))
        assert 0.6 < found.alike.min() < 0.62

    def test_ranks_count_from_the_nearest(self, phantom: np.ndarray) -> None:
        found = find_candidates(phantom[:50], common_look(phantom[:50]))
        for row in range(50):
            own = found.take(found.row == row)
            assert own.rank.tolist() == list(range(len(own.row)))
            assert (np.diff(own.alike) <= 0).all()
            assert row not in own.other
            assert len(set(own.other.tolist())) == len(own.other)


class TestRegistration:
    def test_a_cut_out_is_placed_where_it_was_cut(self, phantom: np.ndarray) -> None:
        whole = pictures(phantom[:20], SIDE)
        truth = np.array([0.93, 0.6, 0.95, -0.5], np.float32)
        part = warp(whole, np.tile(truth, (20, 1)))
        found = place_cut_out(part, whole)
        assert np.median(np.abs(found - truth), axis=0) == pytest.approx([0] * 4, abs=0.02)

    def test_placing_in_itself_changes_nothing(self, phantom: np.ndarray) -> None:
        whole = pictures(phantom[:20], SIDE)
        np.testing.assert_allclose(place_cut_out(whole, whole), [[1, 0, 1, 0]] * 20, atol=1e-3)
        np.testing.assert_array_equal(warp(whole, np.tile([[1, 0, 1, 0]], (20, 1))), whole)

    def test_likeness_is_one_for_equals_and_the_same_both_ways(self, phantom: np.ndarray) -> None:
        look = common_look(phantom)
        one, other = pictures(phantom[:40], SIDE), pictures(phantom[40:80], SIDE)
        np.testing.assert_allclose(likeness(one, one, look.check).overall, 1, atol=1e-3)
        there, back = (likeness(*pair, look.check).overall for pair in ((one, other), (other, one)))
        assert (np.abs(there - back) < 0.1).all()
        assert (there < LEAST_LIKENESS).all()

    def test_contrast_and_brightness_do_not_matter(self, phantom: np.ndarray) -> None:
        look = common_look(phantom)
        one = pictures(phantom[:10], SIDE)
        found = likeness(one, 0.3 * one + 2, look.check)
        np.testing.assert_allclose([found.overall, found.detail], 1, atol=1e-2)
        np.testing.assert_allclose(found.rest, 0, atol=1e-2)


class TestCommonLook:
    def test_pictures_have_mean_0_and_deviation_1(self, phantom: np.ndarray) -> None:
        found = pictures(phantom, SIDE)
        np.testing.assert_allclose(found.mean(axis=(1, 2)), 0, atol=1e-5)
        np.testing.assert_allclose(found.std(axis=(1, 2)), 1, atol=1e-4)

    def test_what_has_no_contrast_is_0(self) -> None:
        assert not pictures(np.full((2, 9, 9), 200, np.uint8), 9).any()

    def test_area_means_keep_the_mean_and_mirror_alike(self) -> None:
        for length in (28, 33, 50, 64):
            means = area_means(length, 28)
            np.testing.assert_allclose(means.sum(axis=1), 1, rtol=1e-5)
            np.testing.assert_allclose(means.sum(axis=0), 28 / length, rtol=1e-5)
            np.testing.assert_allclose(means[::-1, ::-1], means, atol=1e-6)
        np.testing.assert_array_equal(area_means(28, 28), np.eye(28))

    def test_the_directions_do_not_know_how_images_lie(self, phantom: np.ndarray) -> None:
        upright = common_look(phantom).check
        lying = common_look(np.ascontiguousarray(np.rot90(phantom, axes=(1, 2)))).check
        np.testing.assert_allclose(upright @ upright.T, lying @ lying.T, atol=2e-2)

    def test_turns_are_the_eight_ways_to_lay_a_square(self) -> None:
        square = np.arange(9).reshape(1, 3, 3)
        ways = {turned(square, turn).tobytes() for turn in range(8)}
        assert len(ways) == 8
        np.testing.assert_array_equal(turned(square, 0), square)
        np.testing.assert_array_equal(turned(square, 4), square[:, :, ::-1])

    def test_natural_images_have_mean_power_1_and_no_brightness(self) -> None:
        covariance = natural_covariance(8)
        assert np.trace(covariance) == pytest.approx(64)
        np.testing.assert_allclose(covariance @ np.ones(64), 0, atol=1e-9)
        assert np.linalg.eigvalsh(covariance).min() > -1e-9


class TestOwnCopies:
    """A pair may differ by what a copy that is made of one of both differs by, and no more."""

    def test_a_compressed_copy_is_explained_and_another_image_is_not(
        self, phantom: np.ndarray
    ) -> None:
        look, side = common_look(phantom), SIDE
        base = phantom[:20]
        own = likeness_to_own_copies(base, look)[0]
        copies = np.array([compressed(image) for image in base])
        near = likeness(pictures(base, side), pictures(copies, side), look.check)
        other = likeness(pictures(base, side), pictures(phantom[20:40], side), look.check)
        assert is_explained(near, own).mean() >= 0.95
        assert not is_explained(other, own).any()

    def test_what_is_left_of_equals_is_nothing(self, phantom: np.ndarray) -> None:
        whole = pictures(phantom[:5], SIDE)
        found = likeness_in_place(whole, whole, common_look(phantom).check)
        np.testing.assert_allclose(found.rest, 0, atol=0.01)
        np.testing.assert_allclose(found.overall, 1, atol=1e-3)

    def test_the_rest_of_a_wave_is_in_its_own_band(self) -> None:
        wave = np.cos(np.pi * 8 * (np.arange(SIDE) + 0.5) / SIDE).astype(np.float32)
        noise = np.random.default_rng(0).normal(size=(1, SIDE, SIDE)).astype(np.float32)
        rest = registration._rest(noise, noise - 0.5 * wave)[0]
        assert rest.argmax() == 2
        np.testing.assert_allclose(rest[[0, 1, 3]], 0, atol=1e-4)

    def test_volumes_are_copied_by_their_mean_slice(self) -> None:
        volumes = np.random.default_rng(0).integers(0, 255, (3, 8, 16, 16), np.uint8)
        found = likeness_to_own_copies(volumes, common_look(volumes))
        assert [each.rest.shape for each in found] == [(3, 4)] * 3


def slices(n_people: int, n_slices: int, seed: int = 0) -> np.ndarray:
    """Slices next to each other of heads: a bright ring, and folds that drift along them."""
    rng = np.random.default_rng(seed)
    down, right = (np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2) / SIDE
    found = []
    for _ in range(n_people):
        wide, high = rng.uniform(0.3, 0.36), rng.uniform(0.36, 0.42)
        folds = gaussian_filter(rng.normal(size=(n_slices, SIDE, SIDE)), (1.2, 1.3, 1.3))
        far = np.hypot(right / wide, down / high)
        for fold in folds:
            skull = np.exp(-(((far - 1) / 0.12) ** 2))
            brain = (far < 0.95) * (90 + 25 * fold / folds.std())
            found.append(np.clip(170 * skull + brain + rng.normal(0, 2, far.shape), 0, 255))
    return np.array(found).astype(np.uint8)


def test_slices_next_to_each_other_are_no_copies() -> None:
    assert pairs(slices(30, 8)) == set()


def test_images_of_one_lesion_make_no_set_unfit() -> None:
    """Photographs of one lesion: moved, nearer, with their own light and noise; no copies."""
    rng = np.random.default_rng(1)
    base = lesions(60, seed=3).astype(float)
    again = []
    for image in base[:30]:
        flat = Image.fromarray(image.astype(np.uint8)).resize(
            (SIDE, SIDE), Image.Resampling.BICUBIC, box=(1.5, 1, 1.5 + 0.86 * SIDE, 1 + 0.86 * SIDE)
        )
        light = 1 + 0.2 * (np.mgrid[:SIDE, :SIDE][0] / SIDE - 0.5)[..., None]
        again.append(np.clip(np.asarray(flat) * light + rng.normal(0, 6, (SIDE, SIDE, 3)), 0, 255))
    found = pairs(np.concatenate([base, again]).astype(np.uint8))
    assert {(first, second) for first, second in found if second - first != 60} == set()
