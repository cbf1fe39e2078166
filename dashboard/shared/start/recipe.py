"""How networks of a comparison or refinement are trained: as the run was, or asked for."""

from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets.checking.trainable import networks_for
from coreset_lib.runs.records import Manifest
from dashboard.shared.text import as_text

USUAL_EPOCHS = 20


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What the fields say; ``more`` holds what a run without a recipe cannot lend."""

    model: str
    epochs: int
    batch_size: int
    more: dict[str, Any] = field(default_factory=dict[str, Any])


def draw_recipe(manifest: Manifest, first: DeltaGenerator, second: DeltaGenerator) -> Recipe:
    """Draw network and epochs, and for a recorded run the rest of a recipe.

    Parameters
    ----------
    manifest : Manifest
    first, second : columns to draw into
    """
    networks = networks_for(manifest.dataset.depth)
    if not manifest.is_recorded:
        config = manifest.config
        model = second.selectbox("Network", networks, index=networks.index(config["model"]))
        epochs = first.number_input("Epochs", 1, 100_000, int(config["epochs"]))
        size = int(config["batch_size"])
        return Recipe(model=str(model), epochs=int(epochs), batch_size=size)
    model = second.selectbox("Network", networks)
    epochs = first.number_input("Epochs", 1, 100_000, USUAL_EPOCHS)
    size = second.number_input("Batch size", 2, 1_000_000, TrainingConfig.batch_size)
    rate = first.number_input(
        "Learning rate", 0.00001, 100.0, TrainingConfig.learning_rate, format="%.5f"
    )
    return Recipe(
        model=str(model),
        epochs=int(epochs),
        batch_size=int(size),
        more={"learning_rate": float(rate)},
    )


def draw_recipe_note(manifest: Manifest) -> None:
    """Say why a recipe is asked for, where the run has none."""
    if not manifest.is_recorded:
        return
    told = f" ({as_text(manifest.recipe)})" if manifest.recipe else ""
    st.info(
        f"This run was recorded from a training of your own{told}, which cannot be repeated "
        "here: say below how the networks shall be trained (SGD with a cosine schedule).",
        icon=":material/tune:",
    )
