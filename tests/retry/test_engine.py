"""A profile's ``retry:`` as a tenacity engine, run on lists of failures without sleeping."""

from __future__ import annotations

import random
from math import inf
from typing import Any

import pytest
from tenacity import RetryCallState, Retrying

from locust_softphone.config.behaviour import Retry, presets
from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.retry.engine import retrying, wait_of

TOLD_9 = LimitAdvice(retry_after_s=9.0)


def a_retry(**overrides: Any) -> Retry:
    return Retry.model_validate({**presets()["sdk-2.3.1"].retry.model_dump(mode="json", by_alias=True), **overrides})


def first_wait_s(retry: Retry, failure: AttemptFailed, rng: random.Random) -> float:
    state = RetryCallState(Retrying(), None, (), {})
    state.set_exception((AttemptFailed, failure, None))
    return wait_of(retry, rng.uniform)(state)


@pytest.mark.parametrize(
    ("overrides", "advice", "least", "most", "why"),
    [
        ({}, NO_ADVICE, 1.0, 1.0, "no jitter: exactly the back-off"),
        ({"jitter": "full"}, NO_ADVICE, 0.0, 1.0, "full: anything up to it"),
        ({"jitter": "equal"}, NO_ADVICE, 0.5, 1.0, "equal: half of it, and anything up to the other half"),
        ({}, TOLD_9, 1.0, 1.0, "ignored unless honoured"),
        ({"retry_after": "honour"}, TOLD_9, 9.0, 9.0, "honoured: the told wait"),
        ({"retry_after": "honour"}, LimitAdvice(0.0), 0.0, 0.0, "0 is valid: at once"),
        ({"retry_after": "honour"}, NO_ADVICE, 1.0, 1.0, "honoured but absent: the back-off"),
        ({"retry_after": "honour", "jitter": "full"}, TOLD_9, 9.0, 10.0, "jitter behind, never before"),
        ({"retry_after": "honour", "jitter": "equal"}, TOLD_9, 9.0, 9.5, "the told wait takes the place of one half"),
        ({"retry_after": "honour", "jitter": "equal"}, NO_ADVICE, 0.5, 1.0, "not told anything: equal jitter"),
        ({"retry_after": "add"}, TOLD_9, 10.0, 10.0, "added: told wait and back-off"),
        ({"retry_after": "add", "jitter": "equal"}, TOLD_9, 9.5, 10.0, "added: told wait and equal jitter"),
        ({"retry_after": "honour", "retry_after_cap": "5s"}, LimitAdvice(900.0), 5.0, 5.0, "capped"),
        ({"remaining": "honour"}, LimitAdvice(reset_s=7.0), 7.0, 7.0, "nothing remains: not before the reset"),
        ({"remaining": "honour"}, LimitAdvice(reset_s=0.0), 1.0, 1.0, "a reset that is over: the back-off"),
    ],
)
def test_how_long_a_profile_waits(
    overrides: dict[str, str], advice: LimitAdvice, least: float, most: float, why: str
) -> None:
    rng, refused = random.Random(1), AttemptFailed(Outcome.RATE_LIMITED, status=429, advice=advice)
    waits = [first_wait_s(a_retry(**overrides), refused, rng) for _ in range(500)]
    assert min(waits) >= least, why
    assert max(waits) <= most, why
    assert max(waits) - min(waits) >= 0.9 * (most - least), why


class StopOrder(Exception):
    """Like Locust's StopUser and RescheduleTask: an Exception that must never be retried."""


class Tries:
    """Runs the engine on a list of failures, and records its waits."""

    def __init__(self, retry: Retry, *failures: Exception, end_s: float = inf) -> None:
        self.slept: list[float] = []
        self.told: list[RetryCallState] = []
        self.calls = 0
        self._failures = list(failures)
        self._engine = retrying(
            retry,
            renews=retry.unauthorized == "renew",
            sleep=self.slept.append,
            before_sleep=self.told.append,
            end_s=lambda: end_s,
            clock=lambda: sum(self.slept),
            uniform=lambda low, high: high,
        )

    def run(self) -> None:
        self._engine(self._call)

    def _call(self) -> None:
        self.calls += 1
        if self._failures:
            raise self._failures.pop(0)


def test_it_backs_off_one_two_four_and_then_raises_the_last_failure_itself() -> None:
    last = AttemptFailed(Outcome.RATE_LIMITED, status=429)
    tries = Tries(a_retry(), *[AttemptFailed(Outcome.LOST)] * 3, last)
    with pytest.raises(AttemptFailed) as caught:
        tries.run()
    assert caught.value is last
    assert tries.slept == [1.0, 2.0, 4.0]
    assert (tries.calls, len(tries.told)) == (4, 3)


def test_it_stops_when_a_try_succeeds() -> None:
    tries = Tries(a_retry(), AttemptFailed(Outcome.LOST))
    tries.run()
    assert (tries.calls, tries.slept) == (2, [1.0])


def test_it_stops_when_the_next_try_would_come_after_the_end_of_the_plan() -> None:
    tries = Tries(a_retry(), *[AttemptFailed(Outcome.LOST)] * 3, end_s=2.5)
    with pytest.raises(AttemptFailed):
        tries.run()
    assert tries.slept == [1.0]


def test_a_stop_order_passes_through_at_once() -> None:
    tries = Tries(a_retry(), StopOrder())
    with pytest.raises(StopOrder):
        tries.run()
    assert tries.slept == []


@pytest.mark.parametrize(("upgrade_headers", "expected"), [("visible", 9.0), ("hidden", 1.0)])
def test_a_browser_does_not_see_the_retry_after_of_a_refused_upgrade(upgrade_headers: str, expected: float) -> None:
    refused = AttemptFailed(Outcome.RATE_LIMITED, status=429, close_code=1006, advice=TOLD_9)
    tries = Tries(a_retry(retry_after="honour", upgrade_headers=upgrade_headers), refused)
    tries.run()
    assert tries.slept == [expected]


def test_where_the_fleet_shares_a_429_the_engine_does_not_wait_after_one() -> None:
    failures = AttemptFailed(Outcome.RATE_LIMITED, status=429, advice=TOLD_9), AttemptFailed(Outcome.LOST)
    tries = Tries(a_retry(retry_after="honour", scope="fleet"), *failures)
    tries.run()
    assert tries.slept == [0.0, 2.0]
