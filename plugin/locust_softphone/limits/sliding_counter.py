"""A rate measured with two counters: that of this window, and that of the last one, weighted.

The weight is the share of the last window that a sliding window still covers.

                 last window      this window
    ├────────────┼───────────────┼────────┼─ ─ ─
                        └─ window_s ──────┘ now          measured = last * (1 - elapsed / window_s) + this

    SlidingCounter   counts admitted requests (Cloudflare, Kong)
    MeasuredRate     counts refused requests too (haproxy ``http_req_rate``): a client that keeps asking stays refused
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import floor, ulp

from locust_softphone.limits.decision import Decision, periods, reached
from locust_softphone.limits.window import Window

__all__ = ["MeasuredRate", "SlidingCounter"]

MARGIN = 1e-6  # of a request: a request is admitted below the quota, not at it


class SlidingCounter(Window):
    """Admits a request while the measured number is below ``quota``.

    Args:
        quota: requests admitted in a window.
        window_s: length of a window.
        aligned_to_s: any instant at which a window begins; None if the first request after a pause begins one.

    Raises:
        ValueError: a quota below 1, or a window that is not above 0.
    """

    __slots__ = ("_last", "_this")

    refusals_count = False

    def __init__(self, quota: int, window_s: float, aligned_to_s: float | None = None) -> None:
        super().__init__(quota, window_s, aligned_to_s)
        self._last = 0
        self._this = 0

    def measured(self, now: float) -> float:
        """The estimated number of requests in the window that ends at ``now``."""
        self._roll(now)
        return self._last * max(0.0, 1 - (now - self._began) / self.window_s) + self._this

    def peek(self, now: float) -> Decision:
        """The decision about a request at ``now``. Nothing is counted."""
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

    def count_admitted(self, instants: Sequence[float]) -> int:
        """Decide about a request at each of these instants, which are in order: how many are admitted."""
        admitted = place = 0
        while place < len(instants):
            self._roll(instants[place])
            following = self._first_after(instants, place)
            more = self._count_in_window(instants[place:following])
            self._this += following - place if self.refusals_count else more
            admitted, place = admitted + more, following
        return admitted

    def _count_in_window(self, instants: Sequence[float]) -> int:
        """How many are admitted at these instants, which are all in the current window."""
        quota, last, this = self.quota, self._last, self._this
        if not last:
            return max(0, min(len(instants), quota - this))
        began, window_s, refusals_count = self._began, self.window_s, self.refusals_count
        admitted = 0
        for now in instants:
            if this >= quota:
                break
            if last * max(0.0, 1 - (now - began) / window_s) + this < quota:
                admitted += 1
                this += 1
            elif refusals_count:
                this += 1
        return admitted

    def _wait_s(self, now: float, this: int) -> float:
        """Seconds until the measured number is below the quota, with ``this`` requests in the current window.

        The last digits of ``now`` are added: a large clock, such as Unix time, cannot show a smaller step.
        """
        elapsed = now - self._began
        if this < self.quota:  # the last window must lose weight first
            wait_s = max(0.0, self._until(self._last, self.quota - this) - elapsed)
        else:
            wait_s = self.window_s - elapsed + self._until(this, self.quota)
        return wait_s + 4 * ulp(now) if wait_s else 0.0

    def _until(self, count: int, room: int) -> float:
        """Seconds into a window until the one before, with ``count`` requests, counts for less than ``room``."""
        return max(0.0, 1 - (room - MARGIN) / count) * self.window_s if count else 0.0

    def _roll(self, now: float) -> None:
        """Move on to the window that contains ``now``."""
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
    """Counts refused requests too: a client is admitted again only after asking less often than quota / window_s."""

    __slots__ = ()

    refusals_count = True
