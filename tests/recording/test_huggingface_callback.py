"""Hugging Face's own Trainer with our callback."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from coreset_lib.errors import CoresetError
from coreset_lib.recording.recording import Recorder
from coreset_lib.runs.store import RunStore

transformers = pytest.importorskip("transformers")
from coreset_lib.recording.huggingface import RecordDynamics  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


class Model(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network
        self.seen = []

    def forward(self, pixel_values, labels=None):
        logits = self.network(pixel_values)
        if self.training:
            self.seen.append(logits.detach())
        return {"loss": functional.cross_entropy(logits, labels), "logits": logits}


class Rows(torch.utils.data.Dataset):
    """Rows as dicts, and who asked for which, in order."""

    def __init__(self, images, labels, *, has_indices=True):
        self.images, self.labels, self.has_indices = images, labels, has_indices

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, row):
        item = {"pixel_values": self.images[row], "labels": int(self.labels[row])}
        return item | ({"indices": row} if self.has_indices else {})


@pytest.fixture
def fit(cache, samples, network, tmp_path):
    """Return ``fit(**row options) -> (callback, model)``."""

    def fit(**options):
        images, labels = samples
        model = Model(network)
        callback = RecordDynamics("my ViT", labels=labels, recipe="SGD 0.1", umap="none")
        args = transformers.TrainingArguments(
            output_dir=str(tmp_path / "out"),
            num_train_epochs=3,
            per_device_train_batch_size=20,
            learning_rate=0.05,
            remove_unused_columns=False,
            report_to=[],
            save_strategy="no",
            eval_strategy="epoch",
            logging_strategy="epoch",
            disable_tqdm=True,
            use_cpu=True,
        )
        trainer = transformers.Trainer(
            model=model,
            args=args,
            train_dataset=Rows(images, labels, **options),
            eval_dataset=Rows(images, labels, has_indices=False),
            callbacks=[callback],
        )
        trainer.train()
        return callback, model

    return fit


def test_the_planes_are_those_of_the_training(fit, cache, samples):
    callback, model = fit()
    run = RunStore(cache).find("latest")
    assert (run.run_id, run.status().state) == (callback.run_id, "finished")
    dynamics = run.dynamics()
    assert dynamics.n_epochs == 3
    # Whatever the order: the probabilities of an epoch are those that the model gave in it.
    for epoch in range(3):
        seen = torch.cat(model.seen[3 * epoch : 3 * epoch + 3]).softmax(1).numpy()
        kept = dynamics.plane("probabilities")[epoch].astype(np.float32)
        np.testing.assert_allclose(np.sort(seen, axis=0), np.sort(kept, axis=0), atol=1e-3)
    assert (dynamics.plane("prediction")[-1] == samples[1]).mean() > 0.6
    assert "eval_loss" in run.metrics()[-1]


def test_batches_without_positions_are_refused(fit, cache):
    with pytest.raises(CoresetError, match="remove_unused_columns=False"):
        fit(has_indices=False)
    assert RunStore(cache).find("latest").status().state == "failed"


def test_stop_ends_the_training_after_the_epoch(fit, cache, monkeypatch):
    monkeypatch.setattr(Recorder, "is_asked_to_stop", True)
    fit()
    status = RunStore(cache).find("latest").status()
    assert (status.state, status.epoch, status.epochs) == ("stopped", 1, 3)
