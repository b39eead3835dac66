"""The leaky bucket, with and without delay."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.limits.leaky_bucket import LeakyBucket
from locust_softphone.limits.token_bucket import TokenBucket
from tests.limits.timeline import admitted, marks


@pytest.mark.parametrize("delays", [True, False])
@pytest.mark.parametrize(
    ("instants", "expected"),
    [
        ([0, 0, 0, 0], "AAAr"),  # queue + 1
        ([0, 0, 0, 0.49, 0.5, 0.5], "AAArAr"),  # one leaks out each 1/rate
        ([0, 0, 0, 9, 9, 9, 9], "AAAAAAr"),  # never emptier than empty
        ([0, 0.25, 0.25, 0.25, 0.5], "AAArA"),
    ],
)
def test_admit(instants: list[float], expected: str, delays: bool) -> None:
    assert marks(LeakyBucket(rate=2.0, queue=2, delays=delays), instants) == expected


def test_the_queue_serves_one_request_per_period() -> None:
    bucket = LeakyBucket(rate=2.0, queue=3, delays=True)
    assert [bucket.admit(0.0).delay_s for _ in range(4)] == [0.0, 0.5, 1.0, 1.5]
    assert bucket.admit(0.5).delay_s == 1.5


def test_without_delay_nothing_is_delayed() -> None:
    bucket = LeakyBucket(rate=2.0, queue=3, delays=False)
    assert [bucket.admit(0.0).delay_s for _ in range(4)] == [0.0] * 4


@settings(deadline=None)
@given(rate=st.floats(0.1, 100), queue=st.integers(0, 20), steps=st.lists(st.floats(0, 0.3), max_size=80))
def test_without_delay_it_equals_a_token_bucket(rate: float, queue: int, steps: list[float]) -> None:
    instants = [sum(steps[: number + 1]) for number in range(len(steps))]
    leaky, bucket = LeakyBucket(rate, queue, delays=False), TokenBucket(rate, queue + 1)
    assert admitted(leaky, instants) == admitted(bucket, instants)


@settings(deadline=None)
@given(rate=st.floats(0.1, 100), queue=st.integers(0, 20), steps=st.lists(st.floats(0, 0.3), max_size=80))
def test_served_requests_are_at_least_one_period_apart(rate: float, queue: int, steps: list[float]) -> None:
    bucket, now, served = LeakyBucket(rate, queue, delays=True), 0.0, []
    for step in steps:
        now += step
        decision = bucket.admit(now)
        if decision.admitted:
            served.append(now + decision.delay_s)
    assert all(later - earlier >= 1 / rate - 1e-6 for earlier, later in pairwise(served))
