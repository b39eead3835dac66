"""The sliding log."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.limits.sliding_log import SlidingLog
from tests.limits.timeline import admitted, marks


@pytest.mark.parametrize(
    ("instants", "expected"),
    [
        ([0, 4, 5], "AAr"),
        ([0, 4, 9.9, 10, 10], "AArAr"),  # the first request counts for 10 s
        ([0, 4, 10, 13.9, 14], "AAArA"),  # and so does the second
        ([0, 0, 1, 2, 3, 10, 10], "AArrrAA"),  # refused requests do not count
    ],
)
def test_admit(instants: list[float], expected: str) -> None:
    assert marks(SlidingLog(2, 10.0), instants) == expected


@settings(deadline=None)
@given(quota=st.integers(1, 10), steps=st.lists(st.floats(0, 1), max_size=80))
def test_no_window_admits_more_than_the_quota(quota: int, steps: list[float]) -> None:
    instants = [sum(steps[: number + 1]) for number in range(len(steps))]
    decisions = admitted(SlidingLog(quota, 1.0), instants)
    passed = [now for now, was_admitted in zip(instants, decisions, strict=True) if was_admitted]
    assert all(later - earlier > 1.0 - 1e-6 for earlier, later in zip(passed, passed[quota:], strict=False))
