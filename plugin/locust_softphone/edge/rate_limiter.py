"""Checks each request against its limit, and cuts clients that retry too early too often.

    check_early_retries    raises TooManyEarlyRetries for a client that was early more than ``max_early_retries`` times
    check_limit            raises Refused, a 429, for a request beyond its organisation's limit on the step
    check                  the same for any other limit

A 429 gives a time to retry (RFC 9110 10.2.3). The policy's ``advice`` chooses which:

    next-token    when the next token arrives. Clients that are refused at the same instant are given the same second,
                  come back together, and all but one are refused again.
    own-slot      a slot of the client's own, as if every refused client waited in one queue:
                      slot = max(next slot, now + wait)        and the next slot is 1/rate later
                  A slot reserves nothing. A client that does not wait can take the token of one that does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import floor, inf
from typing import Protocol

from locust_softphone.edge.early_retries import EarlyRetryTracker
from locust_softphone.edge.http_request import Caller
from locust_softphone.edge.policy import Advice, Policy
from locust_softphone.edge.quantities import RateAndBurst
from locust_softphone.edge.replies import retry_after, too_many_requests, whole_seconds
from locust_softphone.edge.stats import Stats, Step
from locust_softphone.limits.token_bucket import TokenBucket

__all__ = ["Limit", "RateLimiter", "StepLimit", "TooManyEarlyRetries"]

LIMITED: tuple[Step, ...] = ("token", "handshake", "offer")
"""The steps that each organisation has a limit for: the fields of the policy's ``limits``."""


class Limit(Protocol):
    """A limit that counts the requests it admits."""

    def admit(self, now: float) -> float:
        """0.0 for a request that is admitted, else the seconds after which to retry."""

    def headers(self, now: float) -> dict[str, str]:
        """The response headers that describe the limit."""


class TooManyEarlyRetries(Exception):
    """The client has retried too early too often: its connections are to be cut."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self.caller = caller


class RateLimiter:
    """The limits of all steps and organisations. ``now`` is in seconds of a monotonic clock.

    Args:
        policy: the limits, and what a 429 says.
        stats: where early retries are counted.
        wall_clock: seconds since the epoch, for a Retry-After that is a date.
    """

    def __init__(self, policy: Policy, stats: Stats, wall_clock: Callable[[], float] = time.time) -> None:
        self._policy = policy
        self._stats = stats
        self._wall_clock = wall_clock
        self._early_retries = EarlyRetryTracker()
        self._limits = {
            (step, organisation.client_id): StepLimit(getattr(policy.limits, step), policy.retry_after.advice)
            for step in LIMITED
            for organisation in policy.organisations
        }

    def check_early_retries(self, step: Step, caller: Caller, now: float) -> None:
        """Count the request if it is early.

        Raises:
            TooManyEarlyRetries: the client has been early too often.
        """
        times_early = self._early_retries.times_early(caller, step, now)
        if times_early:
            self._stats.steps[step].early_retries += 1
        if times_early > self._policy.max_early_retries:
            raise TooManyEarlyRetries(caller)

    def check_limit(self, step: Step, caller: Caller, now: float) -> dict[str, str]:
        """The ``X-RateLimit-*`` headers for a request within its organisation's limit.

        Raises:
            Refused: the request is beyond the limit.
        """
        return self.check(self._limits[step, caller.organisation], step, caller, now)

    def check(self, limit: Limit, step: Step, caller: Caller, now: float) -> dict[str, str]:
        """As ``check_limit``, for any limit."""
        wait_s = limit.admit(now)
        headers = limit.headers(now)
        if not wait_s:
            return headers
        header, asked_s = retry_after(self._policy.retry_after.form, wait_s, self._wall_clock())
        if header is not None:
            self._early_retries.must_wait(caller, step, now + asked_s, now)
        raise too_many_requests(wait_s, header, headers)


class StepLimit:
    """One organisation's limit on one step: a token bucket, and the slots given to refused clients."""

    def __init__(self, size: RateAndBurst, advice: Advice) -> None:
        self._bucket = TokenBucket(size.rate, size.burst)
        self._advice = advice
        self._next_slot = -inf

    def admit(self, now: float) -> float:
        """0.0 for a request that is admitted, else the seconds after which to retry."""
        wait = self._bucket.take(now)
        if not wait or self._advice == "next-token":
            return wait
        slot = max(self._next_slot, now + wait)
        self._next_slot = slot + 1 / self._bucket.rate
        return slot - now

    def headers(self, now: float) -> dict[str, str]:
        """The ``X-RateLimit-*`` headers: the burst, whole tokens left, whole seconds until the next token."""
        tokens = self._bucket.tokens(now)
        return {
            "X-RateLimit-Limit": str(floor(self._bucket.burst)),
            "X-RateLimit-Remaining": str(max(0, floor(tokens))),
            "X-RateLimit-Reset": str(whole_seconds(max(0.0, 1 - tokens) / self._bucket.rate)),
        }
