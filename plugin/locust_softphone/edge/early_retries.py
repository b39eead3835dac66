"""How often a client may come back before its Retry-After is over.

A client that was told to wait on a step, and asks again on that step before the time, is early. The policy's
``patience`` says how often that is overlooked; whoever does it more often is cut off.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from locust_softphone.edge.http_request import Caller
from locust_softphone.edge.stats import Step

__all__ = ["EarlyRetryTracker"]

TOLERANCE_S = 0.05  # clocks of two machines, and a timer that fires a little early
FORGET_AFTER_S = 300.0


@dataclass(slots=True)
class _Client:
    not_before: dict[Step, float] = field(default_factory=dict)
    early: int = 0


class EarlyRetryTracker:
    """Remembers who was told to wait, until when, and who did not."""

    def __init__(self) -> None:
        self._clients: dict[Caller, _Client] = {}
        self._sweep_at = 1024

    def __len__(self) -> int:
        return len(self._clients)

    def told(self, caller: Caller, step: Step, not_before: float, now: float) -> None:
        """Remember that the client was told not to ask again on this step before then."""
        self._clients.setdefault(caller, _Client()).not_before[step] = not_before
        if len(self._clients) > self._sweep_at:
            self._sweep(now)

    def times_early(self, caller: Caller, step: Step, now: float) -> int:
        """0 if this request is in time, else how often the client has been early, this time included."""
        known = self._clients.get(caller)
        if known is None or now >= known.not_before.get(step, now) - TOLERANCE_S:
            return 0
        known.early += 1
        return known.early

    def _sweep(self, now: float) -> None:
        """Forget who kept quiet for long; at doubled sizes only, so that it costs little however many there are."""
        self._clients = {
            caller: client
            for caller, client in self._clients.items()
            if max(client.not_before.values()) > now - FORGET_AFTER_S
        }
        self._sweep_at = max(1024, 2 * len(self._clients))
