"""Numbers that papers published, to be drawn beside one's own and labelled as what they are."""

from collections.abc import Mapping
from dataclasses import dataclass

RATES = (0.02, 0.05, 0.1, 0.2, 0.3)


@dataclass(frozen=True, kw_only=True)
class Published:
    """Accuracies of a paper on one dataset.

    Attributes
    ----------
    source, caution : str
        Where the numbers stand, and why they cannot be compared with test at the final epoch.
    full_set : float
        Accuracy in percent with all samples.
    rates : tuple of float
    accuracies : mapping of method to tuple of float
        Percent, one for each rate.
    figure : str
        What they are numbers of, one of :data:`coreset_lib.evaluation.results.FIGURES`.
    """

    source: str
    caution: str
    full_set: float
    rates: tuple[float, ...]
    accuracies: Mapping[str, tuple[float, ...]]
    figure: str = "accuracy"


SOURCE = "EVA, Table 1 (ResNet-18, 200 epochs, 3 seeds)"
CAUTION = (
    "Published with windows tuned for each dataset and rate and, very probably, the best epoch "
    "on validation: higher than an honest test figure would be."
)
PUBLISHED: dict[str, Published] = {
    "organamnist": Published(
        source=SOURCE,
        caution=CAUTION,
        full_set=98.39,
        rates=RATES,
        accuracies={
            "random": (87.63, 93.43, 95.68, 97.30, 98.14),
            "forgetting": (15.58, 38.53, 75.85, 97.22, 98.11),
            "entropy": (41.46, 55.37, 69.04, 77.07, 91.98),
            "el2n": (14.16, 40.68, 81.25, 97.25, 98.16),
            "aum": (12.81, 35.10, 68.44, 93.76, 98.12),
            "ccs": (88.05, 93.51, 95.58, 96.86, 97.18),
            "eva": (88.83, 94.43, 97.20, 98.27, 98.63),
        },
    ),
    "organsmnist": Published(
        source=SOURCE,
        caution=CAUTION,
        full_set=91.76,
        rates=RATES,
        accuracies={
            "random": (58.74, 73.10, 80.95, 85.77, 87.64),
            "forgetting": (4.33, 22.33, 33.15, 64.43, 81.28),
            "entropy": (27.93, 41.69, 59.86, 78.69, 86.20),
            "el2n": (17.63, 23.24, 28.24, 37.58, 60.06),
            "aum": (4.56, 7.01, 22.13, 39.87, 65.93),
            "ccs": (58.43, 71.73, 78.46, 83.64, 84.94),
            "eva": (61.23, 78.71, 83.11, 86.38, 88.77),
        },
    ),
}
