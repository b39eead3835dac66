"""What a step lets through, and when it tells the refused to come back (RFC 9110 10.2.3).

    says: next    every client refused at one instant is told the same second, when the next token will be there;
                  those who obey come back together, and all but one are refused again
    says: turn    each is told when its own turn would come, were everybody to wait:
                      turn  = max(next turn, now + wait)        and the next turn is 1/rate later

Nothing is reserved by a turn: it is advice, and who comes back without waiting may take the token of one who does wait.
"""

from __future__ import annotations

from math import ceil, floor, inf

from locust_softphone.edge.policy import Advice
from locust_softphone.edge.quantities import Rate
from locust_softphone.limits.token_bucket import TokenBucket

__all__ = ["Limit", "whole_seconds"]


def whole_seconds(seconds: float) -> int:
    """Rounded up, so that nobody told so comes too early; but not for a float's last digit."""
    return ceil(round(seconds, 6))


class Limit:
    """One organisation's limit on one step."""

    def __init__(self, rate: Rate, advice: Advice) -> None:
        self._bucket = TokenBucket(rate.rate, rate.burst)
        self._advice = advice
        self._next_turn = -inf

    def admit(self, now: float) -> float:
        """0.0 for a request that is let through, else the seconds after which to come back."""
        wait = self._bucket.take(now)
        if not wait or self._advice == "next-token":
            return wait
        turn = max(self._next_turn, now + wait)
        self._next_turn = turn + 1 / self._bucket.rate
        return turn - now

    def headers(self, now: float) -> dict[str, str]:
        """The ``X-RateLimit-*`` headers: the burst, whole tokens left, whole seconds until there is one."""
        tokens = self._bucket.tokens(now)
        return {
            "X-RateLimit-Limit": str(floor(self._bucket.burst)),
            "X-RateLimit-Remaining": str(max(0, floor(tokens))),
            "X-RateLimit-Reset": str(whole_seconds(max(0.0, 1 - tokens) / self._bucket.rate)),
        }
