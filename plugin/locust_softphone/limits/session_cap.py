"""A cap of what is open at once. Only the end of a session makes room, never time.

SessionCap     session cap + 1 is refused, at once or after a wait      nginx ``limit_conn``, a gateway's capacity
CuttingCap     it is accepted, and cut after a while
EvictingCap    it is accepted, and the oldest is ended                  20 channels a user at Genesys Cloud
"""

from __future__ import annotations

from collections.abc import Hashable
from math import inf

from locust_softphone.limits.decision import Decision, Limit, require

__all__ = ["CuttingCap", "EvictingCap", "SessionCap"]


class SessionCap(Limit):
    """Refuses a session while ``cap`` are open.

    Args:
        cap: sessions that may be open at once.
        told_after_s: how long a refused one waits for the refusal. Whether it is refused is decided when it comes.

    Raises:
        ValueError: a cap below 1, or a wait below 0.
    """

    __slots__ = ("_open", "cap", "told_after_s")

    def __init__(self, cap: int, told_after_s: float = 0.0) -> None:
        require("a cap", cap, 1)
        require("the wait for a refusal", told_after_s, 0)
        self.cap = cap
        self.told_after_s = told_after_s
        self._open: dict[Hashable, None] = {}  # in the order of their admission

    def __len__(self) -> int:
        """How many sessions are open."""
        return len(self._open)

    def peek(self, now: float) -> Decision:
        """What a session would be told now."""
        if len(self._open) >= self.cap:
            return self._beyond()
        left = self.cap - len(self._open) - 1
        return Decision(True, self.cap, left, wait_s=0.0 if left else inf, reset_s=inf)

    def admit(self, now: float, session: Hashable = None) -> Decision:
        """Open ``session``, or decide about one beyond the cap.

        Raises:
            ValueError: a session of this name is open.
        """
        if session in self._open:
            raise ValueError(f"the session {session!r} is open already")
        decision = self.peek(now)
        for oldest in decision.evicted:
            del self._open[oldest]
        if decision.admitted and decision.cut_after_s == inf:
            self._open[session] = None
        return decision

    def release(self, now: float, session: Hashable) -> None:
        """Close ``session``, if it is open."""
        self._open.pop(session, None)

    def _beyond(self) -> Decision:
        """What a session beyond the cap is told."""
        return Decision(False, self.cap, 0, wait_s=inf, reset_s=inf, delay_s=self.told_after_s)


class CuttingCap(SessionCap):
    """Accepts every session, and cuts those beyond the cap; one that will be cut takes nobody's room.

    Args:
        cap: sessions that stay.
        cut_after_s: how long one beyond the cap lives.

    Raises:
        ValueError: a cap below 1, or a time below 0.
    """

    __slots__ = ("cut_after_s",)

    def __init__(self, cap: int, cut_after_s: float) -> None:
        super().__init__(cap)
        require("the time until a cut", cut_after_s, 0)
        self.cut_after_s = cut_after_s

    def _beyond(self) -> Decision:
        return Decision(True, self.cap, 0, wait_s=inf, reset_s=inf, cut_after_s=self.cut_after_s)


class EvictingCap(SessionCap):
    """Accepts every session; one beyond the cap ends the oldest."""

    __slots__ = ()

    def _beyond(self) -> Decision:
        return Decision(True, self.cap, 0, wait_s=0.0, reset_s=inf, evicted=(next(iter(self._open)),))
