"""When to try again, and how long to wait first: small tenacity callables, composed from a profile's ``retry:``.

    wait = back-off        initial * multiplier ** (n - 1) after a step's n-th failure, at most max_wait; then jitter
         + what was told   Retry-After, in either grammar of RFC 9110 10.2.3, capped

Jitter is what "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015) calls none, full and equal. With
Retry-After honoured, the told wait is a floor and the jitter is spread behind it: everybody told "1" comes back spread
over a while, and nobody too early.

Nothing here reads a clock or sleeps by itself: both come in by argument.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState, Retrying, retry_if_exception
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from locust_softphone.config.behaviour import Retry
from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome

__all__ = [
    "backoff_s",
    "is_retryable",
    "parse_retry_after",
    "reset_s",
    "retry_after_s",
    "retrying",
    "seen_headers",
    "wait_s",
]

_DELTA_SECONDS = re.compile(r"[0-9]{1,18}", re.ASCII)  # RFC 9110 10.2.3; longer ones mean nothing to anybody
_FINAL = frozenset({Outcome.CANCELLED, Outcome.REDIRECTED, Outcome.TLS_FAILED, Outcome.BAD_ANSWER, Outcome.OVER_BUDGET})


def parse_retry_after(value: str | None, *, date: str | None, now: float) -> float | None:
    """Seconds to wait that a ``Retry-After`` header asks for, or None where it is absent or garbage.

    Args:
        value: the header: delta-seconds or an HTTP-date (RFC 9110 10.2.3). 0 is valid, a date in the past means 0.
        date: the same response's ``Date``; an HTTP-date is read against it, so that the two clocks need not agree.
        now: seconds since the epoch, for a response without a ``Date``.
    """
    if value is None:
        return None
    value = value.strip()
    if _DELTA_SECONDS.fullmatch(value):
        return float(value)
    until = _http_date(value)
    if until is None:
        return None
    sent = _http_date(date) if date else None
    return max(until - (now if sent is None else sent), 0.0)


def _http_date(text: str) -> float | None:
    """Seconds since the epoch of an HTTP-date in any of the three forms of RFC 9110 5.6.7, or None."""
    if len(text) > 64 or text[:1].isdigit():
        return None
    try:
        parsed = parsedate_to_datetime(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """The wait that a response's headers ask for (names in lower case), or None."""
    return parse_retry_after(headers.get("retry-after"), date=headers.get("date"), now=now)


def reset_s(headers: Mapping[str, str]) -> float | None:
    """Seconds until the limit resets, when ``X-RateLimit-Remaining`` is 0; None when anything remains."""
    if headers.get("x-ratelimit-remaining", "").strip() != "0":
        return None
    reset = headers.get("x-ratelimit-reset", "").strip()
    return float(reset) if _DELTA_SECONDS.fullmatch(reset) else None


def seen_headers(retry: Retry, failure: AttemptFailed) -> Mapping[str, str]:
    """The headers of a refusal that this client can see.

    A browser's WebSocket API shows a refused upgrade as close code 1006, and nothing else.
    """
    return {} if retry.upgrade_headers == "hidden" and failure.close_code else failure.headers


def is_retryable(failure: BaseException, *, renews: bool = True) -> bool:
    """Whether trying again can help. Only our own failures can: Locust's stop orders are exceptions too.

    Args:
        failure: what a try ended with.
        renews: whether there is a new token after a 401, a 403 or a refused login.
    """
    if not isinstance(failure, AttemptFailed) or failure.outcome in _FINAL:
        return False
    if failure.outcome is Outcome.UNAUTHORIZED and not renews:
        return False
    return failure.outcome is not Outcome.REJECTED or failure.status in (408, 409)


def backoff_s(retry: Retry, tries: int) -> float:
    """The back-off after ``tries`` failed tries, before jitter: initial * multiplier ** (tries - 1), capped."""
    if retry.initial_s == 0:
        return 0.0
    try:
        return min(retry.initial_s * retry.multiplier ** (tries - 1), retry.max_wait_s)
    except OverflowError:
        return retry.max_wait_s


def wait_s(
    retry: Retry, tries: int, headers: Mapping[str, str], *, now: float, uniform: Callable[[float, float], float]
) -> float:
    """How long to wait after ``tries`` failed tries.

    Args:
        retry: the profile's ``retry:``.
        tries: how many tries have failed so far, at least 1.
        headers: those of the last response that this client can see, names in lower case.
        now: seconds since the epoch, to read an HTTP-date by where the response has no ``Date``.
        uniform: a random number between two bounds, such as ``random.uniform``.
    """
    backoff = backoff_s(retry, tries)
    floor = {"none": backoff, "full": 0.0, "equal": backoff / 2}[retry.jitter]
    jitter = uniform(0.0, backoff - floor) if backoff > floor else 0.0
    told = None if retry.retry_after == "ignore" else retry_after_s(headers, now)
    if told is None:
        wait = floor + jitter
    else:
        told = min(told, retry.retry_after_cap_s)
        wait = told + jitter + (floor if retry.retry_after == "add" else 0.0)
    if retry.remaining == "honour":
        wait = max(wait, min(reset_s(headers) or 0.0, retry.retry_after_cap_s))
    return wait


class _Wait(wait_base):
    """``wait_s`` as a tenacity strategy, reading the headers from the failure that the try ended with."""

    def __init__(
        self,
        retry: Retry,
        failures: Callable[[], int],
        now: Callable[[], float],
        uniform: Callable[[float, float], float],
    ) -> None:
        self._retry = retry
        self._failures = failures
        self._now = now
        self._uniform = uniform

    def __call__(self, retry_state: RetryCallState) -> float:
        failure = retry_state.outcome.exception() if retry_state.outcome else None
        headers = seen_headers(self._retry, failure) if isinstance(failure, AttemptFailed) else {}
        if self._retry.scope == "fleet" and isinstance(failure, AttemptFailed) and failure.status == 429:
            return 0.0  # the fleet's hold decides when
        return wait_s(self._retry, self._failures(), headers, now=self._now(), uniform=self._uniform)


class _Exhausted(stop_base):
    """Ends the tries when a step has failed once more often than it may be tried again."""

    def __init__(self, retry: Retry, failures: Callable[[], int]) -> None:
        self._retry = retry
        self._failures = failures

    def __call__(self, retry_state: RetryCallState) -> bool:
        return self._failures() > self._retry.max_retries


def retrying(
    retry: Retry,
    *,
    renews: bool,
    failures: Callable[[], int],
    sleep: Callable[[float], None],
    before_sleep: Callable[[RetryCallState], None],
    out_of_time: stop_base,
    now: Callable[[], float],
    uniform: Callable[[float, float], float],
) -> Retrying:
    """The tenacity engine for one call set-up; the last failure is raised as it is when no try is left.

    A set-up has several steps, and each may fail ``max_retries`` times and be tried again: that is how clients are
    written, with a retry around each request.

    Args:
        retry: the profile's ``retry:``.
        renews: as for ``is_retryable``.
        failures: how often the step that failed last has failed in this set-up.
        sleep: waits so many seconds.
        before_sleep: told of each retry before its wait.
        out_of_time: a tenacity stop strategy that ends the tries when the plan is over.
        now: the wall clock, seconds since the epoch (HTTP-dates are in its terms).
        uniform: as for ``wait_s``.
    """
    return Retrying(
        sleep=sleep,
        wait=_Wait(retry, failures, now, uniform),
        stop=_Exhausted(retry, failures) | out_of_time,
        retry=retry_if_exception(lambda failure: is_retryable(failure, renews=renews)),
        before_sleep=before_sleep,
        reraise=True,
    )
