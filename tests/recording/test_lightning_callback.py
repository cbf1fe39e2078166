"""Lightning's own trainer with our callback."""

import pytest
import torch
from torch.nn import functional

from coreset_lib.errors import CoresetError
from coreset_lib.recording.callbacks import Indexed
from coreset_lib.recording.recording import Recorder
from coreset_lib.runs.store import RunStore

pl = pytest.importorskip("pytorch_lightning")
from coreset_lib.recording.lightning import RecordDynamics  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


class Module(pl.LightningModule):
    def __init__(self, network, witness, *, returns=("loss", "logits", "indices"), fail_in=None):
        super().__init__()
        self.network, self.witness = network, witness
        self.returns, self.fail_in = returns, fail_in

    def training_step(self, batch, _):
        indices, images, labels = batch
        if self.current_epoch == self.fail_in:
            raise RuntimeError("the GPU fell off")
        logits = self.network(images)
        self.witness.see(indices, logits)
        loss = functional.cross_entropy(logits, labels)
        found = {"loss": loss, "logits": logits, "indices": indices}
        return {name: found[name] for name in self.returns}

    def on_train_epoch_start(self):
        self.witness.begin()

    def validation_step(self, batch, _):
        self.log("val_accuracy", (self.network(batch[1]).argmax(1) == batch[2]).float().mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


@pytest.fixture
def fit(cache, samples, network, witness, tmp_path):
    """Return ``fit(epochs, drop_last, **module options) -> callback``."""

    def fit(epochs=3, *, drop_last=False, **options):
        images, labels = map(torch.from_numpy, samples)
        data = Indexed(torch.utils.data.TensorDataset(images, labels))
        loader = torch.utils.data.DataLoader(data, 20, shuffle=True, drop_last=drop_last)
        callback = RecordDynamics("my CNN", labels=labels, recipe="SGD 0.1", umap="none")
        trainer = pl.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=tmp_path,
            callbacks=[callback],
        )
        trainer.fit(Module(network, witness, **options), loader, loader)
        return callback

    return fit


def test_the_planes_are_those_of_the_training(fit, cache, witness, samples):
    callback = fit()
    run = RunStore(cache).find("latest")
    assert run.run_id == callback.run_id
    witness.check(run, samples[1])
    assert all("val_accuracy" in record for record in run.metrics())


def test_a_failed_training_keeps_its_complete_epochs(fit, cache):
    with pytest.raises(RuntimeError, match="fell off"):
        fit(fail_in=2)
    status = RunStore(cache).find("latest").status()
    assert (status.state, status.epoch) == ("failed", 2)
    assert "fell off" in status.error


def test_a_step_without_logits_is_refused(fit, cache):
    with pytest.raises(CoresetError, match="loss, logits and indices to be recorded, got loss"):
        fit(returns=("loss",))
    assert RunStore(cache).find("latest").status().state == "failed"


def test_a_dropped_last_batch_is_refused(fit):
    with pytest.raises(CoresetError, match="drop_last=False"):
        fit(drop_last=True)


def test_stop_ends_the_training_after_the_epoch(fit, cache, monkeypatch):
    monkeypatch.setattr(Recorder, "is_asked_to_stop", True)
    fit(epochs=5)
    status = RunStore(cache).find("latest").status()
    assert (status.state, status.epoch, status.epochs) == ("stopped", 1, 5)
