"""What a strategy left out as suspects, by class, and what is to be said of many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MANY = 0.2
SHORT_RUN = 30
MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Samples of one class, and how many of them were left out as suspects."""

    name: str
    n_samples: int
    n_left_out: int

    @property
    def share(self) -> float:
        """Share of the class that was left out, 0 to 1."""
        return self.n_left_out / self.n_samples if self.n_samples else 0.0


def left_out_by_class(
    report: Mapping[str, Any], class_names: Sequence[str], class_counts: Sequence[int]
) -> list[LeftOut]:
    """Return how many samples of each class a selection left out as suspects.

    Parameters
    ----------
    report : mapping
        Of the coreset; without ``suspects`` nothing was judged and the list is empty.
    class_names : sequence of str
    class_counts : sequence of int
        Samples of each class in the full training split.
    """
    if "suspects" not in report:
        return []
    found = {part["part"]: int(part["left_out"]) for part in report["suspects"]}
    return [
        LeftOut(name=name, n_samples=int(count), n_left_out=found.get(name, 0))
        for name, count in zip(class_names, class_counts, strict=True)
        if count
    ]


def share_left_out(parts: Sequence[LeftOut]) -> float:
    """Return the share of all samples that was left out, 0 to 1."""
    n_samples = sum(part.n_samples for part in parts)
    return sum(part.n_left_out for part in parts) / n_samples if n_samples else 0.0


def counted(n_samples: int, n_all: int) -> str:
    """Return a number of samples with its share of all."""
    return f"{n_samples:,} ({100 * n_samples / max(n_all, 1):.0f} %)"


def warning_of(parts: Sequence[LeftOut], n_epochs: int | None) -> str:
    """Return what is to be said where more than a fifth of all or of a class was left out.

    ``n_epochs`` is given where the first epochs told the suspects, which a short run has few of.
    """
    share = share_left_out(parts)
    worst = sorted((p for p in parts if p.share > MANY), key=lambda p: p.share, reverse=True)
    if share <= MANY and not worst:
        return ""
    n_samples = sum(part.n_samples for part in parts)
    n_left_out = sum(part.n_left_out for part in parts)
    text = f"{counted(n_left_out, n_samples)} of {n_samples:,} samples were left out as suspects"
    if worst:
        named = ", ".join(f"{p.name} {100 * p.share:.0f} %" for p in worst[:MOST_NAMED])
        more = f" and {len(worst) - MOST_NAMED} more" if len(worst) > MOST_NAMED else ""
        text += f"; of single classes {named}{more}"
    cause = (
        f"After {n_epochs} epochs the first tenth is short, and right labels look wrong then: "
        "train longer"
        if n_epochs is not None and n_epochs < SHORT_RUN
        else "Unless so many labels are wrong, classes that are hard to tell apart were taken for "
        "wrong ones: look at some on the page Review"
    )
    return f"{text}. {cause}, or choose the strategy Coverage, which leaves nothing out."
