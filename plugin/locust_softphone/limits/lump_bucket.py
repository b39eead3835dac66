"""A token bucket that is filled in lumps: ``lump`` tokens every ``interval_s``, and it holds ``burst`` at most.

    tokens  burst ┐                  ┌ lump
                  └─ used up ────────┘
                                     fill

In Envoy's local rate limit, ``max_tokens`` is the burst, ``tokens_per_fill`` the lump, ``fill_interval`` the interval.

No token arrives between two fills, so all waiting clients come back at the same instant.
"""

from __future__ import annotations

from collections.abc import Hashable
from math import ceil, floor, inf

from locust_softphone.limits.decision import Decision, Limit, periods, require

__all__ = ["LumpBucket"]


class LumpBucket(Limit):
    """Admits ``burst`` at once, and ``lump`` at each fill.

    Args:
        lump: tokens added by each fill.
        interval_s: seconds between two fills.
        burst: the most tokens that it holds; it starts full.
        fills_at_s: the instant of any one fill.

    Raises:
        ValueError: a lump or burst below 1, or an interval that is not above 0.
    """

    __slots__ = ("_fills", "_tokens", "burst", "fills_at_s", "interval_s", "lump")

    def __init__(self, lump: int, interval_s: float, burst: int, fills_at_s: float = 0.0) -> None:
        require("the lump of a bucket", lump, 1)
        require("the interval of a bucket", interval_s, 0, above=True)
        require("the burst of a bucket", burst, 1)
        self.lump = lump
        self.interval_s = interval_s
        self.burst = burst
        self.fills_at_s = fills_at_s
        self._tokens = burst
        self._fills: float = -inf  # the number of the last fill; unknown before the first request

    def peek(self, now: float) -> Decision:
        """The decision about a request at ``now``. Nothing is counted."""
        self._fill(now)
        return self._decision(now, self._tokens >= 1)

    def admit(self, now: float, session: Hashable = None) -> Decision:
        """Take a token, or refuse."""
        decision = self.peek(now)
        self._tokens -= decision.admitted
        return decision

    def _fill(self, now: float) -> None:
        fills = periods(now, self.fills_at_s, self.interval_s)
        if fills > self._fills:
            self._tokens = floor(min(self.burst, self._tokens + (fills - self._fills) * self.lump))
            self._fills = fills

    def _decision(self, now: float, admitted: bool) -> Decision:
        left = self._tokens - admitted
        next_fill_s = max(0.0, self.fills_at_s + (self._fills + 1) * self.interval_s - now)
        missing_fills = ceil((self.burst - left) / self.lump)
        return Decision(
            admitted,
            self.burst,
            left,
            wait_s=0.0 if left else next_fill_s,
            reset_s=next_fill_s + (missing_fills - 1) * self.interval_s if missing_fills else 0.0,
        )
