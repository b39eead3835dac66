"""Fits a penalty P around a token bucket: the time for which everything is refused after the bucket has refused.

    fixed      from the first refusal of a run:            last refusal < first + P ≤ next admission
    renewed    each request in the penalty starts it again: gaps between refusals < P ≤ gap before the next admission

A run is a sequence of refusals. Only its first refusal gives a bound of the bucket.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import inf

from locust_softphone.limits.inference.bucket_fit import fit_bucket
from locust_softphone.limits.inference.observations import Arrival, Evidence
from locust_softphone.limits.inference.search import Bounds, Conflict, Fits, QuotaRange

__all__ = ["fit_fixed_penalty", "fit_renewed_penalty"]


@dataclass(frozen=True)
class _Run:
    """Refusals without an admission in between, and the admission that ended them."""

    first: Arrival
    last: Arrival
    longest_gap_s: float
    gap_before_end_s: float
    ended_by: Arrival


def fit_fixed_penalty(evidence: Evidence, foreign_share: float = 0.0) -> Fits:
    """The length of a fixed penalty, and the rate and the burst of the bucket inside."""
    runs = _runs(evidence)
    low = max((run.last.earliest_s - run.first.latest_s for run in runs), default=0.0)
    high = min((run.ended_by.latest_s - run.first.earliest_s for run in runs), default=inf)
    return _fit(evidence, runs, Bounds(low, high), foreign_share)


def fit_renewed_penalty(evidence: Evidence, foreign_share: float = 0.0) -> Fits:
    """The length of a penalty that each request renews, and the rate and the burst of the bucket inside."""
    runs = _runs(evidence)
    low = max((run.longest_gap_s for run in runs), default=0.0)
    high = min((run.gap_before_end_s for run in runs), default=inf)
    return _fit(evidence, runs, Bounds(low, high), foreign_share)


def _fit(evidence: Evidence, runs: list[_Run], penalty_s: Bounds, foreign_share: float) -> Fits:
    if not 0 < penalty_s.low <= penalty_s.high < inf:
        return Conflict(QuotaRange(*penalty_s))
    bucket = fit_bucket(evidence.with_refusals(run.first for run in runs), foreign_share)
    return bucket if isinstance(bucket, Conflict) else [region.preceded_by(penalty_s) for region in bucket]


def _runs(evidence: Evidence) -> list[_Run]:
    """The runs of refusals, in order."""
    refused_at = [each.earliest_s for each in evidence.every_refusal]
    sent_at = [each.earliest_s for each in evidence.all]
    runs, begin, unsure_from = [], -inf, -inf
    for last, admitted in evidence.reopenings:
        from_there = bisect_left(refused_at, begin)
        run = evidence.every_refusal[from_there : bisect_left(refused_at, admitted.earliest_s)]
        unsure = evidence.every_refusal[
            bisect_left(refused_at, unsure_from) : from_there
        ]  # the end of the last penalty?
        begin, unsure_from = admitted.latest_s, admitted.earliest_s
        if not run:
            continue
        first = min([*unsure, run[0]])._replace(latest_s=min(each.latest_s for each in run))
        positions = [bisect_left(sent_at, each.earliest_s) for each in run if each.earliest_s > first.latest_s]
        gaps = [evidence.all[each].earliest_s - evidence.all[each - 1].latest_s for each in positions]
        before = evidence.all[bisect_left(sent_at, admitted.earliest_s) - 1]
        runs.append(_Run(first, last, max(gaps, default=0.0), admitted.latest_s - before.earliest_s, admitted))
    return runs
