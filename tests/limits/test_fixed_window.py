"""The fixed window, at times that the test chooses."""

from __future__ import annotations

import math

import pytest

from locust_softphone.limits.fixed_window import FixedWindow


@pytest.mark.parametrize(
    ("asked_at", "waits"),
    [
        ([0, 0, 0, 4], [0, 0, 10, 6]),  # every refused request waits for the end of the window
        ([0, 9, 9.5, 10], [0, 0, 0.5, 0]),  # a client that waits as told is in the next window
        ([5, 14, 15, 15, 15], [0, 0, 0, 0, 10]),  # the next window starts with the next request
        ([0, 100, 100, 100], [0, 0, 0, 10]),  # a quiet time does not increase the count
    ],
)
def test_two_requests_in_ten_seconds(asked_at: list[float], waits: list[float]) -> None:
    window = FixedWindow(count=2, per_s=10.0)
    assert [window.admit(now) for now in asked_at] == pytest.approx(waits)


def test_refused_requests_are_not_counted_as_used() -> None:
    window = FixedWindow(count=2, per_s=10.0)
    for _ in range(5):
        window.admit(0.0)
    assert window.used == 2


@pytest.mark.parametrize(("now", "remaining_s"), [(0.0, 10.0), (2.5, 7.5), (10.0, 0.0), (50.0, 0.0)])
def test_the_remaining_time_of_the_window(now: float, remaining_s: float) -> None:
    window = FixedWindow(count=2, per_s=10.0)
    window.admit(0.0)
    assert window.remaining_s(now) == remaining_s


def test_a_window_that_was_never_used_has_no_remaining_time() -> None:
    assert FixedWindow(count=2, per_s=10.0).remaining_s(0.0) == 0.0


@pytest.mark.parametrize(("count", "per_s"), [(0, 1.0), (1, 0.0), (1, -1.0), (1, math.nan), (1, math.inf)])
def test_a_window_that_would_never_or_always_admit_is_refused(count: int, per_s: float) -> None:
    with pytest.raises(ValueError, match="of a window must be"):
        FixedWindow(count, per_s)
