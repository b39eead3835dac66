"""Replays the observed requests against a model, and counts the decisions that differ.

The fits check each decision alone. A wrong limit can pass if it is close to its boundary all the time. In a replay each
decision depends on the earlier ones, so such a coincidence shows. The order of requests that were sent at about the
same time is unknown, so the replay compares the number of admissions in each interval of time, not single decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, product

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.inference.observations import Evidence, thinned
from locust_softphone.limits.inference.search import Region

__all__ = ["Replay", "decided_differently"]

MOST_REPLAYED = 15_000
BINS = 100  # intervals of time in which admissions are counted
JITTERS = 5  # a bin is at least this many times as long as the jitter
TOLERATED = 0.15  # share of the rarer decision that may differ
TOLERATED_AT_LEAST = 6
FEWEST_POINTS = 9  # that are replayed, also of a long history
NEAR = 3.0  # times the tolerated difference: points near the best one are tried, too
STEPS = (0.02, 0.01, 0.005, 0.002, 0.001, 0.0005)
"""By how much a parameter is changed."""
MOST_DECIDED = 100_000  # decisions of all replays of a region


class Replay:
    """Replays the beginning of the evidence.

    Args:
        evidence: what was observed.
        foreign_share: the share of the limit that other clients are assumed to use.
    """

    def __init__(self, evidence: Evidence, foreign_share: float) -> None:
        bin_s = max(evidence.span_s / BINS, JITTERS * evidence.jitter_s)
        replayed = 0
        self._bins: list[tuple[list[float], int]] = []  # the instants in a bin, and how many were admitted
        for _, group in groupby(evidence.probably, lambda each: int((each[0] - evidence.begin_s) / bin_s)):
            in_bin = list(group)
            replayed += len(in_bin)
            if self._bins and replayed > MOST_REPLAYED:
                break
            self._bins.append(([now for now, _ in in_bin], sum(admitted for _, admitted in in_bin)))
        admitted = sum(count for _, count in self._bins)
        self._replayed = sum(len(instants) for instants, _ in self._bins)
        rarer = min(admitted, self._replayed - admitted)
        self._tolerated = TOLERATED_AT_LEAST + (TOLERATED + 3 * foreign_share) * rarer

    def closest(self, region: Region, make: Callable[..., Limit]) -> tuple[int, tuple[float, ...]]:
        """How many decisions differ for the best point of a region, and the point."""
        points = thinned(region.points, max(FEWEST_POINTS, MOST_DECIDED // max(1, self._replayed)))
        fewest, best = self._tolerated * 1000 + 1, region.points[0]
        for point in points:
            different = self._different(make(*point), fewest)
            if different < fewest:
                fewest, best = different, point
        if self._tolerated < fewest <= NEAR * self._tolerated:
            fewest, best = self._refined(fewest, best, region, make)
        return round(fewest), best

    def tolerates(self, different: int) -> bool:
        """Whether so many decisions can differ by chance."""
        return different <= self._tolerated

    def _refined(
        self, fewest: float, best: tuple[float, ...], region: Region, make: Callable[..., Limit]
    ) -> tuple[float, tuple[float, ...]]:
        """A better point near the best one; ends with the first that is tolerable.

        After many windows, a small error of the window's length has moved their boundaries by half a window.
        """
        for step, number, sign in product(STEPS, range(len(best)), (1, -1)):
            bounds = region[number]
            moved = min(max(best[number] * (1 + sign * step), bounds.low), bounds.high)
            point = (*best[:number], moved, *best[number + 1 :])
            different = self._different(make(*point), fewest)
            if different < fewest:
                fewest, best = different, point
            if fewest <= self._tolerated:
                break
        return fewest, best

    def _different(self, limit: Limit, fewest: float) -> int:
        """How many decisions of this limit differ; stops counting beyond the fewest so far, or when far too many do."""
        return decided_differently(self._bins, limit, min(fewest, NEAR * self._tolerated))


def decided_differently(bins: Iterable[tuple[Sequence[float], int]], limit: Limit, most: float) -> int:
    """How many decisions of a limit differ, counted until there are more than ``most``.

    One request that is admitted in the next bin instead is no difference: where a bucket has just one token, a
    millisecond decides which of two requests gets it.

    Args:
        bins: for each interval of time, when the requests arrived, and how many were admitted.
        limit: unused so far.
        most: more than this is enough.
    """
    different = last = 0
    for instants, admitted in bins:
        more = limit.count_admitted(instants) - admitted
        different += abs(more)
        if last * more < 0:
            different -= 2
            last = 0
        else:
            last = more
        if different > most + 1:
            break
    return different
