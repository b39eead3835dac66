"""Confidence intervals: known values, coverage, and none for a single run."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.metrics.histogram import Histogram
from locust_softphone.report.statistics import Estimate, difference, mean, percentile, share, student_t


def durations(*seconds: float) -> Histogram:
    latency = Histogram()
    for each in seconds:
        latency.record(each)
    return latency


@pytest.mark.parametrize(
    ("degrees", "t"),
    [(1, 12.706), (2, 4.303), (4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980), (1000, 1.962)],
)
def test_student_t_agrees_with_published_tables(degrees: int, t: float) -> None:
    assert student_t(degrees) == pytest.approx(t, abs=0.001)


def test_a_single_run_has_no_interval() -> None:
    for estimate in (mean([7.0]), share([7], [500]), percentile([durations(0.1, 0.2)], 95)):
        assert (estimate.low, estimate.high, estimate.se, estimate.contains_zero) == (None, None, None, None)
    assert difference(mean([7.0]), mean([8.0, 9.0])) == Estimate(1.5)


# Means


def test_a_mean_has_students_interval() -> None:
    estimate = mean([444.0, 390.0, 412.0, 431.0, 402.0])
    assert estimate.value == pytest.approx(415.8)
    assert estimate.se == pytest.approx(9.7386, abs=0.0001)
    assert (estimate.low, estimate.high) == pytest.approx((388.76, 442.84), abs=0.01)  # t = 2.776


def test_the_interval_of_a_mean_does_not_go_below_zero() -> None:
    assert mean([0.0, 0.0, 30.0]).low == 0.0


def test_the_mean_of_runs_that_are_all_alike_has_an_interval_of_no_width() -> None:
    assert mean([3.0, 3.0, 3.0]) == Estimate(3.0, 3.0, 3.0, 0.0, 3)


@pytest.mark.parametrize("runs", [2, 3, 5, 10])
def test_the_interval_of_a_mean_covers_it_in_95_of_100_cases(runs: int) -> None:
    random = Random(7)
    cases = [mean([random.gauss(500, 40) for _ in range(runs)]) for _ in range(300)]
    held = sum(case.low <= 500 <= case.high for case in cases if case.low is not None and case.high is not None)
    assert 0.92 <= held / len(cases) <= 0.98


# Shares


def test_a_share_has_wilsons_interval_where_runs_differ_as_independent_softphones_would() -> None:
    """10 runs of 1000: nearly the textbook interval of 263 in 10,000, a little wider as there are only 10 runs."""
    counts = [26, 31, 22, 25, 29, 21, 27, 33, 24, 25]
    estimate = share(counts, [1000] * 10)
    assert estimate.value == pytest.approx(0.0263)
    assert (estimate.low, estimate.high) == pytest.approx((0.0229, 0.0302), abs=0.0002)  # Wilson at t = 2.262


def test_the_softphones_of_one_run_are_not_independent() -> None:
    """Three runs of 500 that differ a lot: 1500 independent softphones would give an interval of about ± 1 %."""
    estimate = share([458, 480, 497], [500] * 3)
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < 458 / 500
    assert estimate.high > 490 / 500


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0.0, 0.0122), (500, 0.9878, 1.0)])
def test_shares_of_none_and_all_have_an_interval_too(count: int, low: float, high: float) -> None:
    estimate = share([count] * 3, [500] * 3)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=0.0001)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 500)), min_size=2, max_size=6))
def test_a_share_is_inside_its_interval_and_both_between_0_and_1(runs: list[tuple[int, int]]) -> None:
    counts, totals = [min(count, total) for count, total in runs], [total for _, total in runs]
    estimate = share(counts, totals)
    assert estimate.low is not None
    assert estimate.high is not None
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


# Percentiles


def test_a_percentile_is_of_all_runs_together() -> None:
    estimate = percentile([durations(*[0.1] * 90), durations(*[0.2] * 10)], 95)
    assert estimate.value == pytest.approx(0.2, rel=1e-3)


def test_the_interval_of_a_percentile_reflects_the_differences_between_runs() -> None:
    random = Random(3)
    medians_s = [0.8, 1.0, 1.2, 0.9, 1.1]
    runs = [durations(*(random.gauss(median_s, 0.01) for _ in range(2000))) for median_s in medians_s]
    estimate = percentile(runs, 50)
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.value == pytest.approx(1.0, abs=0.02)
    assert estimate.high - estimate.low > 0.2


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.floats(0, 100), min_size=1, max_size=40), min_size=2, max_size=5), st.floats(1, 99.9))
def test_the_percentile_of_runs_that_are_all_alike_has_no_error(runs: list[list[float]], percent: float) -> None:
    alike = [durations(*runs[0])] * len(runs)
    estimate = percentile(alike, percent)
    assert estimate.value == durations(*runs[0] * len(runs)).percentile_s(percent)
    assert estimate.se == 0.0


# Differences


def test_a_difference_is_noise_when_its_interval_contains_zero() -> None:
    assert difference(mean([30, 40, 35]), mean([35, 50, 40])).contains_zero is True
    assert difference(mean([30, 40, 35]), mean([60, 62, 61])).contains_zero is False
    assert difference(mean([30, 40]), mean([60, 62])).contains_zero is True  # two runs each are too few
    assert difference(mean([3, 3, 3]), mean([4, 4, 4])) == Estimate(1, 1, 1, 0.0, 3)


def test_arms_from_one_distribution_differ_by_noise_in_95_of_100_cases() -> None:
    random = Random(11)
    arms = [mean([random.gauss(500, 40) for _ in range(4)]) for _ in range(300)]
    noise = [difference(before, after).contains_zero for before, after in pairwise(arms)]
    assert noise.count(True) / len(noise) >= 0.93


def test_the_same_runs_give_the_same_interval() -> None:
    runs = [durations(0.1, 0.2, 0.3), durations(0.15, 0.25)]
    assert percentile(runs, 95) == percentile(runs, 95)
    assert mean([1.0, 2.0, 4.0]) == mean([1.0, 2.0, 4.0])
