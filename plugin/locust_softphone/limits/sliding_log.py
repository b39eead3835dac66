"""A sliding log: at most ``quota`` requests in any ``window_s`` seconds; each admission is remembered.

admitted at t  ►  stops counting at t + window_s, exactly
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Hashable, Sequence
from functools import partial

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

    def count_admitted(self, instants: Sequence[float]) -> int:
        """Decide about a request at each of these instants, which are in order: how many are admitted."""
        log, admitted, place = self._admitted, 0, 0
        while place < len(instants):
            if len(log) >= self.quota:
                ends_s = log[0] + self.window_s
                if not reached(instants[place], ends_s):
                    place = bisect_left(instants, True, place + 1, key=partial(reached, instant=ends_s))
                    continue
                log.popleft()
            log.append(instants[place])
            admitted, place = admitted + 1, place + 1
        return admitted
