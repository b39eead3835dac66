"""Counts clients that retry before their Retry-After is over.

A client that was told to wait on a step is early if it asks again on that step before the time. The policy's
``max_early_retries`` says how often that is tolerated.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

__all__ = ["EarlyRetryTracker"]

TOLERANCE_S = 0.05  # for the clocks of two machines, and for timers that fire slightly early
FORGET_AFTER_S = 300.0


@dataclass(slots=True)
class _Client:
    not_before: dict[str, float] = field(default_factory=dict)
    early_retries: int = 0


class EarlyRetryTracker:
    """Remembers which clients were told to wait, until when, and how often each has been early."""

    def __init__(self) -> None:
        self._clients: dict[Hashable, _Client] = {}
        self._sweep_at = 1024

    def __len__(self) -> int:
        return len(self._clients)

    def must_wait(self, caller: Hashable, step: str, not_before: float, now: float) -> None:
        """Remember that the client was told not to ask on this step before ``not_before``."""
        self._clients.setdefault(caller, _Client()).not_before[step] = not_before
        if len(self._clients) > self._sweep_at:
            self._sweep(now)

    def times_early(self, caller: Hashable, step: str, now: float) -> int:
        """0 if this request is in time, else how often the client has been early, including this request."""
        client = self._clients.get(caller)
        if client is None or now >= client.not_before.get(step, now) - TOLERANCE_S:
            return 0
        client.early_retries += 1
        return client.early_retries

    def _sweep(self, now: float) -> None:
        """Forget clients that have been quiet for long. The next sweep comes at twice the size, so the cost is low."""
        self._clients = {
            caller: client
            for caller, client in self._clients.items()
            if max(client.not_before.values()) > now - FORGET_AFTER_S
        }
        self._sweep_at = max(1024, 2 * len(self._clients))
