"""Replays the observed requests against a model, and counts the decisions that differ.

The fits check each decision alone. A wrong limit can pass if it is close to its boundary all the time. In a replay each
decision depends on the earlier ones, so such a coincidence shows. The order of requests that were sent at about the
same time is unknown, so the replay compares the number of admissions in each interval of time, not single decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, product

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.inference.observations import Evidence
from locust_softphone.limits.inference.search import Bounds

__all__ = ["Replay"]

MOST_REPLAYED = 15_000
BINS = 100  # intervals of time in which admissions are counted
JITTERS = 5  # a bin is at least this many times as long as the jitter
TOLERATED = 0.15  # share of the rarer decision that may differ
TOLERATED_AT_LEAST = 6
WIDE = 10.0  # a few points cannot represent bounds with a greater ratio
POINTS = 8  # along a diagonal of the bounds


class Replay:
    """Replays the beginning of the evidence.

    Args:
        evidence: what was observed.
        foreign_share: the share of the limit that other clients are assumed to use.
    """

    def __init__(self, evidence: Evidence, foreign_share: float) -> None:
        bin_s = max(evidence.span_s / BINS, JITTERS * evidence.jitter_s)
        arrivals = sorted(((each.earliest_s + each.latest_s) / 2, each.admitted) for each in evidence.all)
        replayed = 0
        self._bins: list[tuple[list[float], int]] = []  # the instants in a bin, and how many were admitted
        for _, group in groupby(arrivals, lambda each: int((each[0] - evidence.begin_s) / bin_s)):
            in_bin = list(group)
            replayed += len(in_bin)
            if self._bins and replayed > MOST_REPLAYED:
                break
            self._bins.append(([now for now, _ in in_bin], sum(admitted for _, admitted in in_bin)))
        admitted = sum(count for _, count in self._bins)
        rarer = min(admitted, sum(len(instants) for instants, _ in self._bins) - admitted)
        self._tolerated = TOLERATED_AT_LEAST + (TOLERATED + 3 * foreign_share) * rarer

    def least_different(self, bounds: Sequence[Bounds], make: Callable[..., Limit]) -> int:
        """How many decisions differ for the best limit within the bounds; 0 if tolerable, or if they are too wide."""
        if any(each.high > WIDE * each.low for each in bounds):
            return 0
        found = (self._different(make(*point)) for point in _points(bounds))
        fewest = next(found)
        while fewest > self._tolerated and (another := next(found, None)) is not None:
            fewest = min(fewest, another)
        return fewest if fewest > self._tolerated else 0

    def _different(self, limit: Limit) -> int:
        """How many decisions of this limit differ; stops counting when there are too many."""
        different = 0
        for instants, admitted in self._bins:
            different += abs(sum(limit.admit(now).admitted for now in instants) - admitted)
            if different > self._tolerated:
                break
        return different


def _points(bounds: Sequence[Bounds]) -> Iterator[tuple[float, ...]]:
    """The middle, points along both diagonals, and the corners."""
    yield tuple((each.low + each.high) / 2 for each in bounds)
    for number in range(1, POINTS):
        up = tuple(each.low * (each.high / each.low) ** (number / POINTS) for each in bounds)
        yield up
        yield *up[:-1], bounds[-1].high * (bounds[-1].low / bounds[-1].high) ** (number / POINTS)
    yield from product(*bounds)
