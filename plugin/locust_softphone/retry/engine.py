"""A profile's ``retry:`` as a tenacity engine.

retry_after: ignore   least + jitter
             honour   Retry-After, or least where there is none, + jitter
             add      Retry-After + least + jitter
jitter:      none     least = back-off        no jitter
             full     least = 0               jitter = anything up to the back-off
             equal    least = back-off / 2    jitter = anything up to the other half
"""

from __future__ import annotations

from collections.abc import Callable

from tenacity import RetryCallState, Retrying, wait_none
from tenacity.wait import WaitBaseT, wait_base

from locust_softphone.config.behaviour import Retry
from locust_softphone.retry.strategies import (
    Uniform,
    failure_of,
    retry_if_retryable,
    stop_after_step_retries,
    stop_at,
    wait_backoff,
    wait_full_jitter,
    wait_longest,
    wait_reset,
    wait_retry_after,
)

__all__ = ["retrying", "wait_of"]


def wait_of(retry: Retry, uniform: Uniform) -> wait_base:
    """How long a profile's ``retry:`` waits; ``uniform`` makes the jitter."""
    least: wait_base = wait_none()
    jitter: wait_base = wait_none()
    share = 0.5 if retry.jitter == "equal" else 1.0
    backoff = (retry.initial_s * share, retry.multiplier, retry.max_wait_s * share)
    if retry.jitter != "full":
        least = wait_backoff(*backoff)
    if retry.jitter != "none":
        jitter = wait_full_jitter(*backoff, uniform=uniform)

    cap_s, browser = retry.retry_after_cap_s, retry.upgrade_headers == "hidden"
    if retry.retry_after == "honour":
        wait = wait_retry_after(cap_s, otherwise=least, browser=browser) + jitter
    elif retry.retry_after == "add":
        wait = wait_retry_after(cap_s, browser=browser) + least + jitter
    else:
        wait = least + jitter
    return wait_longest(wait, wait_reset(cap_s, browser=browser)) if retry.remaining == "honour" else wait


def retrying(
    retry: Retry,
    *,
    renews: bool,
    sleep: Callable[[float], None],
    before_sleep: Callable[[RetryCallState], None],
    end_s: Callable[[], float],
    clock: Callable[[], float],
    uniform: Uniform,
) -> Retrying:
    """The engine for the call set-ups of one softphone; it raises the last failure when no try is left.

    Args:
        retry: the profile's ``retry:``.
        renews: as for ``is_retryable``.
        sleep: waits a number of seconds.
        before_sleep: called before each wait.
        end_s: when the plan is over: no try begins at this instant or later.
        clock: the clock of ``end_s``.
        uniform: makes the jitter, such as ``random.uniform``.
    """
    wait: WaitBaseT = wait_of(retry, uniform)
    if retry.pauses_fleet:
        wait = _without_429(wait)
    return Retrying(
        sleep=sleep,
        wait=wait,
        stop=stop_after_step_retries(retry.max_retries) | stop_at(end_s, clock),
        retry=retry_if_retryable(renews=renews),
        before_sleep=before_sleep,
        reraise=True,
    )


def _without_429(wait: WaitBaseT) -> WaitBaseT:
    """The same waits, but none after a 429: the back-off that the fleet shares decides when to go on."""

    def wait_s(state: RetryCallState) -> float:
        failure = failure_of(state)
        return 0.0 if failure is not None and failure.status == 429 else wait(state)

    return wait_s
