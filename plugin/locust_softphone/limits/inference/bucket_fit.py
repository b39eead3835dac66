"""A token bucket: its rate r and burst b, from what it admitted and refused.

    n admitted within d seconds                       ►  n     ≤ b + r d       for every pair of admissions
    refused, when it was full d seconds ago, and
    n were admitted since                             ►  n + 1 > b + r d       for one earlier instant at least

The first holds whether or not the bucket has been full in between. What others took (foreign traffic) makes the second
weaker, not the first. With the uncertain instants of arrival, all d are taken as long as possible for the first, and as
short as possible for the second.
"""

from __future__ import annotations

from bisect import bisect_right
from math import inf, sqrt

from locust_softphone.limits.inference.observations import MOST_POINTS, Arrival, Evidence, thinned
from locust_softphone.limits.inference.search import Fits, QuotaRange, fit_scale

__all__ = ["fit_bucket"]

SPANS = 20  # a token that takes so many times as long as was observed is as good as none
HIGHEST_RATE = 1e5
STRICTLY = 1e-6  # of a token: the burst is below what a refusal says, not at it


def fit_bucket(evidence: Evidence, foreign_share: float = 0.0) -> Fits:
    """The rate and the burst of a token bucket that was full before the first request."""
    lowest = 1 / (SPANS * evidence.span_s)
    return fit_scale(_BucketFit(evidence, foreign_share).bursts, lowest, max(HIGHEST_RATE, 2 * lowest))


class _BucketFit:
    def __init__(self, evidence: Evidence, foreign_share: float) -> None:
        sent, answered = evidence.admitted.earliest, evidence.admitted.latest
        numbers = range(len(sent))
        begins = [(sent[number], 0, number) for number in thinned(numbers, MOST_POINTS)]
        ends = [(answered[number], 1, number + 1) for number in thinned(numbers, MOST_POINTS)]
        self._begins_and_ends = sorted(begins + ends)  # (instant, which, admitted before or by then)
        self._answers = [(answered[number], number) for number in thinned(numbers, MOST_POINTS)]
        self._refusals = [
            (
                refusal,
                bisect_right(sent, refusal.latest_s),
                bisect_right(answered, refusal.earliest_s),
                max(0.0, refusal.earliest_s - evidence.begin_s),
            )
            for refusal in evidence.refusals
        ]
        self._foreign_share = foreign_share

    def bursts(self, low_rate: float, high_rate: float) -> QuotaRange:
        least, crowd = self._least_burst(high_rate)
        most, refusal = inf, None
        for refused, burst in self._most_bursts(low_rate):
            if burst < most:
                most, refusal = burst, refused
        return QuotaRange(least, most, crowd, refusal)

    def _least_burst(self, rate: float) -> tuple[float, tuple[float, float]]:
        """max over all pairs of (n admitted from x to y) - rate * (y - x), and the pair."""
        least, crowd = 1.0, (inf, inf)
        smallest, since = inf, inf
        for instant, is_end, count in self._begins_and_ends:
            level = count - rate * instant
            if is_end:
                if level - smallest > least:
                    least, crowd = level - smallest, (since, instant)
            elif level < smallest:
                smallest, since = level, instant
        return least, crowd

    def _most_bursts(self, rate: float) -> list[tuple[Arrival, float]]:
        """For each refusal, the burst below which it is explained."""
        own_rate = rate * (1 - self._foreign_share)
        bursts = []
        highest, position, answers = -inf, 0, self._answers
        for refusal, sent_by_then, answered_before, since_begin_s in self._refusals:
            now = refusal.earliest_s
            while position < len(answers) and answers[position][0] <= now:
                answered_s, number = answers[position]
                highest = max(highest, own_rate * answered_s - number)
                position += 1
            used = sent_by_then + 1 + max(highest - own_rate * now, -answered_before)
            bursts.append((refusal, used - STRICTLY + 3 * sqrt(self._foreign_share * rate * since_begin_s)))
        return bursts
