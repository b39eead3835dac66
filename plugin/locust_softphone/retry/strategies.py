"""Tenacity strategies around code that raises ``AttemptFailed``: they compose with ``+`` and ``|``.

    b(n) = initial * multiplier ** (n - 1), at most max       n: how often the step has failed

    wait_backoff         b(n)                                 jitter as in "Exponential Backoff And Jitter"
    wait_full_jitter     anything from 0 to b(n)              (AWS Architecture Blog, 2015)
    wait_equal_jitter    b(n) / 2, plus anything from 0 to b(n) / 2
    wait_retry_after     what Retry-After says (RFC 9110 10.2.3), capped
    wait_reset           until X-RateLimit-Reset, where nothing remains, capped

``wait_retry_after(cap) + wait_full_jitter(...)`` makes Retry-After the least wait and spreads the clients behind it:
of those that were told the same second, none comes too early and not all come at once.

Durations are in seconds. Where nobody counts the failures of a step, n is tenacity's attempt number.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from tenacity import RetryCallState, retry_if_exception, wait_none
from tenacity.retry import retry_base
from tenacity.stop import stop_base
from tenacity.wait import WaitBaseT, wait_base

from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice
from locust_softphone.metrics.outcome import Outcome

__all__ = [
    "DEFAULT_CAP_S",
    "backoff_s",
    "failure_of",
    "is_retryable",
    "retry_if_retryable",
    "stop_after_step_retries",
    "stop_at",
    "visible_advice",
    "wait_backoff",
    "wait_equal_jitter",
    "wait_full_jitter",
    "wait_longest",
    "wait_reset",
    "wait_retry_after",
]

DEFAULT_CAP_S = 120.0
_AT_ONCE = wait_none()
_FINAL = frozenset({Outcome.CANCELLED, Outcome.REDIRECTED, Outcome.TLS_FAILED, Outcome.BAD_ANSWER, Outcome.OVER_BUDGET})
_PASSING = frozenset({408, 409, 480, 486})
"""Refusals of a moment: a timeout, a conflict, and in SIP a callee who is away or busy."""

Uniform = Callable[[float, float], float]
"""A random number between two bounds, such as ``random.uniform``."""


# When to try again.


def wait_backoff(initial_s: float = 1.0, multiplier: float = 2.0, max_s: float = 60.0) -> wait_base:
    """Wait ``initial_s * multiplier ** (n - 1)`` after the n-th failure of a step, at most ``max_s``."""
    return _Wait(lambda state: backoff_s(_tries(state), initial_s, multiplier, max_s))


def wait_full_jitter(
    initial_s: float = 1.0, multiplier: float = 2.0, max_s: float = 60.0, *, uniform: Uniform = random.uniform
) -> wait_base:
    """Wait anything between 0 and what ``wait_backoff`` would wait."""
    return _Wait(lambda state: uniform(0.0, backoff_s(_tries(state), initial_s, multiplier, max_s)))


def wait_equal_jitter(
    initial_s: float = 1.0, multiplier: float = 2.0, max_s: float = 60.0, *, uniform: Uniform = random.uniform
) -> wait_base:
    """Wait anything between half of what ``wait_backoff`` would wait and all of it."""
    half = (initial_s / 2, multiplier, max_s / 2)
    return wait_backoff(*half) + wait_full_jitter(*half, uniform=uniform)


def wait_retry_after(
    cap_s: float = DEFAULT_CAP_S, *, otherwise: WaitBaseT = _AT_ONCE, browser: bool = False
) -> wait_base:
    """Wait as long as the failure's ``Retry-After`` says, at most ``cap_s``.

    Args:
        cap_s: the longest wait, so that no edge can park a client.
        otherwise: how long to wait where there is no ``Retry-After``.
        browser: whether the client is a browser, which cannot see the headers of a refused WebSocket upgrade.
    """

    def wait_s(state: RetryCallState) -> float:
        told_s = _advice(state, browser=browser).retry_after_s
        return otherwise(state) if told_s is None else min(told_s, cap_s)

    return _Wait(wait_s)


def wait_reset(cap_s: float = DEFAULT_CAP_S, *, browser: bool = False) -> wait_base:
    """Wait until the limit resets, where the response says that nothing remains; at most ``cap_s``."""
    return _Wait(lambda state: min(_advice(state, browser=browser).reset_s or 0.0, cap_s))


def wait_longest(*waits: WaitBaseT) -> wait_base:
    """Wait as long as the longest of several strategies."""
    return _Wait(lambda state: max(wait(state) for wait in waits))


def backoff_s(tries: int, initial_s: float, multiplier: float, max_s: float) -> float:
    """The back-off after ``tries`` failed tries, without jitter."""
    if initial_s == 0:
        return 0.0
    try:
        return min(initial_s * multiplier ** (tries - 1), max_s)
    except OverflowError:
        return max_s


class _Wait(wait_base):
    """A function of tenacity's state that composes with ``+``."""

    def __init__(self, seconds: WaitBaseT) -> None:
        self._seconds = seconds

    def __call__(self, retry_state: RetryCallState) -> float:
        return self._seconds(retry_state)


