"""Checks each request against its limit, and cuts clients that retry too early too often.

    check_early_retries    raises TooManyEarlyRetries for a client that was early more than ``max_early_retries`` times
    check_limit            raises Refused, a 429, for a request beyond its organisation's limit on the step
    check                  the same for any other limit

A 429 gives a time to retry (RFC 9110 10.2.3). The policy's ``advice`` chooses which: that of the next token, the same
for all, or a slot of the client's own (``limits/refusal.py``).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from locust_softphone.edge.http_request import Caller
from locust_softphone.edge.policy import Advice, Policy
from locust_softphone.edge.quantities import RateAndBurst
from locust_softphone.edge.replies import too_many_requests
from locust_softphone.edge.stats import Stats, Step
from locust_softphone.limits.early_retries import EarlyRetryTracker
from locust_softphone.limits.refusal import (
    DescribedLimit,
    OwnSlots,
    next_token,
    retry_after,
    x_ratelimit_headers,
)
from locust_softphone.limits.token_bucket import TokenBucket

__all__ = ["RateLimiter", "TooManyEarlyRetries", "step_limit"]

LIMITED: tuple[Step, ...] = ("token", "handshake", "offer")
"""The steps that each organisation has a limit for: the fields of the policy's ``limits``."""


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
            (step, organisation.client_id): step_limit(getattr(policy.limits, step), policy.retry_after.advice)
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

    def check(self, limit: DescribedLimit, step: Step, caller: Caller, now: float) -> dict[str, str]:
        """As ``check_limit``, for any limit."""
        decision = limit.model.admit(now)
        headers = limit.headers(decision)
        if decision.admitted:
            return headers
        wait_s = limit.wait_s(decision, now)
        header, asked_s = retry_after(self._policy.retry_after.form, wait_s, self._wall_clock())
        if header is not None:
            self._early_retries.must_wait(caller, step, now + asked_s, now)
        raise too_many_requests(wait_s, header, headers)


def step_limit(size: RateAndBurst, advice: Advice) -> DescribedLimit:
    """One organisation's limit on one step: a token bucket."""
    wait_s = OwnSlots(size.rate) if advice == "own-slot" else next_token
    return DescribedLimit(TokenBucket(size.rate, size.burst), wait_s, x_ratelimit_headers)
