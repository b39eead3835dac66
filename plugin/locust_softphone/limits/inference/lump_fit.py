"""Fits a bucket that is filled in lumps: the interval T between two fills, the lump q, the burst b.

The limit begins to admit again at a fill, so the first admissions after refusals are a multiple of T apart. With
time counted in fills instead of seconds, it is a token bucket with a rate of q tokens per fill.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor

from locust_softphone.limits.inference.bucket_fit import fit_bucket
from locust_softphone.limits.inference.observations import Arrival, Evidence
from locust_softphone.limits.inference.search import Bounds, Conflict, Fits, QuotaRange, Region

__all__ = ["fit_lumps"]

FEWEST_FILLS = 2
MOST_FILLS = 200  # that the interval is narrowed by
UNSURE = 1.5  # an interval must be this many times as long as the uncertainty of a fill
MOST_POSSIBLE = 60
MOST_TRIED = 8


def fit_lumps(evidence: Evidence, foreign_share: float = 0.0) -> Fits:
    """The interval between two fills, the tokens per fill, and the burst; needs two observed fills."""
    fills = [Bounds(refused.earliest_s, admitted.latest_s) for refused, admitted in evidence.reopenings]
    nearest: Conflict | None = None
    found: list[Region] = []
    for interval_s in _intervals(fills)[:MOST_TRIED] if len(fills) >= FEWEST_FILLS else ():
        bucket = fit_bucket(_in_fills(evidence, fills[0], interval_s), foreign_share)
        if isinstance(bucket, Conflict):
            nearest = nearest or bucket
        else:
            found += [region.preceded_by(interval_s) for region in bucket]
    return found or nearest or Conflict(QuotaRange(1.0, 0.0))


def _intervals(fills: Sequence[Bounds]) -> list[Bounds]:
    """The intervals for which all observed fills are whole multiples of it apart, the longest first.

    Intervals about as short as the uncertainty of the fills are always possible, so they are left out: of the few that
    are known best, since the limit may have rested before others.
    """
    unsure_s = sorted(fill.high - fill.low for fill in fills)[max(1, len(fills) // 4)]
    first, last = fills[0], fills[-1]
    possible = [Bounds(UNSURE * unsure_s, last.high - first.low)]
    for fill in fills[1 : 1 + MOST_FILLS]:
        possible = [
            both
            for each in possible
            for number in range(
                ceil((fill.low - first.high) / each.high), floor((fill.high - first.low) / each.low) + 1
            )
            if number > 0
            and (both := _overlap(each, (fill.low - first.high) / number, (fill.high - first.low) / number))
        ]
        possible = sorted(set(possible), reverse=True)[:MOST_POSSIBLE]
    return possible


def _overlap(bounds: Bounds, low: float, high: float) -> Bounds | None:
    both = Bounds(max(bounds.low, low), min(bounds.high, high))
    return both if 0 < both.low <= both.high else None


def _in_fills(evidence: Evidence, fill: Bounds, interval_s: Bounds) -> Evidence:
    """The observations with each instant replaced by the number of fills before it."""

    def least(instant: float) -> int:
        distance = instant - fill.high
        return floor(distance / (interval_s.high if distance > 0 else interval_s.low))

    def most(instant: float) -> int:
        distance = instant - fill.low
        return floor(distance / (interval_s.low if distance > 0 else interval_s.high))

    return Evidence(
        Arrival(least(each.earliest_s), most(each.latest_s), each.admitted, each.open, each.answered_s)
        for each in evidence.all
    )
