"""The retry budget: how many attempts beyond its plan a run may make.

    planned     each step once for each connection of the scenario, and one offer for each call    free
    beyond      everything else: retries, reconnects, new tokens                                   1 each
    limit       (budget - 1) * planned, for all softphones; each process has the share of its slots

When it is spent, a softphone gives up with the outcome ``over_budget``. Compare "Handling Overload" in Google's SRE
book (retries are at most a tenth of a client's requests) and Finagle's RetryBudget (a fifth, plus ten per second).
Those budgets protect a service every day. This one is larger, because profiles misbehave on purpose; ordinary runs
never reach it.
"""

from __future__ import annotations

__all__ = ["MASTER_PART", "RetryBudget"]

MASTER_PART = 1 / 3
"""A master's part of the budget if it fetches the shared token: the token is one of three request steps."""


class RetryBudget:
    """The budget of one process.

    Args:
        attempts: the allowed attempts beyond the plan, possibly a fraction.
    """

    __slots__ = ("_left",)

    def __init__(self, attempts: float) -> None:
        self._left = attempts

    def take(self) -> bool:
        """Take one attempt from the budget; returns False if it is spent."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def move(self, attempts: float) -> None:
        """Add the budget of slots that come from another process; negative if slots go to one."""
        self._left += attempts
