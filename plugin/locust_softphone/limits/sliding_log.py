"""A sliding log: at most ``quota`` requests in any ``window_s`` seconds; each admission is remembered.

admitted at t  ►  stops counting at t + window_s, exactly
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from locust_softphone.limits.decision import Decision, Limit, reached, require

__all__ = ["SlidingLog"]


class SlidingLog(Limit):
    """Admits ``quota`` requests in any window; keeps the instants of that many admissions.

    Raises:
        ValueError: a quota below 1, or a window that is not above 0.
    """

    __slots__ = ("_admitted", "quota", "window_s")

    def __init__(self, quota: int, window_s: float) -> None:
        require("the quota of a window", quota, 1)
        require("the length of a window", window_s, 0, above=True)
        self.quota = quota
        self.window_s = window_s
        self._admitted: deque[float] = deque()

    def peek(self, now: float) -> Decision:
        """The decision about a request at ``now``. Nothing is counted."""
        log = self._admitted
        while log and reached(now, log[0] + self.window_s):
            log.popleft()
        admitted = len(log) < self.quota
        left = self.quota - len(log) - admitted
        oldest, newest = (log[0] if log else now), (now if admitted else log[-1])
        return Decision(
            admitted,
            self.quota,
            left,
            wait_s=0.0 if left else max(0.0, oldest + self.window_s - now),
            reset_s=newest + self.window_s - now,
        )

    def admit(self, now: float, session: Hashable = None) -> Decision:
        """Admit and remember a request, or refuse."""
        decision = self.peek(now)
        if decision.admitted:
            self._admitted.append(now)
        return decision
