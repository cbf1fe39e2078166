"""Keras's own fit with our callback, on the torch backend."""

import numpy as np
import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.recording.recording import Recorder
from coreset_lib.runs.store import RunStore

keras = pytest.importorskip("keras")
from coreset_lib.recording.keras import RecordDynamics  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def build(activation=None):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3, activation)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=activation is None)
    model.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    return model


def fit(samples, activation=None, outputs="logits", epochs=3, batch_size=20, **options):
    images, labels = samples
    images = np.moveaxis(images, 1, -1)
    model = build(activation)
    callback = RecordDynamics(
        "my CNN", model=model, outputs=outputs, labels=labels, recipe="SGD 0.1", umap="none"
    )
    history = model.fit(
        images,
        callback.targets(labels),
        validation_data=(images, labels),
        epochs=epochs,
        batch_size=batch_size,
        verbose=0,
        callbacks=[callback],
        **options,
    )
    return callback, model, history, images


def test_one_batch_an_epoch_records_what_the_model_says_before_its_update(cache, samples):
    callback, *_ = fit(samples, epochs=1, batch_size=len(samples[1]))
    first = build().predict(np.moveaxis(samples[0], 1, -1), verbose=0)
    run = RunStore(cache).find("latest")
    assert (run.run_id, run.status().state) == (callback.run_id, "finished")
    p = np.exp(first - first.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    kept = run.dynamics().plane("label_probability")[0]
    np.testing.assert_allclose(kept, p[np.arange(len(p)), samples[1]], atol=1e-5)


def test_figures_of_keras_are_kept_and_the_training_is_as_without_us(cache, samples):
    _, model, history, images = fit(samples, shuffle=False)
    run = RunStore(cache).find("latest")
    np.testing.assert_allclose(
        [m["val_accuracy"] for m in run.metrics()], history.history["val_accuracy"]
    )
    alone = build()
    alone.fit(images, samples[1], epochs=3, batch_size=20, verbose=0, shuffle=False)
    for mine, theirs in zip(model.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_probabilities_give_the_same_planes_as_logits(cache, samples):
    fit(samples)
    from_logits = RunStore(cache).find("latest").dynamics().plane("error_norm")
    fit(samples, "softmax", "probabilities")
    from_p = RunStore(cache).runs()[0].dynamics().plane("error_norm")
    np.testing.assert_allclose(from_p, from_logits, atol=1e-4)


def test_a_part_of_the_samples_is_refused(cache, samples):
    with pytest.raises(CoresetError, match="each sample must be recorded once an epoch"):
        fit(samples, steps_per_epoch=1)
    assert RunStore(cache).find("latest").status().state == "failed"


def test_unknown_outputs_are_refused(samples):
    with pytest.raises(CoresetError, match="outputs must be one of logits, probabilities"):
        RecordDynamics("x", model=build(), outputs="odds", labels=samples[1])


def test_stop_ends_the_training_after_the_epoch(cache, samples, monkeypatch):
    monkeypatch.setattr(Recorder, "is_asked_to_stop", True)
    fit(samples)
    status = RunStore(cache).find("latest").status()
    assert (status.state, status.epoch, status.epochs) == ("stopped", 1, 3)
