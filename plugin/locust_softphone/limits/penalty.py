"""A penalty: once another limit refuses, everything is refused for ``penalty_s``.

inner limit refuses  ►  everything is refused for penalty_s  ►  inner limit decides again
                        renewed: each request in this time starts the penalty again
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import inf

from locust_softphone.limits.decision import Decision, Limit, reached, require

__all__ = ["Penalty"]


class Penalty(Limit):
    """Refuses everything for a while after ``inner`` has refused.

    Args:
        inner: the limit whose refusal starts the penalty.
        penalty_s: seconds for which everything is refused.
        renewed: whether a request during the penalty starts it again.

    Raises:
        ValueError: a penalty that is not above 0.
    """

    __slots__ = ("_ends", "inner", "penalty_s", "renewed")

    def __init__(self, inner: Limit, penalty_s: float, *, renewed: bool = False) -> None:
        require("a penalty", penalty_s, 0, above=True)
        self.inner = inner
        self.penalty_s = penalty_s
        self.renewed = renewed
        self._ends = -inf

    def peek(self, now: float) -> Decision:
        """The decision about a request at ``now``. Nothing is counted."""
        decision = self.inner.peek(now)
        if not reached(now, self._ends):
            left_s = self.penalty_s if self.renewed else self._ends - now
        elif not decision.admitted:
            left_s = self.penalty_s
        else:
            return decision
        return decision._replace(
            admitted=False,
            remaining=0,
            wait_s=max(left_s, decision.wait_s),
            reset_s=max(left_s, decision.reset_s),
            delay_s=0.0,
            cut_after_s=inf,
            evicted=(),
        )

    def admit(self, now: float, session: Hashable = None) -> Decision:
        """Let ``inner`` decide, unless a penalty is going on."""
        decision = self.peek(now)
        over = reached(now, self._ends)
        starts = not self.inner.admit(now, session).admitted if over else self.renewed
        if starts:
            self._ends = now + self.penalty_s
        return decision

    def count_admitted(self, instants: Sequence[float]) -> int:
        """Decide about a request at each of these instants, which are in order: how many are admitted."""
        admitted = 0
        for now in instants:
            if reached(now, self._ends):
                passes = self.inner.count_admitted((now,))
                admitted += passes
                if not passes:
                    self._ends = now + self.penalty_s
            elif self.renewed:
                self._ends = now + self.penalty_s
        return admitted

    def release(self, now: float, session: Hashable) -> None:
        """Free what ``session`` holds of the inner limit."""
        self.inner.release(now, session)
