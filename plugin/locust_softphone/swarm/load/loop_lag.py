"""How much time the generator's event loop has lost, so that its lateness is not mistaken for the edge's.

    due ────lag────► woke        a greenlet asks to be woken at ``due``; until it is, the loop is late for everybody

The lags of a run are intervals on the plan's clock. ``lost_s`` is how much of a call's set-up fell into them. An
interval that has not ended yet counts too, because after a stall the softphones may run before the measuring greenlet.
"""

from __future__ import annotations

from bisect import bisect_right

__all__ = ["EVERY_S", "STALL_S", "LoopLag"]

EVERY_S = 0.05
"""How often the loop's lag is measured."""

STALL_S = 1.0
"""A loop that is late by so much stood still: an edge may drop a client that is silent for so long."""

_CATCH_UP_S = 1.0  # so long after a stall, the softphones may still notice what happened in it
_LEAST_S = 0.005  # shorter lags do not matter, and there are many


class LoopLag:
    """The lags of one process's event loop, in seconds of the plan's clock."""

    def __init__(self) -> None:
        self._due_s = float("inf")
        self._ends_s: list[float] = []
        self._lost_before_s: list[float] = []  # by the end of the interval of the same index
        self._lag_s: list[float] = []
        self._caught_up_s = float("-inf")

    def asked(self, now_s: float) -> None:
        """The measuring greenlet goes to sleep."""
        self._due_s = now_s + EVERY_S

    def woke(self, now_s: float) -> float:
        """The measuring greenlet runs again; returns the lag."""
        lag_s, self._due_s = now_s - self._due_s, float("inf")
        if lag_s > STALL_S:
            self._caught_up_s = now_s + _CATCH_UP_S
        if lag_s > _LEAST_S:
            self._ends_s.append(now_s)
            self._lag_s.append(lag_s)
            self._lost_before_s.append(lag_s + (self._lost_before_s[-1] if self._lost_before_s else 0.0))
        return lag_s

    def lost_s(self, from_s: float, until_s: float) -> float:
        """How much of the time between two instants was lost; ``until_s`` is now or earlier."""
        unmeasured_s = max(until_s - max(self._due_s, from_s), 0.0)
        if not self._ends_s or self._ends_s[-1] <= from_s:
            return unmeasured_s
        return self._lost_by(until_s) - self._lost_by(from_s) + unmeasured_s

    def stands_still(self, now_s: float) -> bool:
        """Whether the loop stands still, or has just gone on: what is noticed now happened during a stall."""
        return now_s < self._caught_up_s or now_s - self._due_s > STALL_S

    def _lost_by(self, at_s: float) -> float:
        """The time lost in the measured intervals up to an instant."""
        index = bisect_right(self._ends_s, at_s)
        lost_s = self._lost_before_s[index - 1] if index else 0.0
        if index < len(self._ends_s):  # the next interval may have begun
            lost_s += max(at_s - (self._ends_s[index] - self._lag_s[index]), 0.0)
        return lost_s
