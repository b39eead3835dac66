"""Checks each request against the limits of its step, and cuts clients that retry too early too often.

    check_early_retries    raises TooManyEarlyRetries for a client that was early more than ``max_early_retries`` times
    check_limits           raises Refused for a request beyond a limit of the step
    check                  the same for any other limits

A refusal gives a time to retry (RFC 9110 10.2.3): ``limits/refusal.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import get_args

from locust_softphone.config.policy import LimitedStep, Policy
from locust_softphone.edge.http_request import Caller
from locust_softphone.edge.replies import beyond_limit
from locust_softphone.edge.stats import Stats, Step
from locust_softphone.limits.early_retries import EarlyRetryTracker
from locust_softphone.limits.keyed import KeyParts
from locust_softphone.limits.step_limits import Answer, StepLimits

__all__ = ["RateLimiter", "TooManyEarlyRetries"]


class TooManyEarlyRetries(Exception):
    """The client has retried too early too often: its connections are to be cut."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self.caller = caller


class RateLimiter:
    """The limits of all steps. ``now`` is in seconds of a monotonic clock.

    Args:
        policy: the limits, and what a refusal says.
        stats: where refusals, delays and early retries are counted.
        wall_clock: seconds since the epoch, for headers that contain a date.
        epoch_s: the epoch on the clock of ``now``, for windows that are aligned to the wall clock.
    """

    def __init__(
        self, policy: Policy, stats: Stats, wall_clock: Callable[[], float] = time.time, epoch_s: float = 0.0
    ) -> None:
        self._policy = policy
        self._stats = stats
        self._wall_clock = wall_clock
        self._early_retries = EarlyRetryTracker()
        self._limits = {step: policy.limits_of(step, epoch_s) for step in get_args(LimitedStep)}

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

    def check_limits(
        self, limits: LimitedStep, step: Step, caller: Caller, parts: KeyParts, now: float, session: Hashable = None
    ) -> Answer:
        """The answer to a request within one part of the policy's ``limits``.

        Args:
            limits: the part.
            step: where a refusal is counted.
            caller: the client.
            parts: what limits count the request by.
            now: when it came.
            session: the name of what it opens.

        Raises:
            Refused: the request is beyond a limit.
        """
        return self.check(self._limits[limits], step, caller, parts, now, session)

    def check(
        self, limits: StepLimits, step: Step, caller: Caller, parts: KeyParts, now: float, session: Hashable = None
    ) -> Answer:
        """As ``check_limits``, for any limits."""
        answer = limits.admit(now, parts, session, self._wall_clock())
        if answer.admitted:
            self._stats.steps[step].delayed += answer.delay_s > 0
            return answer
        self._stats.steps[step].refused_by[answer.by] += 1
        if answer.told_s is not None:
            self._early_retries.must_wait(caller, step, now + answer.told_s, now)
        raise beyond_limit(answer)

    def release(self, limits: LimitedStep, parts: KeyParts, now: float, session: Hashable) -> None:
        """Free what ``session`` holds of one part of the policy's ``limits``."""
        self._limits[limits].release(now, parts, session)
