"""The tenacity strategies, each by itself and composed: tables of cases, without sleeping."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from tenacity import RetryCallState, Retrying
from tenacity.wait import wait_base

from locust_softphone import retry
from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.retry import (
    retry_if_retryable,
    stop_after_step_retries,
    stop_at,
    wait_backoff,
    wait_equal_jitter,
    wait_full_jitter,
    wait_longest,
    wait_reset,
    wait_retry_after,
)
from locust_softphone.retry.strategies import is_retryable


def refused(advice: LimitAdvice = NO_ADVICE, *, tries: int = 0, close_code: int | None = None) -> AttemptFailed:
    failure = AttemptFailed(Outcome.RATE_LIMITED, status=429, close_code=close_code, advice=advice)
    failure.tries = tries
    return failure


def after(failure: BaseException, attempt: int = 1, upcoming_sleep: float = 0.0) -> RetryCallState:
    """Tenacity's state after an attempt that ended with ``failure``."""
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempt
    state.upcoming_sleep = upcoming_sleep
    state.set_exception((type(failure), failure, None))
    return state


RETRY_AFTER_9 = LimitAdvice(retry_after_s=9.0)


def test_the_backoff_grows_by_the_multiplier_up_to_its_maximum() -> None:
    wait = wait_backoff(1.0, 2.0, 5.0)
    assert [wait(after(refused(), attempt)) for attempt in (1, 2, 3, 4, 10_000)] == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_an_initial_wait_of_zero_stays_zero() -> None:
    assert wait_backoff(0.0, 2.0, 5.0)(after(refused(), 10_000)) == 0.0


def test_the_failures_of_a_step_count_rather_than_all_attempts() -> None:
    assert wait_backoff()(after(refused(tries=2), attempt=7)) == 2.0


@pytest.mark.parametrize(
    ("wait", "advice", "least", "most", "why"),
    [
        (wait_full_jitter(1.0), NO_ADVICE, 0.0, 1.0, "anything up to the back-off"),
        (wait_equal_jitter(1.0), NO_ADVICE, 0.5, 1.0, "half of it, and anything up to the other half"),
        (wait_retry_after(), RETRY_AFTER_9, 9.0, 9.0, "as told"),
        (wait_retry_after(), LimitAdvice(retry_after_s=0.0), 0.0, 0.0, "0 is valid: at once"),
        (wait_retry_after(5.0), RETRY_AFTER_9, 5.0, 5.0, "capped"),
        (wait_retry_after(), NO_ADVICE, 0.0, 0.0, "not told anything"),
        (wait_retry_after(otherwise=wait_backoff(3.0)), NO_ADVICE, 3.0, 3.0, "not told anything: the other wait"),
        (wait_retry_after(otherwise=wait_backoff(3.0)), RETRY_AFTER_9, 9.0, 9.0, "told: not the other wait"),
        (wait_retry_after() + wait_backoff(3.0), RETRY_AFTER_9, 12.0, 12.0, "added"),
        (wait_retry_after() + wait_full_jitter(1.0), RETRY_AFTER_9, 9.0, 10.0, "jitter behind it, never before"),
        (wait_reset(), LimitAdvice(reset_s=7.0), 7.0, 7.0, "nothing remains: until the reset"),
        (wait_reset(5.0), LimitAdvice(reset_s=7.0), 5.0, 5.0, "capped too"),
        (wait_longest(wait_retry_after(), wait_reset()), LimitAdvice(9.0, 7.0), 9.0, 9.0, "the longest"),
    ],
)
def test_how_long_to_wait(wait: wait_base, advice: LimitAdvice, least: float, most: float, why: str) -> None:
    waits = [wait(after(refused(advice))) for _ in range(500)]
    assert least <= min(waits), why
    assert max(waits) <= most, why
    assert max(waits) - min(waits) >= 0.9 * (most - least), why


@pytest.mark.parametrize("make", [wait_full_jitter, wait_equal_jitter])
def test_jitter_can_be_reproduced(make: Callable[..., wait_base]) -> None:
    first, second = (make(1.0, uniform=random.Random(1).uniform) for _ in range(2))
    assert [first(after(refused())) for _ in range(5)] == [second(after(refused())) for _ in range(5)]


def test_a_browser_cannot_see_the_headers_of_a_refused_upgrade() -> None:
    advice = LimitAdvice(9.0, 7.0)
    for wait in (wait_retry_after(browser=True), wait_reset(browser=True)):
        assert wait(after(refused(advice, close_code=1006))) == 0.0
        assert wait(after(refused(advice))) > 0.0


def test_a_step_may_be_retried_a_number_of_times() -> None:
    stop = stop_after_step_retries(2)
    assert [stop(after(refused(tries=tries), attempt=9)) for tries in (1, 2, 3)] == [False, False, True]


def test_no_try_comes_at_the_end_or_later() -> None:
    stop = stop_at(10.0, clock=lambda: 7.0)
    assert [stop(after(refused(), upcoming_sleep=wait_s)) for wait_s in (2.9, 3.0, 4.0)] == [False, True, True]


def test_the_end_can_move() -> None:
    end = [10.0]
    stop = stop_at(lambda: end[0], clock=lambda: 7.0)
    assert not stop(after(refused()))
    end[0] = 7.0
    assert stop(after(refused()))


def test_stops_compose() -> None:
    stop = stop_after_step_retries(2) | stop_at(10.0, clock=lambda: 7.0)
    assert [stop(after(refused(tries=tries), upcoming_sleep=wait_s)) for tries, wait_s in ((1, 1), (3, 1), (1, 5))] == [
        False,
        True,
        True,
    ]


class StopOrder(Exception):
    """Like Locust's StopUser and RescheduleTask: an Exception that must never be retried."""


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (AttemptFailed(Outcome.RATE_LIMITED, status=429), True),
        (AttemptFailed(Outcome.UNAVAILABLE, status=503), True),
        (AttemptFailed(Outcome.LOST, close_code=1006), True),
        (AttemptFailed(Outcome.CONNECT_REFUSED), True),
        (AttemptFailed(Outcome.REJECTED, status=409), True),
        (AttemptFailed(Outcome.REJECTED, status=400), False),
        (AttemptFailed(Outcome.REDIRECTED, status=302), False),
        (AttemptFailed(Outcome.BAD_ANSWER, status=201), False),
        (StopOrder(), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_what_is_retryable(failure: BaseException, expected: bool) -> None:
    assert is_retryable(failure) is expected
    if isinstance(failure, Exception):
        assert retry_if_retryable()(after(failure)) is expected


@pytest.mark.parametrize("renews", [True, False])
def test_a_401_is_retryable_only_with_a_new_token(renews: bool) -> None:
    assert is_retryable(AttemptFailed(Outcome.UNAUTHORIZED, status=401), renews=renews) is renews


def test_every_strategy_is_exported() -> None:
    assert all(callable(getattr(retry, name)) for name in retry.__all__)
