"""The bounds of a scale and a quota."""

from __future__ import annotations

import pytest

from locust_softphone.limits.inference.search import Bounds, Conflict, QuotaRange, Tightest, fit_scale


def test_the_bounds_of_a_known_region() -> None:
    """quota at least 100 / scale, at most 20: a scale of 5 or more."""
    found = fit_scale(lambda low, high: QuotaRange(100 / high, 20.0), 0.01, 1000.0)
    assert isinstance(found, list)
    ((scale, quota),) = found
    assert scale == pytest.approx((5.0, 1000.0), rel=0.005)
    assert quota == pytest.approx((0.1, 20.0), rel=0.3)


def test_two_ranges_that_hold_are_two_fits() -> None:
    def quotas(low: float, high: float) -> QuotaRange:
        holds = any(low <= end and begin <= high for begin, end in ((2.0, 3.0), (50.0, 51.0)))
        return QuotaRange(1.0, 2.0) if holds else QuotaRange(2.0, 1.0)

    found = fit_scale(quotas, 0.1, 1000.0)
    assert isinstance(found, list)
    assert [scale for scale, _ in found] == [pytest.approx((2, 3), rel=0.005), pytest.approx((50, 51), rel=0.005)]


def test_a_conflict_has_the_smallest_contradiction() -> None:
    found = fit_scale(lambda low, high: QuotaRange(10.0, min(high, 7.0)), 0.1, 1000.0)
    assert found == Conflict(QuotaRange(10.0, 7.0))


def test_a_range_that_no_refusal_supports_is_not_a_fit() -> None:
    assert isinstance(fit_scale(lambda low, high: QuotaRange(1.0, float("inf")), 1.0, 2.0), Conflict)


def test_the_request_found_last_is_checked_first() -> None:
    looked_at: list[int] = []

    def bound_of(number: int) -> float:
        looked_at.append(number)
        return abs(number - 6)

    tightest = Tightest(range(10))
    assert tightest.lowest(bound_of, enough=-1.0) == (0, 6)
    looked_at.clear()
    assert tightest.lowest(bound_of, enough=1.0) == (0, 6)
    assert looked_at == [6]


def test_bounds_contain_their_ends() -> None:
    bounds = Bounds(1.0, 2.0)
    assert [value in bounds for value in (0.9, 1.0, 1.5, 2.0, 2.1, "1.5")] == [False, True, True, True, False, False]
