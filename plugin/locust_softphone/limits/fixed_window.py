"""A fixed window: at most ``count`` requests in ``per_s`` seconds.

    request 1 … count    admitted; the first one starts the window
    request count + 1 …  refused until the window ends
    window               the next one starts with the first request after the last one has ended

There is no clock inside: ``now`` is a parameter, in seconds of any clock that does not run backwards.
"""

from __future__ import annotations

from math import inf

__all__ = ["FixedWindow"]


class FixedWindow:
    """Admits ``count`` requests in each window.

    Attributes:
        count: how many requests one window admits.
        per_s: the length of a window, in seconds.
        used: how many requests the current window has admitted.

    Raises:
        ValueError: a count below 1 or a length that is not above 0: such a window would never, or always, admit.
    """

    __slots__ = ("_started", "count", "per_s", "used")

    def __init__(self, count: int, per_s: float) -> None:
        if count < 1:
            raise ValueError("the count of a window must be at least 1")
        if not 0 < per_s < inf:
            raise ValueError("the length of a window must be above 0")
        self.count = count
        self.per_s = per_s
        self.used = 0
        self._started = -inf

    def admit(self, now: float) -> float:
        """0.0 for a request that is admitted, else the seconds until the window ends."""
        if now - self._started >= self.per_s:
            self._started, self.used = now, 0
        if self.used >= self.count:
            return self.remaining_s(now)
        self.used += 1
        return 0.0

    def remaining_s(self, now: float) -> float:
        """The seconds until the current window ends; 0.0 if it has."""
        return max(0.0, self._started + self.per_s - now)
