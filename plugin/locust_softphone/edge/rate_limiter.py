"""Checks a request before its step: a client that is early too often is cut, one over the limit is told when to retry.

    check_early_retries    retried too early more than ``max_early_retries`` times: TooManyEarlyRetries
    check_limit            beyond its organisation's limit, or another: Refused, 429, and remembered as told to wait

Both raise, or let the caller through.
"""

from __future__ import annotations

from typing import Protocol

from locust_softphone.edge.early_retries import EarlyRetryTracker
from locust_softphone.edge.http_request import Caller
from locust_softphone.edge.policy import Policy
from locust_softphone.edge.replies import retry_after, too_many_requests
from locust_softphone.edge.stats import Stats, Step
from locust_softphone.edge.step_limit import Limit

__all__ = ["Countable", "RateLimiter", "TooManyEarlyRetries"]

LIMITED: tuple[Step, ...] = ("token", "handshake", "offer")
"""The steps that each organisation has a limit for: the fields of the policy's ``limits``."""


class Countable(Protocol):
    """A limit that counts what it admits."""

    def admit(self, now: float) -> float:
        """0.0 for a request that is let through, else the seconds after which to come back."""

    def headers(self, now: float) -> dict[str, str]:
        """What a response says about the limit."""


class TooManyEarlyRetries(Exception):
    """The verdict that a client has come back too early too often."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self.caller = caller


class RateLimiter:
    """Limits and patience, for all steps and organisations. ``now`` is in seconds of a clock that only goes forward."""

    def __init__(self, policy: Policy, stats: Stats) -> None:
        self._policy = policy
        self._stats = stats
        self._early_retries = EarlyRetryTracker()
        self._limits = {
            (step, organisation.client_id): Limit(getattr(policy.limits, step), policy.retry_after.advice)
            for step in LIMITED
            for organisation in policy.organisations
        }

    def check_early_retries(self, step: Step, caller: Caller, now: float) -> None:
        """Count a caller that is early.

        Raises:
            TooManyEarlyRetries: it has been too often.
        """
        times_early = self._early_retries.times_early(caller, step, now)
        if times_early:
            self._stats.steps[step].early_retries += 1
        if times_early > self._policy.max_early_retries:
            raise TooManyEarlyRetries(caller)

    def check_limit(self, step: Step, caller: Caller, now: float, wall_s: float) -> dict[str, str]:
        """The ``X-RateLimit-*`` headers for a request within the limit.

        Raises:
            Refused: it is not; ``wall_s``, since the epoch, is for a Retry-After that is a date.
        """
        return self.check(self._limits[step, caller.organisation], step, caller, now, wall_s)

    def check(self, limit: Countable, step: Step, caller: Caller, now: float, wall_s: float) -> dict[str, str]:
        """As ``check_limit``, for a limit that is not the organisation's."""
        wait_s = limit.admit(now)
        headers = limit.headers(now)
        if not wait_s:
            return headers
        told = retry_after(self._policy.retry_after.form, wait_s, wall_s)
        if told is None:
            raise too_many_requests(wait_s, None, headers)
        header, asked_s = told
        self._early_retries.told(caller, step, now + asked_s, now)
        raise too_many_requests(wait_s, header, headers)
