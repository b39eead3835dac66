"""One try of one step, as it is measured.

    planned_s ──start lag──► began_s ──service time──► ended_s
    └───────────────────response time────────────────────────┘

The planned start of a first attempt is the schedule's; of a step that follows another, the end of that one; of a retry,
the end of its back-off.
"""

from __future__ import annotations

from typing import NamedTuple

from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice
from locust_softphone.metrics.outcome import Outcome

__all__ = ["Attempt"]


class Attempt(NamedTuple):
    """One try of one step on the wire. Instants are in seconds since the plan's start.

    Args:
        step: a name of ``steps.DIALECTS``.
        planned_s: when it should have begun.
        began_s: when it began.
        ended_s: when its outcome was known.
        outcome: how it ended.
        status: the HTTP status of a failed attempt, if a response was read.
        close_code: the code of the close frame that ended it, or 1006.
        foreign: whether it was answered without an id of an edge.
        softphone: the number of the softphone; -1 if the master made it.
        advice: what the response says about when to ask again.
    """

    step: str
    planned_s: float
    began_s: float
    ended_s: float
    outcome: Outcome
    status: int | None = None
    close_code: int | None = None
    foreign: bool = False
    softphone: int = -1
    advice: LimitAdvice = NO_ADVICE

    @property
    def service_s(self) -> float:
        """The service time, in seconds."""
        return self.ended_s - self.began_s

    @property
    def response_s(self) -> float:
        """The response time, in seconds."""
        return self.ended_s - self.planned_s
