"""What a probe asks of its target: send requests at given times, wait, and close sessions.

The target has the clock. In tests it is virtual, so a probe of an hour takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from locust_softphone.limits.inference.observations import Observation

__all__ = ["NO_HINT", "Hint", "Pace", "ProbeTarget"]

Pace: TypeAlias = Callable[[float, Sequence[Observation]], float | None]
"""When to send the next request: called with the time now and the answers so far; None ends the sequence."""


class Hint(NamedTuple):
    """What the last refusal said about the limit: a hint, not the truth; None for what it did not say.

    Args:
        quota: how many requests it allows.
        window_s: in how many seconds.
        wait_s: seconds from this refusal until another request is admitted.
    """

    quota: float | None = None
    window_s: float | None = None
    wait_s: float | None = None


NO_HINT = Hint()


class ProbeTarget(Protocol):
    """One step of one edge, and a clock in seconds."""

    @property
    def opens_sessions(self) -> bool:
        """Whether an admitted request opens a session."""

    @property
    def hint(self) -> Hint:
        """What the last refusal said about the limit."""

    def now(self) -> float:
        """The current time, by the clock of the observations."""

    def wait(self, seconds: float) -> None:
        """Send nothing for a while."""

    def send(self, pace: Pace) -> list[Observation]:
        """Send requests as ``pace`` says, and wait for all answers. Admitted sessions stay open."""

    def close(self, count: int) -> int:
        """Close the ``count`` oldest sessions; returns how many were closed."""
