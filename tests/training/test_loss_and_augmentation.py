"""Class weights, shifts and mirrors: what they do by hand, and that they leave the rest alone."""

import itertools

import pytest
import torch

from coreset_lib.configs import AUGMENTATIONS, TrainingConfig
from coreset_lib.errors import CoresetError
from coreset_lib.training.augmentation import MOST_SHIFT, augment, mirror, shift
from coreset_lib.training.device import ResidentSplit
from coreset_lib.training.loop import Trainer, class_weights
from coreset_lib.training.networks.registry import build_network


def test_every_class_has_the_same_say():
    labels = torch.tensor([0] * 6 + [1] * 2 + [3] * 1)
    weights = class_weights(labels, 4)
    assert weights.tolist() == pytest.approx([9 / 18, 9 / 6, 0, 9 / 3])
    assert weights[labels].mean().item() == pytest.approx(1)


def test_balanced_classes_weigh_one():
    assert class_weights(torch.arange(12) % 3, 3).tolist() == [1, 1, 1]


def test_a_shift_moves_each_image_as_a_whole():
    images = torch.zeros(40, 2, 9, 11)
    images[:, :, 4, 5] = torch.arange(1, 41.0)[:, None]
    moved = shift(images, seed=0)
    assert moved.shape == images.shape
    places = set()
    for number in range(40):
        first, second = torch.nonzero(moved[number])
        assert torch.equal(first[1:], second[1:])
        assert moved[number, 0, first[1], first[2]] == number + 1
        places.add((int(first[1]) - 4, int(first[2]) - 5))
    assert max(abs(step) for place in places for step in place) == MOST_SHIFT
    assert len(places) > 10


def test_a_shift_repeats_the_border_and_its_seed_decides():
    images = torch.full((5, 1, 8, 8), 0.7)
    assert torch.equal(shift(images, seed=1), images)
    images = torch.rand(5, 1, 8, 8)
    assert torch.equal(shift(images, seed=1), shift(images, seed=1))
    assert not torch.equal(shift(images, seed=1), shift(images, seed=2))


@pytest.mark.parametrize("form", [(2, 5, 7), (1, 3, 5, 7)])
def test_a_mirror_turns_each_image_about_its_sides_and_into_nothing_else(form):
    images = torch.rand(200, *form, generator=torch.Generator().manual_seed(3))
    mirrored = mirror(images, seed=0)
    sides = range(2, images.ndim)
    ways = [axes for n in range(len(sides) + 1) for axes in itertools.combinations(sides, n)]
    seen = [
        [axes for axes in ways if torch.equal(mirrored[n], images[n : n + 1].flip(axes)[0])]
        for n in range(len(images))
    ]
    assert all(len(found) == 1 for found in seen)
    assert {found[0] for found in seen} == set(ways)
    assert torch.equal(mirrored, mirror(images, seed=0))
    assert not torch.equal(mirrored, mirror(images, seed=1))


def test_every_augmentation_that_can_be_chosen_is_done():
    images = torch.rand(20, 1, 9, 9)
    assert torch.equal(augment(images, "none", 0), images)
    changed = [augment(images, kind, 0) for kind in AUGMENTATIONS if kind != "none"]
    assert all(batch.shape == images.shape and not torch.equal(batch, images) for batch in changed)


def trained(**options):
    """Train for an epoch; return the last layer and the training loss."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(60, 1, 28, 28, generator=generator)
    split = ResidentSplit(images, torch.tensor([0] * 50 + [1] * 10))
    config = TrainingConfig(
        dataset="x", model="small_cnn", epochs=1, batch_size=20, device="cpu", **options
    )
    network = build_network("small_cnn", n_classes=2, n_channels=1, image_size=28, seed=0)
    metrics = next(Trainer.prepare(network, config, split, split).epochs())
    return network.head.weight.detach(), metrics.train_loss


@pytest.mark.parametrize(
    "options",
    [{"class_weighted_loss": True}, {"augmentation": "shift"}, {"augmentation": "mirror"}],
)
def test_an_option_changes_training_and_is_repeatable(options):
    plain, _ = trained()
    first, loss = trained(**options)
    again, _ = trained(**options)
    assert torch.equal(first, again)
    assert not torch.equal(first, plain)
    assert 0 < loss < 10


def test_unknown_augmentations_are_refused():
    with pytest.raises(CoresetError, match="augmentation must be one of none, shift, mirror, got"):
        TrainingConfig(dataset="x", augmentation="turn")
