"""How long a step takes: medians over as many runs as a row's share of time allows."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["SECONDS_PER_ROW", "Step", "Times", "repeat"]

Step = Callable[[], tuple[float, float]]
"""Renders once and goes back once, and tells the seconds that each of the two took."""

SECONDS_PER_ROW = 0.6
MOST_RUNS = 100
LONG = 0.5  # seconds; two runs of a step that takes longer are enough, and of others it takes
FEWEST_RUNS = 5


@dataclass(frozen=True, kw_only=True)
class Times:
    """Seconds.

    Attributes:
        forward, backward: medians.
        total: median of the sums.
        least: the smallest sum: what the machine does when nobody disturbs it.
    """

    forward: float
    backward: float
    total: float
    least: float


def repeat(step: Step, runs: int | None = None) -> Times:
    """Times of a step that has been run before (and so has compiled what it needs): of ``runs`` runs, or as many as its share of time allows."""
    measured = [step()]
    if runs is None:
        one = sum(measured[0])
        runs = 2 if one > LONG else min(max(int(SECONDS_PER_ROW / one), FEWEST_RUNS), MOST_RUNS)
    measured += [step() for _ in range(runs - 1)]
    forward, backward = zip(*measured, strict=True)
    totals = [sum(times) for times in measured]
    return Times(forward=statistics.median(forward), backward=statistics.median(backward), total=statistics.median(totals), least=min(totals))
