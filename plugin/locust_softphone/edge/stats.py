"""What the edge has counted: its half of the ledger.

    requests = admitted + refused + cut        for each step, counted when the verdict falls
    total    = open + closes + lost + cuts     for sessions, each ending once

A request that never arrived whole has no verdict, and is not counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["STEPS", "Cause", "Stats", "Step", "StepStats"]

Step = Literal["token", "handshake", "offer"]
Cause = Literal["offer_deadline", "early_offer", "impatient", "pong_timeout", "drop_all"]

STEPS: tuple[Step, ...] = ("token", "handshake", "offer")
CAUSES: tuple[Cause, ...] = ("offer_deadline", "early_offer", "impatient", "pong_timeout", "drop_all")


@dataclass(slots=True)
class StepStats:
    """The verdicts on the requests of one step; ``refused`` by HTTP status."""

    admitted: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    cut: int = 0
    early_retries: int = 0

    @property
    def requests(self) -> int:
        return self.admitted + sum(self.refused.values()) + self.cut


@dataclass(slots=True)
class Stats:
    """All counters of one edge. ``closes`` is by close code, ``cuts`` by cause; ``lost`` left without a close frame."""

    steps: dict[Step, StepStats] = field(default_factory=lambda: {step: StepStats() for step in STEPS})
    cuts: Counter[Cause] = field(default_factory=Counter)
    closes: Counter[int] = field(default_factory=Counter)
    lost: int = 0
    sessions_total: int = 0
    sessions_open: int = 0
    sessions_peak: int = 0
    sessions_answered: int = 0
    ready: int = 0
    pings: int = 0
    pongs: int = 0

    def session_opened(self) -> None:
        self.sessions_total += 1
        self.sessions_open += 1
        self.sessions_peak = max(self.sessions_peak, self.sessions_open)

    def as_json(self) -> dict[str, Any]:
        """As ``GET /stats`` shows them."""
        return {
            "steps": {
                name: {
                    "requests": step.requests,
                    "admitted": step.admitted,
                    "refused": {str(status): count for status, count in sorted(step.refused.items())},
                    "cut": step.cut,
                }
                for name, step in self.steps.items()
            },
            "cuts": {cause: self.cuts[cause] for cause in CAUSES},
            "closes": {str(code): count for code, count in sorted(self.closes.items())},
            "lost": self.lost,
            "early_retries": {name: step.early_retries for name, step in self.steps.items()},
            "sessions": {
                "open": self.sessions_open,
                "peak": self.sessions_peak,
                "total": self.sessions_total,
                "answered": self.sessions_answered,
            },
            "ready": self.ready,
            "pings": self.pings,
            "pongs": self.pongs,
        }
