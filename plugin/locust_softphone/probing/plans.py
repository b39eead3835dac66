"""Requests that separate kinds of limit which the observations so far do not separate.

Each plan is sent to a limit that has rested. How long it rests decides as well: a clock's windows and fills go on
meanwhile. Q is the quota (or burst), W the window (or the time in which a bucket fills):

    straddle    Q/2 at 0, Q/2 at 0.6 W, Q at 1.1 W     a fixed window reopens all at once, a log by halves
    refill      Q at 0, Q/2 at W/2, Q at 1.6 W         a bucket has refilled half after half a window
    asking      Q at 0, polls at twice the rate        only a measured rate or a penalty stays closed
    silent      Q at 0, nothing, then a few            what the same limit does if it is not asked

The plan to send next is the one for which models of the remaining kinds differ most for what it costs
(``most_different``): requests, and refusals above all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations, groupby
from math import inf
from typing import NamedTuple

from locust_softphone.limits.decision import Limit
from locust_softphone.probing.paces import ENOUGH_REFUSED

__all__ = ["Plan", "burst_spacing_s", "most_different", "plans_for"]

BINS = 24
TELLING = 0.12  # of the quota: a difference in admissions that is not a coincidence
TELLING_AT_LEAST = 4
REFUSAL_COST = 5.0  # as much as this many requests
SPREAD = 0.05  # of the time that a plan lasts: the longest burst
THRIFT = 0.5  # a plan that costs four times as much must separate twice as much

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


def burst_spacing_s(instants: Sequence[float], round_trip_s: float, lasts_s: float) -> float:
    """Between two requests of a burst: so that few are under way, and a burst is short.

    Args:
        instants: of the whole plan.
        round_trip_s: of a request.
        lasts_s: the time in which what is measured changes.
    """
    largest = max(len(list(burst)) for _, burst in groupby(instants))
    return min(round_trip_s / ENOUGH_REFUSED, SPREAD * lasts_s / largest)


class Played(NamedTuple):
    """What a limit would answer to a plan: how many it admits in each interval of time, and how many in all."""

    admitted: list[int]
    requests: int
    refused: int

    @property
    def cost(self) -> float:
        return self.requests + REFUSAL_COST * self.refused


def play(limit: Limit, plan: Plan, begin_s: float) -> Played:
    """What a limit would answer to a plan, as ``paces.at`` sends it."""
    bin_s = max(plan.lasts_s / BINS, 1e-6)
    admitted, number, refused = [0] * (BINS + 1), 0, 0
    for instant, burst in groupby(plan.instants):
        in_row, in_bin = 0, min(BINS, int(instant / bin_s))
        for _ in burst:
            number += 1
            if limit.admit(begin_s + instant, number).admitted:
                admitted[in_bin] += 1
                in_row = 0
            else:
                refused += 1
                in_row += 1
            if in_row == ENOUGH_REFUSED:
                break
    return Played(admitted, number, refused)


def most_different(
    plans: Iterable[tuple[float, Plan]],
    models: Sequence[MakeLimit],
    quotas: Sequence[float],
    most_refused: float = inf,
) -> tuple[float, Plan] | None:
    """The plan that separates most pairs of models for its cost, and when it begins; None if none separates any.

    Args:
        plans: to choose from, each with the instant when it would begin.
        models: each makes one of the limits that may be the true one.
        quotas: of each model; differences are relative to them.
        most_refused: no plan with more refusals, whichever model is the true one.
    """
    best, best_value = None, 0.0
    for begin_s, plan in plans:
        found = [play(make(), plan, begin_s) for make in models]
        if max(each.refused for each in found) > most_refused:
            continue
        separated = 0.0
        for (one, quota_of_one), (other, quota_of_other) in combinations(zip(found, quotas, strict=True), 2):
            different = sum(abs(a - b) for a, b in zip(one.admitted, other.admitted, strict=True))
            telling = max(TELLING_AT_LEAST, TELLING * min(quota_of_one, quota_of_other))
            separated += min(1.0, (different / telling) ** 2) if different else 0.0
        value = separated / (sum(each.cost for each in found) / len(found)) ** THRIFT
        if value > best_value and separated >= 0.2:
            best, best_value = (begin_s, plan), value
    return best
