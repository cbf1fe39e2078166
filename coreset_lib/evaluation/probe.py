"""A quick look at a coreset: a linear probe instead of training a network.

It answers in seconds and is no proof: the embedding comes from a network that has seen the
whole training set.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coreset_lib.errors import CoresetError
from coreset_lib.evaluation.metrics import (
    ClassificationMetrics,
    classification_metrics,
    multi_label_metrics,
)
from coreset_lib.label_sets import MultiHot
from coreset_lib.seeds import stream
from coreset_lib.selection.budget import class_quotas

RIDGE = 1e-2
N_RANDOM = 10
Features = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    """A coreset beside class-balanced random ones of the same size; shares in [0, 1].

    Attributes
    ----------
    coreset : ClassificationMetrics
        On the validation split.
    random : tuple of ClassificationMetrics
        Of each random coreset, drawn in the proportions of the classes.
    """

    coreset: ClassificationMetrics
    random: tuple[ClassificationMetrics, ...]

    @property
    def random_mean(self) -> float:
        """Mean accuracy of the random coresets."""
        return float(np.mean([result.accuracy for result in self.random]))

    @property
    def random_deviation(self) -> float:
        """Standard deviation of their accuracies (n - 1)."""
        return float(np.std([result.accuracy for result in self.random], ddof=1))


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """A ridge regression from standardised features to one-hot, or multi-hot, labels.

    Parameters
    ----------
    features : float array, shape (samples, features)
        Embedding of the training split.
    labels : int64 array, shape (samples,)
    val_features, val_labels
        The same of the validation split.
    n_classes : int
    multi_hot, val_multi_hot : uint8 arrays, shape (samples, labels), optional
        What to predict where samples carry any number of labels, of which ``labels`` is then
        the class that each counts under.

    Notes
    -----
    Fitted in closed form: the penalty is ``RIDGE`` times the number of samples, on
    features of unit variance over the whole training split; the intercept is free.
    """

    features: Features
    labels: Labels
    val_features: Features
    val_labels: Labels
    n_classes: int
    multi_hot: MultiHot | None = None
    val_multi_hot: MultiHot | None = None

    @classmethod
    def prepare(
        cls,
        features: Features,
        labels: Labels,
        val_features: Features,
        val_labels: Labels,
        n_classes: int,
        *,
        multi_hot: MultiHot | None = None,
        val_multi_hot: MultiHot | None = None,
    ) -> "LinearProbe":
        """Standardise both splits by the training split.

        Raises
        ------
        CoresetError
            If the two splits have different numbers of features.
        """
        if features.shape[1] != val_features.shape[1]:
            raise CoresetError(
                f"both embeddings must have the same features, got {features.shape[1]} and "
                f"{val_features.shape[1]}. Train the run again."
            )
        mean = features.mean(axis=0)
        scale = features.std(axis=0)
        # Equal values may still deviate from their own mean by a rounding error.
        scale[np.ptp(features, axis=0) == 0] = 1
        return cls(
            (features - mean) / scale,
            labels,
            (val_features - mean) / scale,
            val_labels,
            n_classes,
            multi_hot,
            val_multi_hot,
        )

    def judge(self, indices: NDArray[np.intp]) -> ClassificationMetrics:
        """Fit on the samples ``indices`` and return the figures on the validation split."""
        scores = self.predict(indices)
        if self.val_multi_hot is not None:
            return multi_label_metrics(scores, self.val_multi_hot)
        return classification_metrics(scores, self.val_labels)

    def predict(self, indices: NDArray[np.intp]) -> NDArray[np.float64]:
        """Fit on the samples ``indices`` and predict the validation split.

        Returns
        -------
        float64 array, shape (validation samples, classes or labels)
            About 1 where a class or label is likely, about 0 where not; not confined to that.
        """
        x = self.features[indices].astype(np.float64)
        targets = self._targets(indices)
        x_mean, y_mean = x.mean(axis=0), targets.mean(axis=0)
        x -= x_mean
        gram = x.T @ x
        gram[np.diag_indices_from(gram)] += RIDGE * len(x)
        weights = np.linalg.solve(gram, x.T @ (targets - y_mean))
        return (self.val_features - x_mean) @ weights + y_mean

    def _targets(self, indices: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return what to predict for samples: 0 and 1 per class, or per label."""
        if self.multi_hot is None:
            return np.eye(self.n_classes)[self.labels[indices]]
        return self.multi_hot[indices].astype(np.float64)

    def compare_with_random(
        self, indices: NDArray[np.intp], *, seed: int = 0, n_random: int = N_RANDOM
    ) -> ProbeResult:
        """Judge a coreset and ``n_random`` class-balanced random ones of its size."""
        random = tuple(
            self.judge(self._draw(len(indices), seed, number)) for number in range(n_random)
        )
        return ProbeResult(coreset=self.judge(indices), random=random)

    def _draw(self, n_keep: int, seed: int, number: int) -> NDArray[np.intp]:
        """Draw a random coreset in the proportions of the classes."""
        counts = np.bincount(self.labels, minlength=self.n_classes)
        quotas = class_quotas(n_keep, class_counts=counts, available=counts, balance="proportional")
        shuffled = stream(seed, "probe", number).permutation(len(self.labels))
        classes = self.labels[shuffled]
        return np.concatenate(
            [shuffled[classes == klass][:quota] for klass, quota in enumerate(quotas)]
        )
