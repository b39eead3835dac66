"""Fits a bucket that is filled in lumps: the interval T between two fills, the lump q, the burst b.

The limit begins to admit again at a fill, so the first admissions after refusals are T apart, or a multiple of T. With
time counted in fills instead of seconds, it is a token bucket with a rate of q tokens per fill.
"""

from __future__ import annotations

from itertools import pairwise
from math import floor
from statistics import median

from locust_softphone.limits.inference.bucket_fit import fit_bucket
from locust_softphone.limits.inference.observations import Arrival, Evidence
from locust_softphone.limits.inference.search import Bounds, Conflict, Fits, QuotaRange

__all__ = ["fit_lumps"]


def fit_lumps(evidence: Evidence, foreign_share: float = 0.0) -> Fits:
    """The interval between two fills, the tokens per fill, and the burst; needs three observed fills."""
    fills = [(refused.earliest_s, admitted.latest_s) for refused, admitted in evidence.reopenings]
    if len(fills) < 3:
        return Conflict(QuotaRange(1.0, 0.0))
    gap_s = median(later[0] - earlier[0] for earlier, later in pairwise(fills))
    number = max(1, round((fills[-1][0] - fills[0][0]) / gap_s))
    interval_s = Bounds((fills[-1][0] - fills[0][1]) / number, (fills[-1][1] - fills[0][0]) / number)
    if interval_s.low <= 0:
        return Conflict(QuotaRange(1.0, 0.0))
    bucket = fit_bucket(_in_fills(evidence, Bounds(*fills[0]), interval_s), foreign_share)
    return bucket if isinstance(bucket, Conflict) else [(interval_s, *bounds) for bounds in bucket]


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
