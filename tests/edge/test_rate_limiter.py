"""The rate limiter: limits, advice on when to retry, and early retries, at times that the test chooses."""

from __future__ import annotations

import pytest

from locust_softphone.config.limit_responses import Advice
from locust_softphone.config.policy import Policy
from locust_softphone.config.strict_yaml import loads
from locust_softphone.edge.http_request import Caller
from locust_softphone.edge.rate_limiter import RateLimiter, TooManyEarlyRetries
from locust_softphone.edge.replies import Refused
from locust_softphone.edge.stats import Stats
from locust_softphone.limits.keyed import KeyParts
from locust_softphone.limits.step_limits import StepLimits

ALICE, BOB = Caller("acme", "alice"), Caller("acme", "bob")
OTHER_ALICE = Caller("umbrella", "alice")


def two_per_second(advice: Advice) -> StepLimits:
    """Two per second, two at once."""
    return loads(
        f"{{limits: {{offer: {{rate: 2/s, burst: 2}}}}, retry_after: {{advice: {advice}}}}}", Policy
    ).limits_of("offer")


def wait_s(limits: StepLimits, now: float) -> float:
    """0 for a request that is admitted now, else the seconds that it is asked to wait."""
    answer = limits.admit(now, KeyParts())
    return 0.0 if answer.admitted else answer.wait_s


@pytest.mark.parametrize(
    ("advice", "asked_at", "waits"),
    [
        ("next-token", [0, 0, 0, 0, 0], [0, 0, 0.5, 0.5, 0.5]),  # the same for all: they will come back together
        ("own-slot", [0, 0, 0, 0, 0], [0, 0, 0.5, 1.0, 1.5]),  # one slot each
        ("own-slot", [0, 0, 0, 0.25, 0.25], [0, 0, 0.5, 0.75, 1.25]),  # later, in the same queue
        ("own-slot", [0, 0, 0, 0, 0.5, 0.5], [0, 0, 0.5, 1.0, 0, 1.0]),  # a slot reserves nothing
        ("own-slot", [0, 0, 0, 10, 10, 10], [0, 0, 0.5, 0, 0, 0.5]),  # the queue is empty again
    ],
)
def test_the_wait_of_a_refused_request(advice: Advice, asked_at: list[float], waits: list[float]) -> None:
    limit = two_per_second(advice)
    assert [wait_s(limit, now) for now in asked_at] == waits


def test_a_client_that_comes_back_in_its_slot_is_admitted() -> None:
    limit = two_per_second("own-slot")
    slots = [wait_s(limit, 0.0) for _ in range(100)]
    assert slots[2:] == sorted(set(slots[2:]))
    assert [wait_s(limit, slot) for slot in slots[2:]] == [0.0] * 98


@pytest.mark.parametrize(
    ("asked_at", "remaining", "reset"),
    [
        ([0.0], "1", "0"),
        ([0.0, 0.0], "0", "1"),  # half a second, rounded up
        ([0.0, 0.0, 0.4], "0", "1"),
        ([0.0, 0.0, 0.5], "0", "1"),
        ([0.0, 0.0, 1.0], "1", "0"),
    ],
)
def test_the_headers_describe_the_bucket_after_the_request(asked_at: list[float], remaining: str, reset: str) -> None:
    limit = two_per_second("own-slot")
    *_, last = [limit.admit(now, KeyParts()) for now in asked_at]
    assert {name: value for name, value in last.headers.items() if name != "Retry-After"} == {
        "X-RateLimit-Limit": "2",
        "X-RateLimit-Remaining": remaining,
        "X-RateLimit-Reset": reset,
    }


def limiter_with(policy: str = "") -> tuple[RateLimiter, Stats]:
    stats = Stats()
    text = f"""
limits: {{offer: {{rate: 1/s, burst: 1}}}}
max_early_retries: 1
organisations: [{{client_id: acme, client_secret: a}}, {{client_id: umbrella, client_secret: u}}]
{policy}
"""
    return RateLimiter(loads(text, Policy), stats, wall_clock=lambda: 1_700_000_000.25), stats


def decision(limiter: RateLimiter, caller: Caller, now: float) -> str:
    """What is decided about an offer: ``admitted``, ``cut``, or the Retry-After of its 429."""
    try:
        limiter.check_early_retries("offer", caller, now)
        limiter.check_limits("offer", "offer", caller, KeyParts(organisation=caller.organisation), now)
    except Refused as refused:
        return refused.headers.get("Retry-After", "429")
    except TooManyEarlyRetries:
        return "cut"
    return "admitted"


@pytest.mark.parametrize(
    ("requests", "decisions"),
    [
        ([(ALICE, 0), (BOB, 0), (BOB, 1)], ["admitted", "1", "admitted"]),  # bob waits as told
        ([(ALICE, 0), (BOB, 0), (BOB, 0.5)], ["admitted", "1", "2"]),  # one early retry is tolerated
        ([(ALICE, 0), (BOB, 0), (BOB, 0.1), (BOB, 0.2)], ["admitted", "1", "2", "cut"]),
        ([(ALICE, 0), (BOB, 0), (BOB, 0.1), (BOB, 0.2), (BOB, 0.3)], ["admitted", "1", "2", "cut", "cut"]),
        ([(ALICE, 0), (BOB, 0), (ALICE, 0.1), (ALICE, 0.2)], ["admitted", "1", "2", "3"]),  # alice is early once
        ([(ALICE, 0), (OTHER_ALICE, 0), (ALICE, 0), (OTHER_ALICE, 0)], ["admitted", "admitted", "1", "1"]),
    ],
)
def test_decisions_by_limit_and_early_retries(requests: list[tuple[Caller, float]], decisions: list[str]) -> None:
    limiter, _ = limiter_with()
    assert [decision(limiter, caller, now) for caller, now in requests] == decisions


def test_without_retry_after_no_retry_is_early() -> None:
    limiter, stats = limiter_with("retry_after: {form: none}")
    assert [decision(limiter, BOB, 0.0) for _ in range(5)] == ["admitted", "429", "429", "429", "429"]
    assert stats.steps["offer"].early_retries == 0


def test_a_client_that_obeys_an_http_date_is_not_early() -> None:
    limiter, stats = limiter_with("retry_after: {form: http-date}")
    assert decision(limiter, ALICE, 0.25) == "admitted"
    assert decision(limiter, BOB, 0.25) == "Tue, 14 Nov 2023 22:13:22 GMT"  # 1.25 s, rounded up to the second
    assert decision(limiter, BOB, 2.0) == "admitted"
    assert stats.steps["offer"].early_retries == 0


def test_early_retries_are_counted_even_if_the_client_is_cut() -> None:
    limiter, stats = limiter_with()
    assert [decision(limiter, BOB, 0.0) for _ in range(4)] == ["admitted", "1", "2", "cut"]
    assert stats.steps["offer"].early_retries == 2
