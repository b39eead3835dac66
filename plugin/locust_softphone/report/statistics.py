"""How sure a figure of repeated runs is: 95 % intervals, and when a difference is inside the noise.

The unit is the run. The softphones of one run compete for the same limits, so they are no independent trials, however
many they are: nothing here resamples within a run, and of a single run there is no interval.

    share         Wilson's score interval (1927) over all softphones of the arm, with two corrections: their number is
                  divided by how much more the runs differ than independent softphones would (the heterogeneity
                  factor chi²/(k-1), McCullagh & Nelder, Generalized Linear Models, 4.5.1), and z is Student's t with
                  k-1 degrees of freedom, as that factor is estimated from k runs (Finney, Probit Analysis)
    other figure  estimate ± t(k-1) * se. The bootstrap draws k runs of the k, with replacement, many times, and works
                  the figure out anew from each draw: a mean, or a percentile of the merged histograms. Their standard
                  deviation times sqrt(k/(k-1)) is se ("t with bootstrap standard error", Hesterberg, What Teachers
                  Should Know About the Bootstrap, 2015, 5.3). A bootstrap of three runs that reads off percentiles
                  instead can never leave their range, and holds far less than it says
    difference    b - a ± t * sqrt(se_a² + se_b²), with the degrees of freedom of the arm that has fewer runs

A difference is inside the noise when its interval has zero in it. The draws are seeded: the same runs, the same text.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from random import Random
from statistics import NormalDist, fmean, pstdev

from locust_softphone.metrics.tally import Latency

__all__ = ["CONFIDENCE", "Estimate", "difference", "mean", "percentile", "share", "student_t"]

CONFIDENCE = 0.95
_DRAWS = 2000
_SEED = 1927
_FEW = (12.7062, 4.3027, 3.1824, 2.7764)  # Student's t, 97.5 %, for 1 to 4 degrees of freedom
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


@dataclass(frozen=True)
class Estimate:
    """A figure of an arm, or the difference between two of them.

    Args:
        value: the figure.
        low: the lower end of its 95 % interval; None where there is only one run.
        high: the upper end.
        se: its standard error between runs; None where there is only one run.
        runs: of how many runs; of a difference, of the arm that has fewer.
    """

    value: float
    low: float | None = None
    high: float | None = None
    se: float | None = None
    runs: int = 1

    @property
    def in_the_noise(self) -> bool | None:
        """Of a difference: whether it could as well be none; None where that cannot be told, of a single run."""
        if self.low is None or self.high is None:
            return None
        return self.low <= 0 <= self.high


def mean(values: Sequence[float]) -> Estimate:
    """The mean of a figure that each run has, such as its number of 429s; its interval is never below 0."""
    return _mean(tuple(values))


@lru_cache(maxsize=1024)
def _mean(values: tuple[float, ...]) -> Estimate:
    return _around(fmean(values), len(values), lambda drawn: fmean([values[i] for i in drawn]))


def percentile(histograms: Sequence[Latency], percent: float) -> Estimate:
    """A percentile of the durations of all runs together, in seconds.

    Args:
        histograms: one of each run, none of them empty.
        percent: which percentile.
    """
    merged = Latency()
    for histogram in histograms:
        merged.merge(histogram)
    return _around(merged.percentile_s(percent), len(histograms), _percentile_of_draw(histograms, percent))


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
    """From one arm's figure to another's; without an interval where one of them has a single run."""
    value, runs = after.value - before.value, min(before.runs, after.runs)
    if before.se is None or after.se is None:
        return Estimate(value)
    se = math.hypot(before.se, after.se)
    half = student_t(runs - 1) * se
    return Estimate(value, value - half, value + half, se, runs)


def student_t(degrees: int) -> float:
    """The two-sided 95 % quantile of Student's t (Abramowitz & Stegun 26.7.5, good to 0.001 above 4 degrees)."""
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


def _around(value: float, runs: int, figure: Callable[[Sequence[int]], float]) -> Estimate:
    """A value with its bootstrap interval; ``figure`` works it out from the places of the runs that were drawn."""
    if runs == 1:
        return Estimate(value)
    se = pstdev([figure(drawn) for drawn in _draws(runs)]) * math.sqrt(runs / (runs - 1))
    half = student_t(runs - 1) * se
    return Estimate(value, max(value - half, 0.0), value + half, se, runs)


@lru_cache(maxsize=16)
def _draws(runs: int) -> list[list[int]]:
    """The places of the runs that are drawn, each time as many as there are."""
    random = Random(_SEED)
    return [random.choices(range(runs), k=runs) for _ in range(_DRAWS)]


def _percentile_of_draw(histograms: Sequence[Latency], percent: float) -> Callable[[Sequence[int]], float]:
    """Works out a percentile of some of the histograms together, one that is drawn twice counting twice.

    Merging thousands of them would take a minute; instead the value is looked for by bisection over their cumulated
    counts.
    """
    counted = [histogram.counts() for histogram in histograms]
    durations = sorted(set().union(*counted))
    up_to = [list(accumulate(counts.get(duration_s, 0) for duration_s in durations)) for counts in counted]

    def figure(drawn: Sequence[int]) -> float:
        chosen = [up_to[i] for i in drawn]
        rank = max(int(percent / 100 * sum(counts[-1] for counts in chosen) + 0.5), 1)
        place = bisect_right(range(len(durations)), rank - 1, key=lambda place: sum(counts[place] for counts in chosen))
        return durations[place]

    return figure
