"""A token bucket: ``rate`` tokens per second flow in, and at most ``burst`` tokens are kept.

    tokens(now) = min(burst, tokens(then) + (now - then) * rate)

It starts full. A request that finds less than one token is refused and takes nothing.
"""

from __future__ import annotations

from collections.abc import Hashable
from math import floor, inf, ulp

from locust_softphone.limits.decision import Decision, Limit, require

__all__ = ["TokenBucket"]

# In tokens. With the last digit of the clock, it is the rounding error that is forgiven: a client that waits exactly as
# long as it was told to must be admitted.
ROUNDING = 1e-9


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

    def take(self, now: float, n: float = 1) -> float:
        """Take ``n`` tokens if they are there: 0.0, or else the seconds until they will be, with nothing taken.

        Raises:
            ValueError: ``n`` is more than the bucket can ever hold, or not above 0.
        """
        if not 0 < n <= self.burst:
            raise ValueError("a take must be above 0 and within the burst")
        tokens = self.tokens(now)
        if tokens < n - self._slack(now):
            return (n - tokens) / self.rate
        self._tokens, self._at = tokens - n, now
        return 0.0

    def reserve(self, now: float) -> float:
        """Take one token even if it is not there yet: the seconds until it will be."""
        self._tokens, self._at = self.tokens(now) - 1, now
        return max(0.0, -self._tokens / self.rate)

    def peek(self, now: float) -> Decision:
        """What a request would be told now."""
        tokens = self.tokens(now)
        return self._decision(tokens >= 1 - self._slack(now), tokens)

    def admit(self, now: float, session: Hashable = None) -> Decision:
        """Take a token, or refuse."""
        tokens = self.tokens(now)
        admitted = tokens >= 1 - self._slack(now)
        if admitted:
            self._tokens, self._at = tokens - 1, now
        return self._decision(admitted, tokens)

    def _slack(self, now: float) -> float:
        """The part of a token that may be missing."""
        return ROUNDING + 4 * self.rate * ulp(now)

    def _decision(self, admitted: bool, tokens: float) -> Decision:
        left = max(0.0, tokens - admitted)
        return Decision(
            admitted,
            floor(self.burst),
            floor(left),
            wait_s=max(0.0, 1 - left) / self.rate,
            reset_s=(self.burst - left) / self.rate,
        )
