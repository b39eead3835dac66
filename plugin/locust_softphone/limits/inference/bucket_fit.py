"""Fits a token bucket: its rate r and burst b, from the admitted and refused requests.

    n admitted within d seconds                       ►  n     ≤ b + r d       for every pair of admissions
    refused, the bucket was full d seconds ago, and
    n were admitted since                             ►  n + 1 > b + r d       for at least one earlier instant

The first line holds whether or not the bucket was full in between. Foreign traffic weakens the second line only. As the
instants of arrival are uncertain, the first line uses the longest possible d, the second the shortest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from itertools import pairwise
from math import inf, sqrt

from locust_softphone.limits.inference.observations import MOST_POINTS, Arrival, Evidence, thinned
from locust_softphone.limits.inference.search import Bounds, Conflict, Fits, QuotaRange, Region, fit_scale

__all__ = ["fit_bucket"]

SPANS = 20  # a rate of less than 1 token in this many times the observed time is the same as none
TIMES_ASKED = 4  # the highest rate that is tried, as a multiple of the highest request rate
PARTS = 100
LONGEST_PART_S = 1.0
STRICTLY = 1e-6  # of a token: a refusal bounds the burst strictly from above


def fit_bucket(evidence: Evidence, foreign_share: float = 0.0) -> Fits:
    """The rate and the burst of a token bucket that was full before the first request."""
    lowest = 1 / (SPANS * evidence.span_s)
    highest = TIMES_ASKED * _busiest(evidence)
    fits = fit_scale(_BucketFit(evidence, foreign_share).bursts, lowest, highest)
    if isinstance(fits, Conflict):
        return fits
    return [
        Region((Bounds(0.0, rate.high) if rate.low == lowest else rate, burst), region.points)
        for region in fits
        for rate, burst in [region]
    ]


def _busiest(evidence: Evidence) -> float:
    """The highest request rate, in any of many equal parts of the observed time: pauses must not hide it."""
    part_s = min(evidence.span_s / PARTS, LONGEST_PART_S)
    parts = Counter(int((instant - evidence.begin_s) / part_s) for instant in evidence.everything.earliest)
    return max(parts.values()) / part_s


class _BucketFit:
    def __init__(self, evidence: Evidence, foreign_share: float) -> None:
        earliest, latest = evidence.admitted.earliest, evidence.admitted.latest
        numbers = range(len(earliest))
        begins = [(earliest[number], 0, number) for number in thinned(numbers, MOST_POINTS)]
        ends = [(latest[number], 1, number + 1) for number in thinned(numbers, MOST_POINTS)]
        self._begins_and_ends = sorted(begins + ends)  # (instant, which, admitted before or by then)
        self._refusals = sorted(
            (
                bisect_right(latest, refusal.earliest_s),
                bisect_right(earliest, refusal.latest_s),
                max(0.0, refusal.earliest_s - evidence.begin_s),
                refusal,
            )
            for refusal in evidence.refusals
        )
        cuts = [0, *(arrived_before for arrived_before, *_ in self._refusals)]
        self._since_last = [
            _lower_hull([(latest[number], number) for number in range(begin, end)]) for begin, end in pairwise(cuts)
        ]
        self._foreign_rate = foreign_share * len(earliest) / evidence.span_s

    def bursts(self, low_rate: float, high_rate: float) -> QuotaRange:
        """The bursts that explain the observations for these rates."""
        least, admitted_within = self._least_burst(high_rate)
        most, refusal = inf, None
        for refused, burst in self._most_bursts(low_rate):
            if burst < most:
                most, refusal = burst, refused
        return QuotaRange(least, most, admitted_within, refusal)

    def _least_burst(self, rate: float) -> tuple[float, tuple[float, float]]:
        """max over all pairs of (n admitted from x to y) - rate * (y - x), and the pair."""
        least, admitted_within = 1.0, (inf, inf)
        smallest, since = inf, inf
        for instant, is_end, count in self._begins_and_ends:
            level = count - rate * instant
            if is_end:
                if level - smallest > least:
                    least, admitted_within = level - smallest, (since, instant)
            elif level < smallest:
                smallest, since = level, instant
        return least, admitted_within

    def _most_bursts(self, rate: float) -> list[tuple[Arrival, float]]:
        """For each refusal, the upper bound of the burst."""
        own_rate = rate - self._foreign_rate
        bursts, highest = [], -inf  # the highest is max(rate * instant - number) over all admissions before the refusal
        for admissions, refused in zip(self._since_last, self._refusals, strict=True):
            arrived_before, sent_by_then, since_begin_s, refusal = refused
            highest = max(highest, max((own_rate * instant - number for instant, number in admissions), default=-inf))
            used = max(highest - own_rate * refusal.earliest_s, -arrived_before)
            foreign = 3 * sqrt(self._foreign_rate * since_begin_s)
            bursts.append((refusal, sent_by_then + 1 + used - STRICTLY + foreign))
        return bursts


def _lower_hull(points: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """The points (x, y) at which rate * x - y is highest for some rate; ``points`` must be sorted by x."""
    hull: list[tuple[float, int]] = []
    for x, y in points:
        while len(hull) > 1 and (hull[-1][0] - hull[-2][0]) * (y - hull[-2][1]) <= (hull[-1][1] - hull[-2][1]) * (
            x - hull[-2][0]
        ):
            hull.pop()
        hull.append((x, y))
    return hull
