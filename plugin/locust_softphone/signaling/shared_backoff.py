"""Back-pressure that a whole fleet shares: one 429 holds everybody back, then they come one after the other.

    refused(step)   the first 429 of a wave sets the hold: nobody asks for this step before its deadline
    next_slot_s(step)    each softphone that wants to send meanwhile gets a slot of its own: from the deadline on,
                         in the order of asking, 1/pace apart

The hold is over when the last turn has passed; a 429 after its deadline begins another. Deadlines of the same wave do
not lengthen it: where each refused client is told a later one, pacing has the same effect.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["SharedBackoff"]


class SharedBackoff:
    """The holds of one process, one for each step.

    Args:
        clock: seconds since the plan's start.
        pace_per_s: how many a second come back, on this process.
        spread: told of a new hold, so that the rest of the fleet learns of it: the step, and for how many seconds.
    """

    def __init__(
        self, clock: Callable[[], float], pace_per_s: float, spread: Callable[[str, float], None] | None = None
    ) -> None:
        self._clock = clock
        self._gap_s = 1.0 / pace_per_s
        self._spread = spread
        self._until_s: dict[str, float] = {}
        self._next_turn_s: dict[str, float] = {}

    def refused(self, step: str, for_s: float) -> None:
        """A softphone of this process was told to wait so long."""
        if self.hold(step, for_s) and self._spread is not None:
            self._spread(step, for_s)

    def hold(self, step: str, for_s: float) -> bool:
        """Hold everybody back at this step, unless a hold is on; returns whether it was not."""
        now_s = self._clock()
        if now_s < self._until_s.get(step, float("-inf")):
            return False
        self._until_s[step] = now_s + for_s
        self._next_turn_s[step] = max(self._next_turn_s.get(step, 0.0), now_s + for_s)
        return True

    def next_slot_s(self, step: str) -> float:
        """When whoever asks now may go ahead: at once when nobody is held back."""
        now_s = self._clock()
        next_slot_s = self._next_turn_s.get(step, now_s)
        if next_slot_s <= now_s:
            return now_s
        self._next_turn_s[step] = next_slot_s + self._gap_s
        return next_slot_s
