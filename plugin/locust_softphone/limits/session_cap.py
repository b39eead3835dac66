"""Caps on open sessions. Only the end of a session makes room; time does not.

What happens to session number cap + 1:

    SessionCap     it is refused                                    nginx ``limit_conn``, the capacity of a gateway
    CuttingCap     it is accepted, and cut after a while
    EvictingCap    it is accepted, and the oldest one is ended      20 channels per user at Genesys Cloud
"""

from __future__ import annotations

from collections.abc import Hashable
from math import inf

from locust_softphone.limits.decision import Decision, Limit, require

__all__ = ["CuttingCap", "EvictingCap", "SessionCap"]


class SessionCap(Limit):
    """Refuses a session while ``cap`` are open.

    Args:
        cap: how many sessions may be open at once.

    Raises:
        ValueError: a cap below 1.
    """

    __slots__ = ("_open", "cap")

    def __init__(self, cap: int) -> None:
        require("a cap", cap, 1)
        self.cap = cap
        self._open: dict[Hashable, None] = {}  # in order of admission

    def __len__(self) -> int:
        """How many sessions are open."""
        return len(self._open)

    def peek(self, now: float) -> Decision:
        """The decision about a session at ``now``. Nothing is counted."""
        if len(self._open) >= self.cap:
            return self._beyond()
        left = self.cap - len(self._open) - 1
        return Decision(True, self.cap, left, wait_s=0.0 if left else inf, reset_s=inf)

    def admit(self, now: float, session: Hashable = None) -> Decision:
        """Open ``session``, or apply the rule for sessions beyond the cap.

        Raises:
            ValueError: a session with this name is open.
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
        """The decision about a session beyond the cap."""
        return Decision(False, self.cap, 0, wait_s=inf, reset_s=inf)


class CuttingCap(SessionCap):
    """Accepts every session and cuts those beyond the cap; a session that will be cut does not count.

    Args:
        cap: how many sessions may stay open at once.
        cut_after_s: seconds from admission until a session beyond the cap is cut.

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
    """Accepts every session; each one beyond the cap ends the oldest."""

    __slots__ = ()

    def _beyond(self) -> Decision:
        return Decision(True, self.cap, 0, wait_s=0.0, reset_s=inf, evicted=(next(iter(self._open)),))
