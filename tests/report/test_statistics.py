"""Confidence intervals and claims: known values, none for a single run, and what benchmarks/aa.py measures."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import locust_softphone
from locust_softphone.report.statistics import Estimate, difference, mean, significant, student_t

AA = Path(locust_softphone.__file__).parents[2] / "benchmarks" / "aa.py"


@pytest.mark.parametrize(
    ("degrees", "t"),
    [(1, 12.706), (2, 4.303), (4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980), (1000, 1.962)],
)
def test_student_t_agrees_with_published_tables(degrees: int, t: float) -> None:
    assert student_t(degrees) == pytest.approx(t, abs=0.001)


def test_a_single_run_has_no_interval() -> None:
    estimate = mean([7.0])
    assert (estimate.low, estimate.high, estimate.se, estimate.p_value) == (None, None, None, None)
    assert difference(mean([7.0]), mean([8.0, 9.0])) == Estimate(1.5)


# Means


def test_a_mean_has_students_interval_that_is_longer_on_the_skewed_side() -> None:
    estimate = mean([444.0, 390.0, 412.0, 431.0, 402.0])
    assert estimate.value == pytest.approx(415.8)
    assert estimate.se == pytest.approx(9.7386, abs=0.0001)
    assert (estimate.low, estimate.high) == pytest.approx((388.76, 449.60), abs=0.01)  # t = 2.776, and a quarter more


def test_an_interval_stays_within_the_bounds_of_its_metric() -> None:
    assert mean([0.0, 0.0, 30.0]).low == 0.0
    share = mean([1.0, 1.0, 0.97], step=1 / 500, highest=1.0)
    assert share.low is not None
    assert (share.high, share.low < 0.95) == (1.0, True)


@pytest.mark.parametrize(
    ("runs", "high"),
    [(3, 1.54), (10, 0.46)],  # 1.25 * 3.69 / runs
)
def test_a_count_that_is_zero_in_all_runs_is_not_certainly_zero(runs: int, high: float) -> None:
    estimate = mean([0.0] * runs, step=1.0)
    assert estimate.low == 0.0
    assert estimate.high == pytest.approx(high, abs=0.01)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 500), min_size=2, max_size=6))
def test_a_share_is_inside_its_interval_and_both_between_0_and_1(answered: list[int]) -> None:
    estimate = mean([count / 500 for count in answered], step=1 / 500, highest=1.0)
    assert estimate.low is not None
    assert estimate.high is not None
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


# Differences


@pytest.mark.parametrize(
    ("before", "after", "p", "why"),
    [
        ((0, 0), (30, 40), 0.0903, "1 degree of freedom: 1 - 2 / pi * atan(t), t = 35 / 5"),
        ((0, 0, 0), (30, 40, 35), 0.0067, "2 degrees of freedom: 1 - t / sqrt(2 + t²), t = 35 / 2.887"),
        ((3, 3, 3), (3, 3, 3), 1.0, "alike"),
        ((0, 0, 0), (1, 1, 1), 0.239, "one event a run is close to none: 2 exp(-3 / sqrt(2))"),
    ],
)
def test_how_probable_a_difference_is(before: tuple[float, ...], after: tuple[float, ...], p: float, why: str) -> None:
    found = difference(mean(before, step=1.0), mean(after, step=1.0))
    back = difference(mean(after, step=1.0), mean(before, step=1.0))
    assert found.p_value == pytest.approx(p, abs=0.001), why
    assert back.p_value == found.p_value


@settings(deadline=None, max_examples=60)
@given(*[st.lists(st.integers(0, 50), min_size=2, max_size=5)] * 2)
def test_an_interval_excludes_zero_exactly_where_the_difference_is_improbable(a: list[int], b: list[int]) -> None:
    found = difference(mean(a, step=1.0), mean(b, step=1.0))
    assert found.low is not None
    assert found.high is not None
    assert found.p_value is not None
    if abs(found.p_value - 0.05) > 0.0001:
        assert (found.low <= 0 <= found.high) is (found.p_value > 0.05)


def with_p(p: float) -> Estimate:
    """A difference of this probability: of a step only, so that p = 2 exp(-value / step)."""
    return Estimate(math.log(2 / p), se=1e-9, degrees=1000.0, step=1.0)


@pytest.mark.parametrize(
    ("p_values", "claimed", "why"),
    [
        ({"a": 0.04}, {"a"}, "one metric alone"),
        ({"a": 0.04, "b": 0.9}, set(), "the smallest of two is compared with 0.025"),
        ({"a": 0.02, "b": 0.04}, {"a", "b"}, "then the next with 0.05"),
        ({"a": 0.001, "b": 0.03, "c": 0.04}, {"a"}, "the first that is too large ends it"),
    ],
)
def test_holms_correction(p_values: dict[str, float], claimed: set[str], why: str) -> None:
    assert significant({name: with_p(p) for name, p in p_values.items()}) == claimed, why


def test_metrics_that_nothing_can_be_said_about_are_not_tested() -> None:
    alike = difference(mean([3, 3, 3], step=1.0), mean([3, 3, 3], step=1.0))
    assert significant({"a": with_p(0.04), "alike": alike, "single": Estimate(5.0), "unmeasured": None}) == {"a"}


def test_intervals_cover_the_truth_and_equal_arms_are_not_told_apart() -> None:
    run = subprocess.run([sys.executable, str(AA), "--comparisons", "60", "--no-power"], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
