"""Co-teaching: the choice of samples by hand and by loops, the ramp, and what it finds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from coreset_lib.datasets.relabelling.label_noise import inject_label_noise
from coreset_lib.errors import CoresetError
from coreset_lib.training.targets import co_teaching
from coreset_lib.training.targets.co_teaching import choose_samples, co_teach
from coreset_lib.training.targets.target import ResidentDataset

LOSS = torch.tensor([0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6, 0.5, 1.0])
VOG = torch.tensor([9.0, 1.0, 9.0, 5.0, 9.0, 4.0, 9.0, 3.0, 2.0, 6.0])


def test_without_vog_the_smallest_losses_are_kept():
    kept = choose_samples(LOSS, VOG, forget_rate=0.5, vog_share=0.0)
    assert kept.tolist() == [0, 2, 4, 6, 8]


def test_a_share_of_the_kept_has_the_smallest_vog_among_the_rest():
    # 5 are kept: 3 by loss (0, 2, 4), 2 by VOG among the seven others (1 with 1.0, 8 with 2.0).
    kept = choose_samples(LOSS, VOG, forget_rate=0.5, vog_share=0.4)
    assert kept.tolist() == [0, 2, 4, 1, 8]


@pytest.mark.parametrize("vog", [None, VOG.clone().index_fill(0, torch.tensor([3]), torch.nan)])
def test_while_vog_is_unknown_the_loss_alone_decides(vog):
    kept = choose_samples(LOSS, vog, forget_rate=0.5, vog_share=0.4)
    assert kept.tolist() == [0, 2, 4, 6, 8]


@pytest.mark.parametrize(("rate", "n_kept"), [(0.0, 10), (0.04, 10), (0.25, 8), (0.99, 1)])
def test_at_least_one_sample_is_kept(rate, n_kept):
    for share in (0.0, 0.2):
        kept = choose_samples(LOSS, VOG, forget_rate=rate, vog_share=share).tolist()
        assert len(set(kept)) == len(kept) == n_kept


@pytest.fixture
def noisy(make_dataset):
    return inject_label_noise(make_dataset(n_train=240), kind="symmetric", rate=0.25)


@pytest.fixture
def config(tiny_config):
    return replace(tiny_config, epochs=8, batch_size=20)


def teach(dataset, config, **options):
    data = ResidentDataset.place(dataset, torch.device("cpu"))
    return co_teach(data, config, **{"noise_rate": 0.25, "ramp_epochs": 3, **options})


@pytest.mark.usefixtures("one_thread")
def test_wrong_labels_are_found_and_results_repeat(noisy, config):
    found, again = (teach(noisy, config) for _ in range(2))
    wrong = noisy.truth["is_mislabelled"]
    assert found.is_noisy.sum() == 60
    # A tenth by chance would be 0.25; the share m = 0.2 of the kept is not chosen by loss.
    assert wrong[found.is_noisy].mean() > 0.5
    assert found.loss[wrong].mean() > 2 * found.loss[~wrong].mean()
    assert (found.train.shape, found.test.shape) == ((240, 3), (20, 3))
    np.testing.assert_allclose(found.train.sum(axis=1), 1)
    assert not np.isnan(found.vog).any()
    for name in ("is_noisy", "loss", "train", "embedding"):
        np.testing.assert_array_equal(getattr(found, name), getattr(again, name))


@pytest.mark.usefixtures("one_thread")
def test_the_share_left_out_grows_over_the_ramp_and_vog_starts_after_it(noisy, config, monkeypatch):
    seen = []

    def spy(loss, vog, *, forget_rate, vog_share, is_vog_known=None):
        seen.append((round(forget_rate, 6), vog_share, len(loss)))
        return choose_samples(
            loss, vog, forget_rate=forget_rate, vog_share=vog_share, is_vog_known=is_vog_known
        )

    monkeypatch.setattr(co_teaching, "choose_samples", spy)
    epochs = []
    teach(noisy, config, ramp_epochs=4, on_epoch=epochs.append)
    per_epoch = 2 * 12
    rates = [seen[i * per_epoch][0] for i in range(8)]
    shares = [seen[i * per_epoch][1] for i in range(8)]
    assert rates == [0.0625, 0.125, 0.1875, 0.25, 0.25, 0.25, 0.25, 0.25]
    assert shares == [0.0] * 4 + [0.2] * 4
    assert seen[-1] == (0.25, 0.2, 240)  # the verdict, on all samples at once
    assert epochs == list(range(1, 9))


@pytest.mark.usefixtures("one_thread")
def test_each_network_learns_from_the_choice_of_the_other(noisy, config, monkeypatch):
    """With one network choosing nothing but sample 0, only the other one may see that."""
    updates = []
    update = co_teaching._Peer.update
    monkeypatch.setattr(
        co_teaching._Peer,
        "update",
        lambda self, logits, labels: (updates.append(len(labels)), update(self, logits, labels)),
    )
    calls = iter(range(10**6))

    def choose(loss, vog, **options):
        del vog, options
        return torch.arange(1 if next(calls) % 2 == 0 else len(loss))

    monkeypatch.setattr(co_teaching, "choose_samples", choose)
    teach(noisy, replace(config, epochs=1))
    assert updates == [20, 1] * 12


@pytest.mark.usefixtures("one_thread")
def test_a_loss_that_overflows_is_told_in_one_sentence(noisy, config):
    with pytest.raises(CoresetError, match="co-teaching diverged in epoch"):
        teach(noisy, replace(config, learning_rate=100.0, weight_decay=10.0, momentum=0.999))
