"""A fixed window: ``quota`` requests in each window of ``window_s`` seconds.

    requests 1 … quota   ►  admitted
    quota + 1 …          ►  refused until the window ends; all waiting clients come back at that instant

Windows are aligned to a clock, or each begins with the first request after the previous window.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from locust_softphone.limits.decision import Decision, periods, reached
from locust_softphone.limits.window import Window

__all__ = ["FixedWindow"]


class FixedWindow(Window):
    """Admits ``quota`` requests in each window.

    Args:
        quota: requests admitted in a window.
        window_s: length of a window.
        aligned_to_s: any instant at which a window begins; None if a request begins each window.

    Raises:
        ValueError: a quota below 1, or a window that is not above 0.
    """

    __slots__ = ("_used",)

    def __init__(self, quota: int, window_s: float, aligned_to_s: float | None = None) -> None:
        super().__init__(quota, window_s, aligned_to_s)
        self._used = 0

    def peek(self, now: float) -> Decision:
        """The decision about a request at ``now``. Nothing is counted."""
        began, used = self._window(now)
        admitted = used < self.quota
        left = self.quota - used - admitted
        ends_s = max(0.0, began + self.window_s - now)
        return Decision(admitted, self.quota, left, wait_s=0.0 if left else ends_s, reset_s=ends_s)

    def admit(self, now: float, session: Hashable = None) -> Decision:
        """Count a request, or refuse."""
        decision = self.peek(now)
        self._began, self._used = self._window(now)
        self._used += decision.admitted
        return decision

    def count_admitted(self, instants: Sequence[float]) -> int:
        """Decide about a request at each of these instants, which are in order: how many are admitted."""
        admitted = place = 0
        while place < len(instants):
            self._began, self._used = self._window(instants[place])
            following = self._first_after(instants, place)
            more = min(following - place, self.quota - self._used)
            self._used += more
            admitted, place = admitted + more, following
        return admitted

    def _window(self, now: float) -> tuple[float, int]:
        """When the window at ``now`` began, and how many requests it has admitted."""
        if not reached(now, self._began + self.window_s):
            return self._began, self._used
        if self.aligned_to_s is None:
            return now, 0
        return self.aligned_to_s + periods(now, self.aligned_to_s, self.window_s) * self.window_s, 0
