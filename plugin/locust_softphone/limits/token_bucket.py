"""A token bucket: ``rate`` tokens per second flow in, and at most ``burst`` tokens are kept.

    tokens(now) = min(burst, tokens(then) + (now - then) * rate)

It starts full. There is no clock inside: ``now`` is a parameter, in seconds of any clock that does not run backwards.
"""

from __future__ import annotations

from math import inf, ulp

__all__ = ["TokenBucket"]

# In tokens. With the last digit of the clock, it is the rounding error that is forgiven: a client that waits exactly as
# long as it was told to must be admitted.
ROUNDING = 1e-9


class TokenBucket:
    """Admits ``burst`` at once and ``rate`` per second in the long run.

    Raises:
        ValueError: a rate that is not above 0, or a burst below 1: such a bucket would never admit anything.
    """

    __slots__ = ("_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        if not 0 < rate < inf:
            raise ValueError("the rate of a token bucket must be above 0")
        if not 1 <= burst < inf:
            raise ValueError("the burst of a token bucket must be at least 1")
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
        if tokens < n - ROUNDING - 4 * self.rate * ulp(now):
            return (n - tokens) / self.rate
        self._tokens, self._at = tokens - n, now
        return 0.0

    def reserve(self, now: float) -> float:
        """Take one token even if it is not there yet: the seconds until it will be."""
        self._tokens, self._at = self.tokens(now) - 1, now
        return max(0.0, -self._tokens / self.rate)
