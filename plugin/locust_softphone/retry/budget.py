"""How many requests beyond its plan a run may make: a misbehaving edge never gets more than a stated multiple of it.

    planned     each connection that the scenario opens: its steps once; each call: its offer once      free
    beyond      whatever else the edge brings about: retries, reconnects, new tokens                   one each
    limit       (budget - 1) * planned, over the whole fleet; each process has the part of its places

Where it is spent, a softphone gives up with the outcome ``over_budget`` instead of asking once more. The practice:
"Handling Overload" in Google's SRE book (a client's retries are at most a tenth of its requests), and Finagle's
RetryBudget (a fifth, and ten a second besides). Theirs protect a service; softphones here misbehave on purpose, to show
what comes of it, so theirs is a ratio that binds every day and this is a limit that no ordinary run meets.
"""

from __future__ import annotations

__all__ = ["RetryBudget"]


class RetryBudget:
    """The budget of one process.

    Args:
        attempts: how many attempts beyond the plan there may be; a fraction is a share in one that others have too.
    """

    __slots__ = ("_left",)

    def __init__(self, attempts: float) -> None:
        self._left = attempts

    def take(self) -> bool:
        """Pay for one attempt; returns whether there was anything left to pay it with."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def move(self, attempts: float) -> None:
        """Places have come from another process with their part of the budget; or gone, if negative."""
        self._left += attempts
