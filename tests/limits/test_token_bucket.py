"""The token bucket, at times that the test chooses."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.limits.token_bucket import TokenBucket


@pytest.mark.parametrize(
    ("waits", "tokens"),
    [
        ([], 3.0),  # full at the start
        ([(0.0, 0.0)], 2.0),
        ([(0.0, 0.0), (0.0, 0.0), (0.0, 0.0)], 0.0),  # the complete burst at one instant
        (
            [(0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.5)],
            0.0,
        ),  # the next token arrives after 1/rate, and nothing is taken
        ([(0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.25, 0.25)], 0.5),  # half of the token has flowed in
        ([(0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.5, 0.0)], 0.0),  # the token is there at exactly this time
        ([(0.0, 0.0), (100.0, 0.0)], 2.0),  # never above the burst
        ([(5.0, 0.0), (4.0, 0.0)], 1.0),  # a clock that steps back adds no tokens
    ],
)
def test_tokens_flow_in_and_each_admitted_request_takes_one(waits: list[tuple[float, float]], tokens: float) -> None:
    bucket = TokenBucket(rate=2.0, burst=3)
    decisions = [bucket.admit(now) for now, _ in waits]
    assert [0.0 if each.admitted else each.wait_s for each in decisions] == [wait_s for _, wait_s in waits]
    assert bucket.tokens(waits[-1][0] if waits else 0.0) == tokens


@pytest.mark.parametrize(
    ("instants", "remaining", "waits"),
    [
        ([0.0, 0.0, 0.0, 0.0], [2, 1, 0, 0], [0.0, 0.0, 0.5, 0.5]),
        ([0.0, 0.0, 0.0, 0.25, 0.5], [2, 1, 0, 0, 0], [0.0, 0.0, 0.5, 0.25, 0.5]),
    ],
)
def test_a_decision_has_the_tokens_left_and_the_wait_for_the_next(
    instants: list[float], remaining: list[int], waits: list[float]
) -> None:
    bucket = TokenBucket(rate=2.0, burst=3)
    decisions = [bucket.admit(now) for now in instants]
    assert [decision.remaining for decision in decisions] == remaining
    assert [decision.wait_s for decision in decisions] == waits


@pytest.mark.parametrize(
    ("rate", "burst"), [(0.0, 1), (-1.0, 1), (math.nan, 1), (math.inf, 1), (1.0, 0), (1.0, math.nan), (1.0, math.inf)]
)
def test_a_bucket_that_would_never_or_always_admit_is_refused(rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match="of a token bucket must be"):
        TokenBucket(rate, burst)


@pytest.mark.parametrize(
    ("reserved_at", "waits"),
    [
        ([0.0], [0.0]),
        ([0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.5, 1.0]),  # the queue grows by 1/rate
        ([0.0, 0.0, 0.0, 0.5], [0.0, 0.0, 0.5, 0.5]),  # and shrinks with time
        ([0.0, 0.0, 0.0, 10.0], [0.0, 0.0, 0.5, 0.0]),  # until it is empty
    ],
)
def test_a_reservation_returns_the_wait_until_its_token(reserved_at: list[float], waits: list[float]) -> None:
    bucket = TokenBucket(rate=2.0, burst=2)
    assert [bucket.reserve(now) for now in reserved_at] == waits


@settings(deadline=None)
@given(rate=st.floats(0.1, 1e3), burst=st.integers(1, 50), steps=st.lists(st.floats(0, 0.5), max_size=80))
def test_never_more_are_admitted_than_burst_and_rate_allow(rate: float, burst: int, steps: list[float]) -> None:
    bucket, now, admitted = TokenBucket(rate, burst), 0.0, 0
    for step in steps:
        now += step
        admitted += bucket.admit(now).admitted
        assert admitted <= burst + rate * now + 1e-6
