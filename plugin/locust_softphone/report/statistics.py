"""Confidence intervals of repeated runs: each metric of an arm with its 95 % interval, and differences between arms.

The unit is the run. The softphones of one run compete for the same limits, so they are not independent trials: nothing
here resamples within a run, and a single run has no interval.

    mean         m ± t(k-1) * s / sqrt(k), with the standard deviation s of the k runs
    share        Wilson's score interval (1927) over all softphones of the arm, with two corrections: their number is
                 divided by how much more the runs differ than independent softphones would (the heterogeneity factor
                 chi²/(k-1), McCullagh & Nelder, Generalized Linear Models, 4.5.1), and z is Student's t with k-1
                 degrees of freedom, as that factor is estimated from k runs (Finney, Probit Analysis)
    percentile   p ± t(k-1) * se. The bootstrap draws k of the k runs with replacement and takes the percentile of
                 their merged histograms, 2000 times; the standard deviation of these times sqrt(k/(k-1)) is se
                 ("t with bootstrap standard error", Hesterberg, What Teachers Should Know About the Bootstrap, 2015,
                 5.3). The percentiles of a bootstrap of few runs would give intervals that are too narrow
    difference   b - a ± t * sqrt(se_a² + se_b²), with the degrees of freedom of the arm that has fewer runs

A difference whose interval contains zero is reported as noise. The draws are seeded: the same runs give the same text.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from random import Random
from statistics import NormalDist, fmean, pstdev, stdev

from locust_softphone.metrics.histogram import Histogram

__all__ = ["CONFIDENCE", "Estimate", "difference", "mean", "percentile", "share", "student_t"]

CONFIDENCE = 0.95
_DRAWS = 2000
_SEED = 1927
_FEW = (12.7062, 4.3027, 3.1824, 2.7764)  # Student's t, 97.5 %, for 1 to 4 degrees of freedom
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


@dataclass(frozen=True)
class Estimate:
    """A metric of an arm, or the difference of a metric between two arms.

    Args:
        value: the metric.
        low: the lower end of its 95 % interval; None for a single run.
        high: the upper end.
        se: its standard error between runs; None for a single run.
        runs: the number of runs; of a difference, of the arm that has fewer.
    """

    value: float
    low: float | None = None
    high: float | None = None
    se: float | None = None
    runs: int = 1

    @property
    def contains_zero(self) -> bool | None:
        """Whether the interval contains zero: a difference that may be noise. None for a single run."""
        if self.low is None or self.high is None:
            return None
        return self.low <= 0 <= self.high


def mean(values: Sequence[float]) -> Estimate:
    """The mean of a metric that each run has, such as its number of 429s; the interval does not go below 0."""
    value, runs = fmean(values), len(values)
    return Estimate(value) if runs == 1 else _around(value, runs, stdev(values) / math.sqrt(runs))


def percentile(histograms: Sequence[Histogram], percent: float) -> Estimate:
    """A percentile of the durations of all runs together, in seconds.

    Args:
        histograms: one per run, none of them empty.
        percent: which percentile.
    """
    merged = Histogram()
    for histogram in histograms:
        merged.merge(histogram)
    value, runs = merged.percentile_s(percent), len(histograms)
    if runs == 1:
        return Estimate(value)
    se = pstdev(map(_percentile_of_draw(histograms, percent), _draws(runs))) * math.sqrt(runs / (runs - 1))
    return _around(value, runs, se)


def share(counts: Sequence[int], totals: Sequence[int]) -> Estimate:
    """A share of softphones, from 0 to 1: ``counts`` of ``totals`` in each run."""
    total, runs = sum(totals), len(counts)
    p = sum(counts) / total
    if runs == 1:
        return Estimate(p)
    spread = sum((x - n * p) ** 2 / (n * p * (1 - p)) for x, n in zip(counts, totals, strict=True)) if 0 < p < 1 else 0
    n = total / max(spread / (runs - 1), 1.0)
    t = student_t(runs - 1)
    centre, half = p + t * t / (2 * n), t * math.sqrt(p * (1 - p) / n + t * t / (4 * n * n))
    low, high = ((centre + side) / (1 + t * t / n) for side in (-half, half))
    se = mean([x / n for x, n in zip(counts, totals, strict=True)]).se
    return Estimate(p, min(max(low, 0.0), p), max(min(high, 1.0), p), se, runs)


def difference(before: Estimate, after: Estimate) -> Estimate:
    """``after - before``; without an interval where one of the arms has a single run."""
    value, runs = after.value - before.value, min(before.runs, after.runs)
    if before.se is None or after.se is None:
        return Estimate(value)
    se = math.hypot(before.se, after.se)
    half = student_t(runs - 1) * se
    return Estimate(value, value - half, value + half, se, runs)


def student_t(degrees: int) -> float:
    """The two-sided 95 % quantile of Student's t (Abramowitz & Stegun 26.7.5, within 0.001 above 4 degrees)."""
    if degrees <= len(_FEW):
        return _FEW[degrees - 1]
    z, n = _Z, degrees
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * n**4)
    )


def _around(value: float, runs: int, se: float) -> Estimate:
    half = student_t(runs - 1) * se
    return Estimate(value, max(value - half, 0.0), value + half, se, runs)


@lru_cache(maxsize=16)
def _draws(runs: int) -> list[list[int]]:
    """The numbers of the runs in each draw, as many as there are runs."""
    random = Random(_SEED)
    return [random.choices(range(runs), k=runs) for _ in range(_DRAWS)]


def _percentile_of_draw(histograms: Sequence[Histogram], percent: float) -> Callable[[Sequence[int]], float]:
    """A function that takes the percentile of some of the histograms together; one that is drawn twice counts twice.

    Merging thousands of histograms would take a minute, so it searches their cumulative counts by bisection.
    """
    counted = [histogram.counts() for histogram in histograms]
    durations = sorted(set().union(*counted))
    up_to = [list(accumulate(counts.get(duration_s, 0) for duration_s in durations)) for counts in counted]

    def of_draw(drawn: Sequence[int]) -> float:
        chosen = [up_to[i] for i in drawn]
        rank = max(int(percent / 100 * sum(counts[-1] for counts in chosen) + 0.5), 1)
        index = bisect_right(range(len(durations)), rank - 1, key=lambda i: sum(counts[i] for counts in chosen))
        return durations[index]

    return of_draw
