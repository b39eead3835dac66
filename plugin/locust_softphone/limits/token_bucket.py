"""A token bucket: ``rate`` tokens per second flow in, and at most ``burst`` tokens are kept.

    tokens(now) = min(burst, tokens(then) + (now - then) * rate)

It starts full. A request that finds less than one token is refused and takes nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import floor, inf, ulp

from locust_softphone.limits.decision import Decision, Limit, require

__all__ = ["TokenBucket"]

ROUNDING_ERROR = 1e-9
"""In tokens. A client that waits exactly as long as it was asked to must be admitted, in spite of rounding errors."""


class TokenBucket(Limit):
    """Admits ``burst`` at once and ``rate`` per second in the long run.

    Raises:
        ValueError: a rate that is not above 0, or a burst below 1: such a bucket would never admit anything.
    """

    __slots__ = ("_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        require("the rate of a token bucket", rate, 0, above=True)
        require("the burst of a token bucket", burst, 1)
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._at = -inf

    def tokens(self, now: float) -> float:
        """The tokens in the bucket; negative while ``reserve`` has taken more than there were."""
        return min(self.burst, self._tokens + max(now - self._at, 0.0) * self.rate)

    def reserve(self, now: float) -> float:
        """Take one token even if it is not there yet: the seconds until it will be."""
        self._tokens, self._at = self.tokens(now) - 1, now
        return max(0.0, -self._tokens / self.rate)

    def peek(self, now: float) -> Decision:
        """The decision about a request at ``now``. Nothing is counted."""
        tokens = self.tokens(now)
        return self._decision(self._suffice(tokens, now), tokens)

    def admit(self, now: float, session: Hashable = None) -> Decision:
        """Take a token, or refuse."""
        tokens = self.tokens(now)
        admitted = self._suffice(tokens, now)
        if admitted:
            self._tokens, self._at = tokens - 1, now
        return self._decision(admitted, tokens)

    def count_admitted(self, instants: Sequence[float]) -> int:
        """Decide about a request at each of these instants, which are in order: how many are admitted."""
        rate, burst, tokens, at = self.rate, self.burst, self._tokens, self._at
        admitted = 0
        for now in instants:
            there = tokens + (now - at) * rate if now > at else tokens
            if there > burst:
                there = burst
            if there >= 1 or self._suffice(there, now):
                tokens, at = there - 1, now
                admitted += 1
        self._tokens, self._at = tokens, at
        return admitted

    def _suffice(self, tokens: float, now: float) -> bool:
        """Whether there is a token, up to rounding errors."""
        return tokens >= 1 or tokens >= 1 - ROUNDING_ERROR - 4 * self.rate * ulp(now)

    def _decision(self, admitted: bool, tokens: float) -> Decision:
        left = max(0.0, tokens - admitted)
        wait_s = (1 - left) / self.rate if left < 1 else 0.0
        return Decision(admitted, floor(self.burst), floor(left), wait_s, (self.burst - left) / self.rate)
