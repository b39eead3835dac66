"""Requests that separate kinds of limit which the observations so far do not separate.

Each plan is sent to a limit that has rested. Q is the quota (or burst), W the window (or the time in which a bucket
fills):

    straddle    Q/2 at 0, Q/2 at 0.6 W, Q at 1.1 W     a fixed window reopens all at once, a log by halves
    refill      Q at 0, Q/2 at W/2, Q at 1.6 W         a bucket has refilled half after half a window
    asking      Q at 0, polls at twice the rate        only a measured rate or a penalty stays closed
    silent      Q at 0, nothing, then a few            what the same limit does if it is not asked

The plan to send next is the one for which models of the remaining kinds differ most (``most_different``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from locust_softphone.limits.decision import Limit

__all__ = ["Plan", "most_different", "plans_for"]

BINS = 24
TELLING = 0.12  # of the quota: a difference in admissions that is not a coincidence
TELLING_AT_LEAST = 4

MakeLimit = Callable[[], Limit]


class Plan(NamedTuple):
    """Requests at these instants, in seconds from the begin of the plan."""

    name: str
    instants: tuple[float, ...]

    @property
    def lasts_s(self) -> float:
        return self.instants[-1]


def plans_for(quota: float, window_s: float) -> Iterator[Plan]:
    """The plans for a limit of about this size."""
    whole = max(2, round(1.1 * quota) + 1)
    half = max(1, round(quota / 2))
    poll_s = window_s / min(24.0, max(8.0, quota))
    polls = [number * poll_s for number in range(1, 100)]
    edge = [(0.92 + 0.02 * number) * window_s for number in range(9)]  # polls about when the window ends
    yield Plan("straddle", (*[0.0] * half, *[0.6 * window_s] * (half + 2), *edge, *[1.1 * window_s] * whole))
    yield Plan("refill", (*[0.0] * whole, *[window_s / 2] * whole, *[1.6 * window_s] * whole))
    asking_s = window_s / (2 * quota)
    asked = [number * asking_s for number in range(1, int(3 * quota))]
    yield Plan("asking", (*[0.0] * whole, *asked))
    yield Plan("silent", (*[0.0] * whole, *[1.02 * window_s] * half, *[1.5 * window_s] * whole))
    yield Plan("polls", (*[0.0] * whole, *(each for each in polls if each < 2.3 * window_s)))
    yield Plan("two bursts", (*[0.0] * whole, *edge, *[1.1 * window_s] * whole))


def admissions(limit: Limit, instants: Iterable[float], begin_s: float, bin_s: float) -> list[int]:
    """How many of the requests a limit admits, in each interval of time."""
    counts = [0] * (BINS + 1)
    for number, instant in enumerate(instants):
        counts[min(BINS, int(instant / bin_s))] += limit.admit(begin_s + instant, number).admitted
    return counts


def most_different(
    plans: Iterable[Plan], models: Sequence[MakeLimit], quotas: Sequence[float], begin_s: float
) -> Plan | None:
    """The plan that separates most pairs of models for its cost; None if none separates any.

    Args:
        plans: to choose from.
        models: each makes one of the limits that may be the true one.
        quotas: of each model; differences are relative to them.
        begin_s: when the plan would begin.
    """
    best, best_value = None, 0.0
    for plan in plans:
        bin_s = max(plan.lasts_s / BINS, 1e-6)
        found = [admissions(make(), plan.instants, begin_s, bin_s) for make in models]
        separated = 0.0
        for (one, quota_of_one), (other, quota_of_other) in combinations(zip(found, quotas, strict=True), 2):
            different = sum(abs(a - b) for a, b in zip(one, other, strict=True))
            telling = max(TELLING_AT_LEAST, TELLING * min(quota_of_one, quota_of_other))
            separated += min(1.0, (different / telling) ** 2) if different else 0.0
        value = separated / (len(plan.instants) ** 0.25)
        if value > best_value and separated >= 0.2:
            best, best_value = plan, value
    return best
