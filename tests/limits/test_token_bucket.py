"""The token bucket, at times that the test chooses."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.limits.token_bucket import TokenBucket


@pytest.mark.parametrize(
    ("takes", "tokens"),
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
def test_a_take_is_admitted_or_returns_the_wait(takes: list[tuple[float, float]], tokens: float) -> None:
    bucket = TokenBucket(rate=2.0, burst=3)
    assert [bucket.take(now) for now, _ in takes] == [wait for _, wait in takes]
    assert bucket.tokens(takes[-1][0] if takes else 0.0) == tokens


@pytest.mark.parametrize(
    ("instants", "remaining", "waits"),
    [
        ([0.0, 0.0, 0.0, 0.0], [2, 1, 0, 0], [0.0, 0.0, 0.5, 0.5]),
        ([0.0, 0.0, 0.0, 0.25, 0.5], [2, 1, 0, 0, 0], [0.0, 0.0, 0.5, 0.25, 0.5]),
    ],
)
def test_a_decision_tells_what_is_left_and_when_the_next_token_comes(
    instants: list[float], remaining: list[int], waits: list[float]
) -> None:
    bucket = TokenBucket(rate=2.0, burst=3)
    decisions = [bucket.admit(now) for now in instants]
    assert [decision.remaining for decision in decisions] == remaining
    assert [decision.wait_s for decision in decisions] == waits


@settings(deadline=None)
@given(rate=st.floats(0.1, 1e3), burst=st.integers(1, 50), steps=st.lists(st.floats(0, 0.5), max_size=80))
def test_admit_and_take_agree(rate: float, burst: int, steps: list[float]) -> None:
    one, other, now = TokenBucket(rate, burst), TokenBucket(rate, burst), 0.0
    for step in steps:
        now += step
        assert one.admit(now).admitted == (other.take(now) == 0.0)


def test_several_tokens_can_be_taken_at_once() -> None:
    bucket = TokenBucket(rate=2.0, burst=3)
    assert bucket.take(0.0, 2) == 0.0
    assert bucket.take(0.0, 3) == 1.0
    assert bucket.take(1.0, 3) == 0.0


@pytest.mark.parametrize("n", [0, -1, 4])
def test_a_take_that_can_never_be_admitted_is_an_error(n: int) -> None:
    with pytest.raises(ValueError, match="within the burst"):
        TokenBucket(rate=2.0, burst=3).take(0.0, n)


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
@given(
    rate=st.floats(1e-3, 1e5),
    burst=st.integers(1, 1000),
    start=st.floats(0, 1e7),
    steps=st.lists(st.floats(0, 10), max_size=60),
)
def test_a_client_that_waits_as_told_is_admitted(rate: float, burst: int, start: float, steps: list[float]) -> None:
    bucket, now = TokenBucket(rate, burst), start
    for step in steps:
        now += step
        if wait := bucket.take(now):
            now = max(now + wait, math.nextafter(now, math.inf))
            assert bucket.take(now) == 0.0


@settings(deadline=None)
@given(rate=st.floats(0.1, 1e3), burst=st.integers(1, 50), steps=st.lists(st.floats(0, 0.5), max_size=80))
def test_never_more_are_admitted_than_burst_and_rate_allow(rate: float, burst: int, steps: list[float]) -> None:
    bucket, now, admitted = TokenBucket(rate, burst), 0.0, 0
    for step in steps:
        now += step
        admitted += not bucket.take(now)
        assert admitted <= burst + rate * now + 1e-6
