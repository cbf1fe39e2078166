"""Snapshots of the embedding, and the epoch that a run goes by."""

import numpy as np
import pytest

from coreset_lib.features.snapshots import (
    Snapshot,
    choose_early,
    compact,
    neighbour_surprise,
    snapshot_epochs,
)

RNG = np.random.default_rng(0)


def snapshot_of(places, val_places):
    """Return a snapshot in two directions from angles."""
    rows = [
        np.stack([np.cos(p), np.sin(p)], axis=1).astype(np.float16) for p in (places, val_places)
    ]
    return Snapshot(*rows)


@pytest.mark.parametrize(
    ("n_epochs", "expected"),
    [(1, (1,)), (2, (2,)), (7, (2, 3, 4, 6)), (60, (2, 3, 4, 6, 10, 20, 50))],
)
def test_the_embedding_is_kept_of_a_few_epochs_most_of_them_early(n_epochs, expected):
    assert snapshot_epochs(n_epochs) == expected


def test_angles_and_distances_survive_the_turn():
    features = RNG.normal(size=(40, 20)).astype(np.float32) * 1e5
    val = RNG.normal(size=(10, 20)).astype(np.float32) * 1e5
    kept = compact(features, val)
    assert kept.train.dtype == np.float16
    assert (np.linalg.norm(kept.train.astype(float), axis=1) ** 2).mean() == pytest.approx(1, 0.01)
    before, after = np.vstack([features, val]), np.vstack(kept).astype(np.float64)
    unit = before.astype(np.float64) / np.sqrt((np.linalg.norm(features, axis=1) ** 2).mean())
    np.testing.assert_allclose(after @ after.T, unit @ unit.T, atol=0.02)


def test_wide_embeddings_keep_their_64_strongest_directions():
    features = np.zeros((200, 100), np.float32)
    features[:, 30:] = RNG.normal(size=(200, 70)) * np.linspace(2, 0.01, 70)
    kept = compact(features, features[:5])
    assert kept.train.shape == (200, 64)
    lost = (features**2).sum() - (kept.train.astype(float) ** 2).sum() * (features**2).sum() / 200
    assert abs(lost) / (features**2).sum() < 0.01


def test_constant_zero_features_stay_zero():
    kept = compact(np.zeros((5, 3), np.float32), np.zeros((2, 3), np.float32))
    assert not kept.train.any()
    assert np.isfinite(kept.val).all()


def test_surprise_by_hand():
    # Two classes, equally many; both neighbours of the first query are 0, of the second 1.
    found = snapshot_of(np.array([0.0, 0.01, 3.0, 3.01]), np.array([0.0, 3.0]))
    labels = np.array([0, 0, 1, 1])
    # All four vote: each class has half of the votes.
    surprise = neighbour_surprise(found, labels, np.array([0, 1]), n_classes=2)
    np.testing.assert_allclose(surprise, np.log(2))


def test_the_epoch_before_the_labels_were_learned_by_heart_is_taken():
    labels = np.repeat([0, 1], 100)
    val_labels = np.repeat([0, 1], 20)
    true_places = np.repeat([0.0, 1.5], 100) + RNG.normal(scale=0.1, size=200)
    val_places = np.repeat([0.0, 1.5], 20)
    wrong = np.arange(200) % 4 == 0
    given = np.where(wrong, 1 - labels, labels)
    by_heart = np.where(given == 0, 0.0, 1.5) + RNG.normal(scale=0.1, size=200)
    snapshots = {
        2: snapshot_of(RNG.normal(scale=0.1, size=200), RNG.normal(scale=0.1, size=40)),
        6: snapshot_of(true_places, val_places),
        20: snapshot_of(by_heart, RNG.permutation(val_places)),
    }
    chosen = choose_early(snapshots, given, val_labels, n_classes=2)
    assert chosen.epoch == 6
    assert chosen.surprise[6] < chosen.surprise[2] < chosen.surprise[20]


def test_without_validation_samples_an_early_epoch_is_taken_and_said_so():
    some = snapshot_of(np.zeros(5), np.zeros(0))
    chosen = choose_early(
        {2: some, 3: some, 10: some}, np.zeros(5, np.int64), np.zeros(0, np.int64), n_classes=1
    )
    assert (chosen.epoch, dict(chosen.surprise)) == (3, {})
    assert "0 validation samples are too few" in chosen.why


def test_a_class_without_a_sample_counts_for_nothing():
    found = snapshot_of(np.array([0.0, 0.1, 0.2]), np.array([0.0] * 12))
    surprise = neighbour_surprise(found, np.array([0, 0, 2]), np.full(12, 1), n_classes=3)
    np.testing.assert_allclose(surprise, -np.log(0.01))
