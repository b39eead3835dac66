"""What a probe found out about one limit: the kinds that explain the answers, and what the probe spent."""

from __future__ import annotations

from dataclasses import dataclass

from locust_softphone.limits.inference.diagnosis import Diagnosis, Hypothesis
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.inference.observations import Observation

__all__ = ["MOST_SHARED", "Finding"]

MOST_SHARED = 0.1
"""The share of other clients with which a result is checked."""


@dataclass(frozen=True)
class Finding:
    """What a probe found out about one limit.

    Args:
        diagnosis: the kinds that explain the answers, with bounds.
        observations: all requests.
        spent: the part of the budget that ended the probe; empty if it was complete.
        seconds: how long it took.
        if_shared: other kinds that explain the answers if other clients used up to ``MOST_SHARED`` of the limit.
    """

    diagnosis: Diagnosis
    observations: tuple[Observation, ...]
    spent: str
    seconds: float
    if_shared: tuple[Kind, ...] = ()

    @property
    def best(self) -> Hypothesis | None:
        """The hypothesis that explains the answers best; None without any."""
        return self.diagnosis.hypotheses[0] if self.diagnosis.hypotheses else None
