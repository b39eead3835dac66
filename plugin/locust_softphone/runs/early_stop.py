"""Whether everything that a run does is bound to fail, so that it can end early and say why.

A step is hopeless when its first attempts all failed in the same way, none succeeded, and no retry can help:

    attempts or given-up softphones >= 24, one cause, an outcome for which there is advice (metrics/failure_advice.py)

That a server speaks TLS, and the run does not, is found after a smaller run too, at its end.

A refusal because of load (429, 503), a lost connection or a timeout is never hopeless: a load test measures those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from locust_softphone.metrics.failure_advice import ENDED, advice_for
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.steps import steps_of
from locust_softphone.metrics.tally import parts_of

__all__ = ["HopelessStep", "hopeless_step", "undecided", "without_tls"]

LEAST = 24
"""So many attempts, or softphones that gave up, are enough to tell: two dozen."""


class HopelessStep(NamedTuple):
    """A step of which every attempt failed in the same way; ``advice`` says what to check."""

    step: str
    attempts: int
    cause: str
    outcome: Outcome
    status: int | None
    advice: str

    def __str__(self) -> str:
        many = f"all {self.attempts} attempts" if self.attempts > 1 else "the only attempt"
        return f"{many} of the step {self.step} failed with {self.cause}"


def hopeless_step(
    counts: Mapping[str, int], dialect: str, needs_tls: Callable[[], bool] = lambda: False
) -> HopelessStep | None:
    """The first step that is hopeless, or None.

    Args:
        counts: the counters of the run so far.
        dialect: the dialect that the steps are of.
        needs_tls: as for ``advice_for``.
    """
    found = _failed_alike(counts, dialect, LEAST)
    if found is None:
        return None
    advice = advice_for(found.outcome, found.status, needs_tls)
    return found._replace(advice=advice) if advice else None


def without_tls(counts: Mapping[str, int], dialect: str, needs_tls: Callable[[], bool]) -> HopelessStep | None:
    """The step that failed always because the server speaks TLS and the run does not, or None.

    Args:
        counts: the counters of a run that is over.
        dialect: the dialect that the steps are of.
        needs_tls: as for ``advice_for``.
    """
    found = _failed_alike(counts, dialect, 1)
    if found is None or found.outcome not in ENDED:
        return None
    advice = advice_for(found.outcome, found.status, needs_tls)
    return found._replace(advice=advice) if advice else None


def _failed_alike(counts: Mapping[str, int], dialect: str, least: int) -> HopelessStep | None:
    """The first step of which enough attempts failed in the same way and none succeeded, or None; without advice."""
    for step in steps_of(dialect):
        outcomes = parts_of(counts, f"outcomes.{step.name}")
        outcomes.pop(Outcome.CANCELLED.value, None)
        attempts = sum(outcomes.values())
        causes = parts_of(counts, f"causes.{step.name}")
        if len(outcomes) != 1 or len(causes) != 1 or Outcome.OK.value in outcomes:
            continue
        if max(attempts, counts.get("gave_up", 0)) < least:
            continue
        statuses = {**parts_of(counts, f"status.{step.name}"), **parts_of(counts, f"foreign_status.{step.name}")}
        status = next((int(each) for each in statuses), None)
        return HopelessStep(step.name, attempts, next(iter(causes)), Outcome(next(iter(outcomes))), status, "")
    return None


def undecided(counts: Mapping[str, int], dialect: str) -> bool:
    """Whether a step can still turn out to be hopeless: one that has not succeeded yet."""
    return any(not counts.get(f"outcomes.{step.name}.{Outcome.OK.value}") for step in steps_of(dialect))
