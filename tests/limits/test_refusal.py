"""What a response says about a limit."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_softphone.limits.decision import Decision
from locust_softphone.limits.refusal import (
    OwnSlots,
    Reset,
    RetryAfterForm,
    ietf_headers,
    inin_headers,
    next_token,
    retry_after,
    whole_seconds,
    x_ratelimit_headers,
)

WALL_S = 1_800_000_000.25
LATER = Decision(False, quota=100, remaining=0, wait_s=29.5, reset_s=59.2)
CAPPED = Decision(False, quota=300, remaining=0, wait_s=inf, reset_s=inf)
ADMITTED = Decision(True, quota=100, remaining=40, wait_s=0.0, reset_s=12.0)


@pytest.mark.parametrize(("seconds", "whole"), [(0.0, 0), (0.001, 1), (1.0, 1), (1.0000000001, 1), (1.01, 2)])
def test_whole_seconds_are_rounded_up_but_not_for_a_floats_last_digits(seconds: float, whole: int) -> None:
    assert whole_seconds(seconds) == whole


@pytest.mark.parametrize(
    ("form", "wait_s", "expected"),
    [
        ("seconds", 2.0, ("2", 2.0)),
        ("seconds", 1.01, ("2", 2.0)),
        ("seconds", 0.01, ("1", 1.0)),  # never 0, which would mean "now"
        ("http-date", 0.75, ("Fri, 15 Jan 2027 08:00:01 GMT", 0.75)),
        ("http-date", 0.5, ("Fri, 15 Jan 2027 08:00:01 GMT", 0.75)),
        ("http-date", 0.8, ("Fri, 15 Jan 2027 08:00:02 GMT", 1.75)),
        ("none", 2.0, (None, 0.0)),
        ("seconds", inf, (None, 0.0)),  # the wait is unknown
        ("http-date", inf, (None, 0.0)),
    ],
)
def test_retry_after_in_each_form(form: RetryAfterForm, wait_s: float, expected: tuple[str | None, float]) -> None:
    assert retry_after(form, wait_s, WALL_S) == expected


@given(wait_s=st.floats(0, 1e5), wall_s=st.floats(1e9, 4e9))
def test_a_client_that_obeys_a_date_is_not_early(wait_s: float, wall_s: float) -> None:
    header, asked_s = retry_after("http-date", wait_s, wall_s)
    date = parsedate_to_datetime(header or "").timestamp()
    assert date - wall_s == asked_s
    assert -1e-5 <= asked_s - wait_s < 1


@pytest.mark.parametrize(
    ("advice", "decision", "waits"),
    [
        (next_token, LATER, [29.5, 29.5]),  # the same for all
        (next_token, CAPPED, [inf, inf]),
        (OwnSlots(rate=2.0), LATER, [29.5, 30.0, 30.5]),
        (OwnSlots(rate=2.0), CAPPED, [inf]),
    ],
)
def test_the_wait_that_a_refusal_asks_for(
    advice: Callable[[Decision, float], float], decision: Decision, waits: list[float]
) -> None:
    assert [advice(decision, 0.0) for _ in waits] == waits


def test_own_slots_move_on_with_time() -> None:
    slots = OwnSlots(rate=1.0)
    waits = [slots(LATER._replace(wait_s=1.0), now) for now in (0.0, 0.0, 0.0, 10.0)]
    assert waits == [1.0, 2.0, 3.0, 1.0]


@pytest.mark.parametrize(
    ("reset", "expected"), [("seconds", "30"), ("epoch-s", "1800000030"), ("epoch-ms", "1800000029750")]
)
def test_x_ratelimit(reset: Reset, expected: str) -> None:
    assert x_ratelimit_headers(LATER, reset, WALL_S) == {
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": expected,
    }


def test_inin_ratelimit() -> None:
    assert inin_headers(ADMITTED) == {
        "inin-ratelimit-count": "60",
        "inin-ratelimit-allowed": "100",
        "inin-ratelimit-reset": "12",
    }


@pytest.mark.parametrize(
    ("decision", "window_s", "expected"),
    [
        (LATER, 60.0, ['"default";r=0;t=60', '"default";q=100;w=60']),
        (ADMITTED, None, ['"default";r=40;t=12', '"default";q=100']),
        (CAPPED, None, ['"default";r=0', '"default";q=300']),
    ],
)
def test_ietf_ratelimit(decision: Decision, window_s: float | None, expected: list[str]) -> None:
    assert list(ietf_headers(decision, window_s).values()) == expected


def test_the_headers_of_a_cap_have_no_reset() -> None:
    assert "X-RateLimit-Reset" not in x_ratelimit_headers(CAPPED)
    assert "inin-ratelimit-reset" not in inin_headers(CAPPED)
