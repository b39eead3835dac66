"""Confidence intervals of repeated runs, and which differences between two arms may be claimed.

The unit is the run, for every metric. The softphones of one run compete for the same limits, so they are not
independent trials. A percentile of an arm is the mean of its runs' percentiles. A single run has no interval.

    mean         m ± h,  h = max(t * s / sqrt(k), u * ln(2 / (1 - c)) / k)
                 s is the standard deviation of the k runs, t is Student's quantile for k-1 degrees of freedom, u is the
                 smallest step of the metric (one event) and c is the confidence, 0.95. The second term is the rule of
                 three (Hanley & Lippman-Hand, JAMA 249, 1983): nothing seen in k runs does not exclude ln(2/(1-c))/k
                 = 3.7/k events a run. So runs that are all alike are not certain
    skewness     what runs multiply is skewed away from its bound (counts and times from 0, shares from the nearer of 0
                 and 1), and Student's interval is then too short on that side. It is made longer there by a quarter
    difference   b - a ± max(t * se, second term as above), with the degrees of freedom of Welch (Biometrika 34, 1947).
                 Where runs differ by a number, se = sqrt(se_a² + se_b²). Where they differ by a factor, the ratio of
                 the arms is tested: log b - log a has the standard error sqrt((se_a/a)² + (se_b/b)²), which times
                 (b - a) / (log b - log a) is one of b - a. The clearer of the two counts
    claims       a comparison tests several metrics, so some 95 % interval excludes zero by chance. Holm's correction
                 (Scandinavian Journal of Statistics 6, 1979) keeps the probability of any false claim at 5 %: of n
                 p-values, the smallest is compared with 0.05/n, the next with 0.05/(n-1), until one is larger

benchmarks/aa.py measures the coverage of the intervals and the rate of false claims.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from statistics import fmean, stdev

__all__ = ["CONFIDENCE", "Estimate", "difference", "mean", "significant", "student_t"]

CONFIDENCE = 0.95
_SKEWNESS = 0.25
_STEPS = 200


@dataclass(frozen=True)
class Estimate:
    """A metric of an arm, or the difference of a metric between two arms.

    Args:
        value: the metric.
        low: the lower end of its 95 % interval; None for a single run.
        high: the upper end.
        se: its standard error between runs; None for a single run.
        degrees: the degrees of freedom of ``se``.
        step: the smallest step of the metric, divided by the number of runs.
    """

    value: float
    low: float | None = None
    high: float | None = None
    se: float | None = None
    degrees: float = 0.0
    step: float = 0.0

    @cached_property
    def p_value(self) -> float | None:
        """How probable a difference this large is between arms that do not differ; None for a single run."""
        if self.se is None:
            return None
        size = abs(self.value)
        by_step = min(2 * math.exp(-size / self.step), 1.0) if self.step else float(not size)
        by_runs = 1 - _within(size / self.se, self.degrees) if self.se else float(not size)
        return max(by_step, by_runs)

    @property
    def is_none(self) -> bool:
        """Whether it is a difference between runs that are all alike."""
        return self.value == self.se == 0


def mean(values: Sequence[float], *, step: float = 0.0, highest: float = math.inf) -> Estimate:
    """The mean of a metric over the runs of an arm.

    Args:
        values: the metric in each run, not negative.
        step: the smallest step of the metric: 1 for a count; 0 if it has none.
        highest: the highest value that it can have: 1 for a share.
    """
    value, runs = fmean(values), len(values)
    if runs == 1:
        return Estimate(value)
    se, degrees, step = stdev(values) / math.sqrt(runs), runs - 1, step / runs
    half = _half_width(se, degrees, step)
    longer = half * (1 + _SKEWNESS)
    below, above = (half, longer) if value <= highest - value else (longer, half)
    return Estimate(value, max(value - below, 0.0), min(value + above, highest), se, degrees, step)


def difference(before: Estimate, after: Estimate) -> Estimate:
    """``after - before``; without an interval where one of the arms has a single run."""
    value, step = after.value - before.value, math.hypot(before.step, after.step)
    if before.se is None or after.se is None:
        return Estimate(value)
    se_a, se_b = before.se, after.se
    linear = _around(value, math.hypot(se_a, se_b), _welch(se_a, before.degrees, se_b, after.degrees), step)
    a, b = before.value, after.value
    if not a or not b or a == b:
        return linear
    se = math.hypot(se_a / a, se_b / b) * (b - a) / math.log(b / a)
    ratio = _around(value, se, _welch(se_a / a, before.degrees, se_b / b, after.degrees), step)
    return min(linear, ratio, key=lambda each: each.p_value or 0.0)


def significant(differences: Mapping[str, Estimate | None]) -> frozenset[str]:
    """The metrics whose difference may be claimed: the probability that any such claim is false is 5 % (Holm).

    A metric that is the same in all runs of both arms cannot be claimed, so it does not count as tested.
    """
    tested = {name: each.p_value for name, each in differences.items() if each is not None and not each.is_none}
    ranked = sorted((p, name) for name, p in tested.items() if p is not None)
    claimed: list[str] = []
    for n, (p, name) in enumerate(ranked):
        if p > (1 - CONFIDENCE) / (len(ranked) - n):
            break
        claimed.append(name)
    return frozenset(claimed)


def _around(value: float, se: float, degrees: float, step: float) -> Estimate:
    half = _half_width(se, degrees, step)
    return Estimate(value, value - half, value + half, se, degrees, step)


def _half_width(se: float, degrees: float, step: float) -> float:
    return max(student_t(degrees) * se, step * math.log(2 / (1 - CONFIDENCE)))


@lru_cache(maxsize=1024)
def student_t(degrees: float) -> float:
    """The two-sided 95 % quantile of Student's t, for one degree of freedom or more."""
    low, high = 1.9, 12.8
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < CONFIDENCE else (low, middle)
    return high


def _within(t: float, degrees: float) -> float:
    """The probability that Student's t is between -t and t: its density with t = sqrt(degrees) * tan(x), by Simpson."""
    end = math.atan(t / math.sqrt(degrees))
    inner = sum((4 if i % 2 else 2) * math.pow(math.cos(i * end / _STEPS), degrees - 1) for i in range(1, _STEPS))
    integral = (1 + inner + math.pow(math.cos(end), degrees - 1)) * end / _STEPS / 3
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(math.pi)
    return min(2 * scale * integral, 1.0)


def _welch(se_a: float, degrees_a: float, se_b: float, degrees_b: float) -> float:
    """The degrees of freedom of the standard error of a difference (Welch and Satterthwaite)."""
    largest = max(se_a, se_b)
    if largest == 0:
        return min(degrees_a, degrees_b)
    a, b = (se_a / largest) ** 2, (se_b / largest) ** 2  # no square of a small number becomes zero
    return (a + b) ** 2 / (a * a / degrees_a + b * b / degrees_b)
