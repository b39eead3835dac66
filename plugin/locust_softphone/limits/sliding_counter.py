"""A rate measured with two counters: this window's, and the share of the last one's that a sliding window still covers.

             last window      this window
├────────────┼───────────────┼────────┼─ ─ ─
                    └─ window_s ──────┘ now          measured = last * (1 - elapsed / window_s) + this

SlidingCounter   counts what it admits (Cloudflare, Kong)
MeasuredRate     counts every request, refused ones too (haproxy ``http_req_rate``): who keeps asking stays refused
"""

from __future__ import annotations

from collections.abc import Hashable
from math import floor, inf

from locust_softphone.limits.decision import Decision, Limit, periods, reached, require

__all__ = ["MeasuredRate", "SlidingCounter"]

MARGIN = 1e-6  # of a request: to be admitted, the measured rate has to be below the quota, not at it


class SlidingCounter(Limit):
    """Admits a request while fewer than ``quota`` are measured in the window.

    Args:
        quota: requests in a window.
        window_s: how long a window is.
        aligned_to_s: an instant at which a window begins; None if the first request after a pause begins one.

    Raises:
        ValueError: a quota below 1, or a window that is not above 0.
    """

    __slots__ = ("_began", "_last", "_this", "aligned_to_s", "quota", "window_s")

    refusals_count = False

    def __init__(self, quota: int, window_s: float, aligned_to_s: float | None = None) -> None:
        require("the quota of a window", quota, 1)
        require("the length of a window", window_s, 0, above=True)
        self.quota = quota
        self.window_s = window_s
        self.aligned_to_s = aligned_to_s
        self._began = -inf
        self._last = 0
        self._this = 0

    def measured(self, now: float) -> float:
        """Requests in the window that ends now, as the two counters estimate them."""
        self._roll(now)
        return self._last * max(0.0, 1 - (now - self._began) / self.window_s) + self._this

    def peek(self, now: float) -> Decision:
        """What a request would be told now."""
        measured = self.measured(now)
        admitted = measured < self.quota
        counts = admitted or self.refusals_count
        this = self._this + counts
        return Decision(
            admitted,
            self.quota,
            remaining=max(0, floor(self.quota - measured - counts + 1 - MARGIN)),
            wait_s=self._wait_s(now, this),
            reset_s=self._began + (2 if this else 1) * self.window_s - now if this or self._last else 0.0,
        )

    def admit(self, now: float, session: Hashable = None) -> Decision:
        """Count a request, or refuse."""
        decision = self.peek(now)
        self._this += decision.admitted or self.refusals_count
        return decision

    def _wait_s(self, now: float, this: int) -> float:
        """Until the measured rate is below the quota, with ``this`` in the current window."""
        elapsed = now - self._began
        if this < self.quota:  # enough of the last window has to move out
            return max(0.0, self._until(self._last, self.quota - this) - elapsed)
        return self.window_s - elapsed + self._until(this, self.quota)

    def _until(self, count: int, room: int) -> float:
        """How long after a window began the share of the one before, which counted ``count``, is below ``room``."""
        return max(0.0, 1 - (room - MARGIN) / count) * self.window_s if count else 0.0

    def _roll(self, now: float) -> None:
        """Begin the window that ``now`` is in."""
        if not reached(now, self._began + self.window_s):
            return
        if not reached(now, self._began + 2 * self.window_s):
            self._began += self.window_s
            self._last, self._this = self._this, 0
            return
        self._last = self._this = 0
        if self.aligned_to_s is None:
            self._began = now
        else:
            self._began = self.aligned_to_s + periods(now, self.aligned_to_s, self.window_s) * self.window_s


class MeasuredRate(SlidingCounter):
    """Counts refusals like any other request: only who asks less often than quota / window_s is admitted again."""

    __slots__ = ()

    refusals_count = True
