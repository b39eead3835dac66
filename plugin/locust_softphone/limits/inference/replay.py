"""The observed requests once more, decided by a model: how many decisions differ.

The fits look at each decision alone, so a limit can explain all of them by being at its boundary all the time. Such a
coincidence does not survive a replay, where one decision leads to the next. In what order requests arrived that were
sent at about one time is not known, so it is counted how many of them were admitted, not which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, product

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.inference.observations import Evidence
from locust_softphone.limits.inference.search import Bounds

__all__ = ["Replay"]

MOST_REPLAYED = 15_000
BINS = 100  # of time, in which admissions are counted
JITTERS = 5  # in one bin at least
TOLERATED = 0.15  # of the rarer decision
TOLERATED_AT_LEAST = 6
WIDE = 10.0  # bounds with a ratio above this are too wide for a few points to speak for all
POINTS = 8  # along a diagonal of the bounds


class Replay:
    """Replays the beginning of the evidence.

    Args:
        evidence: what was observed.
        foreign_share: the share of the limit that others are taken to use.
    """

    def __init__(self, evidence: Evidence, foreign_share: float) -> None:
        bin_s = max(evidence.span_s / BINS, JITTERS * evidence.jitter_s)
        arrivals = sorted(((each.earliest_s + each.latest_s) / 2, each.admitted) for each in evidence.all)
        replayed = 0
        self._bins: list[tuple[list[float], int]] = []  # the instants of a bin, and how many were admitted
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
        """How many decisions differ at least, for the best limit within the bounds; 0 if that is tolerable.

        Bounds that are too wide to look at are not ruled out.
        """
        if any(each.high > WIDE * each.low for each in bounds):
            return 0
        found = (self._different(make(*point)) for point in _points(bounds))
        fewest = next(found)
        while fewest > self._tolerated and (another := next(found, None)) is not None:
            fewest = min(fewest, another)
        return fewest if fewest > self._tolerated else 0

    def _different(self, limit: Limit) -> int:
        """How many decisions of this limit differ; counted until there are too many."""
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
