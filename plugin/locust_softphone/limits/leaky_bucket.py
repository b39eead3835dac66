"""A leaky bucket: each request adds 1 to its level, and ``rate`` per second leak out (nginx ``limit_req``).

    excess(now) = max(0, excess(then) - (now - then) * rate + 1)      0 for the first request; above ``queue``: refused

With delay the bucket is a queue: an admitted request is served after excess / rate seconds, so one every 1/rate.
Without delay (``nodelay``) it equals a token bucket with a burst of queue + 1. A refused request adds nothing.
"""

from __future__ import annotations

from collections.abc import Hashable
from math import floor, inf, ulp

from locust_softphone.limits.decision import Decision, Limit, require

__all__ = ["LeakyBucket"]


class LeakyBucket(Limit):
    """Admits up to ``queue`` requests beyond the rate, with or without delaying them.

    Args:
        rate: requests served per second.
        queue: how many requests may be beyond the rate; nginx calls it ``burst``.
        delays: whether those requests are delayed; False is ``nodelay``.

    Raises:
        ValueError: a rate that is not above 0, or a queue below 0.
    """

    __slots__ = ("_at", "_excess", "delays", "queue", "rate")

    def __init__(self, rate: float, queue: int, *, delays: bool) -> None:
        require("the rate of a leaky bucket", rate, 0, above=True)
        require("the queue of a leaky bucket", queue, 0)
        self.rate = rate
        self.queue = queue
        self.delays = delays
        self._excess = -1.0  # no request yet
        self._at = -inf

    def peek(self, now: float) -> Decision:
        """The decision about a request at ``now``. Nothing is counted."""
        excess = self._next_excess(now)
        admitted = excess <= self.queue + 1e-9 + 4 * self.rate * ulp(now)
        level = excess if admitted else excess - 1
        return Decision(
            admitted,
            self.queue + 1,
            remaining=max(0, floor(self.queue - level + 1e-9)),
            wait_s=max(0.0, level + 1 - self.queue) / self.rate,
            reset_s=(level + 1) / self.rate,
            delay_s=excess / self.rate if admitted and self.delays else 0.0,
        )

    def admit(self, now: float, session: Hashable = None) -> Decision:
        """Add a request to the bucket, or refuse."""
        decision = self.peek(now)
        if decision.admitted:
            self._excess, self._at = self._next_excess(now), now
        return decision

    def _next_excess(self, now: float) -> float:
        return max(0.0, self._excess - max(now - self._at, 0.0) * self.rate + 1)
