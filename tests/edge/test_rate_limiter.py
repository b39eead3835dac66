"""Limit and patience together, on a clock that is told."""

from __future__ import annotations

import pytest

from locust_softphone.config.strict_yaml import loads
from locust_softphone.edge.http_request import Caller
from locust_softphone.edge.policy import Policy
from locust_softphone.edge.rate_limiter import RateLimiter, TooManyEarlyRetries
from locust_softphone.edge.replies import Refused
from locust_softphone.edge.stats import Stats

ALICE, BOB = Caller("acme", "alice"), Caller("acme", "bob")
NAMESAKE = Caller("umbrella", "alice")


def limiter(policy: str = "") -> tuple[RateLimiter, Stats]:
    stats = Stats()
    text = f"""
limits: {{offer: {{rate: 1/s, burst: 1}}}}
max_early_retries: 1
organisations: [{{client_id: acme, client_secret: a}}, {{client_id: umbrella, client_secret: u}}]
{policy}
"""
    return RateLimiter(loads(text, Policy), stats), stats


def ask(the_gate: RateLimiter, caller: Caller, now: float) -> str:
    """What the limiter says to a request for an offer: ``in``, ``cut``, or the Retry-After it is refused with."""
    try:
        the_gate.check_early_retries("offer", caller, now)
        the_gate.check_limit("offer", caller, now, 1_700_000_000.0 + now)
    except Refused as refused:
        return refused.headers.get("Retry-After", "429")
    except TooManyEarlyRetries:
        return "cut"
    return "in"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([(ALICE, 0), (BOB, 0), (BOB, 1)], ["in", "1", "in"]),  # who waits as told is let in
        ([(ALICE, 0), (BOB, 0), (BOB, 0.5)], ["in", "1", "2"]),  # early, within patience: as any other request
        ([(ALICE, 0), (BOB, 0), (BOB, 0.1), (BOB, 0.2)], ["in", "1", "2", "cut"]),
        ([(ALICE, 0), (BOB, 0), (BOB, 0.1), (BOB, 0.2), (BOB, 0.3)], ["in", "1", "2", "cut", "cut"]),
        ([(ALICE, 0), (BOB, 0), (ALICE, 0.1), (ALICE, 0.2)], ["in", "1", "2", "3"]),  # alice is early once only
        ([(ALICE, 0), (NAMESAKE, 0), (ALICE, 0), (NAMESAKE, 0)], ["in", "in", "1", "1"]),  # to each their own
    ],
)
def test_what_is_said(asked: list[tuple[Caller, float]], said: list[str]) -> None:
    the_gate, _ = limiter()
    assert [ask(the_gate, caller, now) for caller, now in asked] == said


def test_without_retry_after_nobody_is_early() -> None:
    the_gate, stats = limiter("retry_after: {form: none}")
    assert [ask(the_gate, BOB, 0.0) for _ in range(5)] == ["in", "429", "429", "429", "429"]
    assert stats.steps["offer"].early_retries == 0


def test_whoever_keeps_an_http_date_is_not_early() -> None:
    the_gate, stats = limiter("retry_after: {form: http-date}")
    assert ask(the_gate, ALICE, 0.25) == "in"
    assert ask(the_gate, BOB, 0.25) == "Tue, 14 Nov 2023 22:13:22 GMT"  # 1.25 s, rounded up to the second
    assert ask(the_gate, BOB, 2.0) == "in"
    assert stats.steps["offer"].early_retries == 0


def test_early_retries_are_counted_even_when_cut() -> None:
    the_gate, stats = limiter()
    assert [ask(the_gate, BOB, 0.0) for _ in range(4)] == ["in", "1", "2", "cut"]
    assert stats.steps["offer"].early_retries == 2