# When to stop.


def stop_after_step_retries(retries: int) -> stop_base:
    """Stop when a step has failed more than ``retries`` times.

    Each step of a set-up has its own count: real clients have a retry loop around each request.
    """
    return _Stop(lambda state: _tries(state) > retries)


def stop_at(end_s: float | Callable[[], float], clock: Callable[[], float] = time.monotonic) -> stop_base:
    """Stop when the next try would come at ``end_s`` or later.

    Args:
        end_s: an instant by ``clock``, or a function that returns it, for an end that can move.
        clock: seconds.
    """
    end = end_s if callable(end_s) else lambda: end_s
    return _Stop(lambda state: clock() + state.upcoming_sleep >= end())


class _Stop(stop_base):
    """A function of tenacity's state that composes with ``|`` and ``&``."""

    def __init__(self, stops: Callable[[RetryCallState], bool]) -> None:
        self._stops = stops

    def __call__(self, retry_state: RetryCallState) -> bool:
        return self._stops(retry_state)


# Whether to try again.


def retry_if_retryable(*, renews: bool = True) -> retry_base:
    """Try again after a failure that ``is_retryable``."""
    return retry_if_exception(lambda failure: is_retryable(failure, renews=renews))


def is_retryable(failure: BaseException, *, renews: bool = True) -> bool:
    """Whether another try can help. Only an ``AttemptFailed`` can: Locust's stop orders are exceptions too.

    Args:
        failure: the exception that ended the try.
        renews: whether the client gets a new token after a 401, a 403 or a refused login.
    """
    if not isinstance(failure, AttemptFailed) or failure.outcome in _FINAL:
        return False
    if failure.outcome is Outcome.UNAUTHORIZED and not renews:
        return False
    return failure.outcome is not Outcome.REJECTED or failure.status in _PASSING


# What the last try ended with.


def failure_of(state: RetryCallState) -> AttemptFailed | None:
    """The failure that the last try ended with."""
    failure = state.outcome.exception() if state.outcome else None
    return failure if isinstance(failure, AttemptFailed) else None


def visible_advice(failure: AttemptFailed, *, browser: bool) -> LimitAdvice:
    """The advice that the client can see: a browser shows a refused upgrade as close code 1006 and nothing else."""
    return NO_ADVICE if browser and failure.close_code else failure.advice


def _advice(state: RetryCallState, *, browser: bool) -> LimitAdvice:
    failure = failure_of(state)
    return NO_ADVICE if failure is None else visible_advice(failure, browser=browser)


def _tries(state: RetryCallState) -> int:
    failure = failure_of(state)
    return failure.tries if failure is not None and failure.tries else state.attempt_number
