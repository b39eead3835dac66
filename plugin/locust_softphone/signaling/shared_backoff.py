"""A back-off that all softphones share: one 429 holds all of them back, then they continue one after the other.

    refused(step)        the first 429 sets a deadline: no softphone makes this step before it
    next_slot_s(step)    until then, each softphone that asks gets a slot of its own: after the deadline, in the order
                         of asking, 1/pace apart

The hold ends with its last slot. A 429 after the deadline begins another hold; one before the deadline does not
lengthen it. Where an edge tells each refused client a later time, the pace has the same effect.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["SharedBackoff"]


class SharedBackoff:
    """The holds of one process, one for each step.

    Args:
        clock: seconds since the plan's start.
        pace_per_s: slots per second in this process.
        spread: called for a new hold, to inform the other processes: the step, and the number of seconds.
    """

    def __init__(
        self, clock: Callable[[], float], pace_per_s: float, spread: Callable[[str, float], None] | None = None
    ) -> None:
        self._clock = clock
        self._gap_s = 1.0 / pace_per_s
        self._spread = spread
        self._until_s: dict[str, float] = {}
        self._next_slot_s: dict[str, float] = {}

    def refused(self, step: str, for_s: float) -> None:
        """A softphone of this process got a 429 and must wait ``for_s`` seconds."""
        if self.hold(step, for_s) and self._spread is not None:
            self._spread(step, for_s)

    def hold(self, step: str, for_s: float) -> bool:
        """Begin a hold for this step, unless there is one; returns whether it began."""
        now_s = self._clock()
        if now_s < self._until_s.get(step, float("-inf")):
            return False
        self._until_s[step] = now_s + for_s
        self._next_slot_s[step] = max(self._next_slot_s.get(step, 0.0), now_s + for_s)
        return True

    def next_slot_s(self, step: str) -> float:
        """When the caller may make this step: now, if there is no hold."""
        now_s = self._clock()
        next_slot_s = self._next_slot_s.get(step, now_s)
        if next_slot_s <= now_s:
            return now_s
        self._next_slot_s[step] = next_slot_s + self._gap_s
        return next_slot_s
