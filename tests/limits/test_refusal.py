"""What a response says about a limit."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locust_softphone.limits import refusal
from locust_softphone.limits.decision import Decision
from locust_softphone.limits.refusal import Refusal

WALL_S = 1_800_000_000.25
LATER = Decision(False, quota=100, remaining=0, wait_s=29.5, reset_s=59.2)
CAPPED = Decision(False, quota=300, remaining=0, wait_s=inf, reset_s=inf)
ADMITTED = Decision(True, quota=100, remaining=40, wait_s=0.0, reset_s=12.0)


@pytest.mark.parametrize(
    ("wait_s", "told"), [(0.0, "0"), (0.2, "1"), (1.0, "1"), (1.0000000001, "1"), (29.5, "30"), (60.01, "61")]
)
def test_retry_after_in_seconds_is_rounded_up(wait_s: float, told: str) -> None:
    assert refusal.retry_after_seconds(wait_s) == {"Retry-After": told}


@given(wait_s=st.floats(0, 1e5), wall_s=st.floats(1e9, 4e9))
def test_retry_after_as_a_date_is_never_too_early(wait_s: float, wall_s: float) -> None:
    date = parsedate_to_datetime(refusal.retry_after_date(wait_s, wall_s)["Retry-After"])
    assert -1e-5 <= date.timestamp() - (wall_s + wait_s) < 1


@pytest.mark.parametrize(
    ("advice", "decision", "waits"),
    [
        (refusal.next_token, LATER, [29.5, 29.5]),  # alike for all
        (refusal.next_token, CAPPED, [None, None]),  # nobody knows
        (refusal.OwnSlots(rate=2.0), LATER, [29.5, 30.0, 30.5]),
        (refusal.OwnSlots(rate=2.0), CAPPED, [None]),
        (refusal.fixed_wait(30.0), LATER, [30.0, 30.0]),
        (refusal.fixed_wait(30.0), CAPPED, [30.0]),
        (refusal.no_wait, LATER, [None]),
    ],
)
def test_advice(advice: refusal.Advice, decision: Decision, waits: list[float | None]) -> None:
    assert [advice(decision, 0.0) for _ in waits] == waits


def test_own_slots_move_on_with_time() -> None:
    slots = refusal.OwnSlots(rate=1.0)
    told = [slots(LATER._replace(wait_s=1.0), now) for now in (0.0, 0.0, 0.0, 10.0)]
    assert told == [1.0, 2.0, 3.0, 1.0]


@pytest.mark.parametrize(
    ("reset", "told"), [("seconds", "30"), ("epoch-s", "1800000030"), ("epoch-ms", "1800000029750")]
)
def test_x_ratelimit(reset: refusal.Reset, told: str) -> None:
    assert refusal.x_ratelimit_headers(LATER, reset, WALL_S) == {
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": told,
    }


def test_inin_ratelimit() -> None:
    assert refusal.inin_headers(ADMITTED) == {
        "inin-ratelimit-count": "60",
        "inin-ratelimit-allowed": "100",
        "inin-ratelimit-reset": "12",
    }


@pytest.mark.parametrize(
    ("decision", "window_s", "told"),
    [
        (LATER, 60.0, ['"default";r=0;t=60', '"default";q=100;w=60']),
        (ADMITTED, None, ['"default";r=40;t=12', '"default";q=100']),
        (CAPPED, None, ['"default";r=0', '"default";q=300']),
    ],
)
def test_ietf_ratelimit(decision: Decision, window_s: float | None, told: list[str]) -> None:
    assert list(refusal.ietf_headers(decision, window_s).values()) == told


def test_a_cap_tells_no_reset() -> None:
    assert "X-RateLimit-Reset" not in refusal.x_ratelimit_headers(CAPPED)
    assert "inin-ratelimit-reset" not in refusal.inin_headers(CAPPED)


def test_a_refusal_has_all_the_fields_that_were_chosen() -> None:
    answer = Refusal(503, "full", refusal.fixed_wait(30.0), headers=lambda decision, wall_s: {"X-Left": "0"})
    assert answer.header_fields(CAPPED, 0.0, WALL_S) == {"Retry-After": "30", "X-Left": "0"}
    assert Refusal(advice=refusal.no_wait).header_fields(LATER, 0.0, WALL_S) == {}
    dated = Refusal(as_date=True).header_fields(LATER, 0.0, WALL_S)
    assert dated == {"Retry-After": "Fri, 15 Jan 2027 08:00:30 GMT"}
