"""How fast a network trains on a dataset and device, and how long a training takes then."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Speed:
    """What was measured of a network on a dataset and device.

    Attributes
    ----------
    batch_seconds : tuple of float
        Seconds that an update takes: the quantiles 0.1 and 0.9 of those measured.
    n_batches : int
        Updates in an epoch.
    evaluation_seconds : float
        Seconds an epoch for passes without updates.
    device : str
    n_measured : int
        Updates that were measured.
    """

    batch_seconds: tuple[float, float]
    n_batches: int
    evaluation_seconds: float
    device: str
    n_measured: int

    def training_seconds(self, epochs: int) -> tuple[float, float]:
        """Return the least and the most seconds that so many epochs are likely to take."""
        low, high = (
            epochs * (self.n_batches * seconds + self.evaluation_seconds)
            for seconds in self.batch_seconds
        )
        return low, high


def time_in_words(seconds: float) -> str:
    """Say a time roughly: in seconds, minutes or hours."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
