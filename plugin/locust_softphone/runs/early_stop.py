"""Whether everything that a run does is bound to fail, so that it can end early and say why.

A step is hopeless when its first attempts all failed in the same way, none succeeded, and no retry can help:

    attempts or given-up softphones >= 24, one cause, one of the outcomes below

A refusal because of load (429, 503), a lost connection or a timeout is never hopeless: a load test measures those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.steps import DIALECTS
from locust_softphone.metrics.tally import parts_of

__all__ = ["HopelessStep", "hopeless_step", "undecided"]

LEAST = 24
"""So many attempts, or softphones that gave up, are enough to tell: two dozen."""

_ADVICE = {
    Outcome.UNAUTHORIZED: "the edge does not accept the credentials: check the OAuth client's id and secret",
    Outcome.REJECTED: "the edge does not know this request: check --host (is it https://?), and the profile's dialect",
    Outcome.REDIRECTED: "redirects are not followed: give the host that it redirects to as --host",
    Outcome.SERVER_ERROR: "the server does not support this request: check that --host is an edge, not a web server",
    Outcome.MALFORMED: "the answer is not one of this protocol: check that --host is an edge, and its scheme",
    Outcome.BAD_ANSWER: "the SDP answers do not answer the offers: check the profile's dialect, and the edge",
    Outcome.TLS_FAILED: "no TLS connection is possible, for the reason in brackets",
    Outcome.UNRESOLVED: "the name of the host cannot be resolved",
}
_ENDED = (Outcome.LOST, Outcome.RESET)
_NEEDS_TLS = "the server speaks TLS: write https:// (or wss://)"
_RETRIED_STATUSES = (408, 409, 425)  # of the 4xx, those that another attempt can change
_UNSUPPORTED_STATUSES = (501, 505)  # of the 5xx, those that it cannot


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
        needs_tls: finds out whether the server wants TLS and gets none. Most servers then end the connection without a
            word, so it is asked if all attempts ended like that.
    """
    found = _failed_alike(counts, dialect)
    if found is not None and found.outcome in _ENDED and needs_tls():
        return found._replace(advice=_NEEDS_TLS)
    return found if found is not None and _is_hopeless(found) else None


def _failed_alike(counts: Mapping[str, int], dialect: str) -> HopelessStep | None:
    """The first step of which enough attempts failed in the same way and none succeeded, or None."""
    for step in DIALECTS[dialect]:
        outcomes = parts_of(counts, f"outcomes.{step.name}")
        outcomes.pop(Outcome.CANCELLED.value, None)
        attempts = sum(outcomes.values())
        causes = parts_of(counts, f"causes.{step.name}")
        if len(outcomes) != 1 or len(causes) != 1 or Outcome.OK.value in outcomes:
            continue
        if max(attempts, counts.get("gave_up", 0)) < LEAST:
            continue
        statuses = {**parts_of(counts, f"status.{step.name}"), **parts_of(counts, f"foreign_status.{step.name}")}
        status = next((int(each) for each in statuses), None)
        outcome = Outcome(next(iter(outcomes)))
        return HopelessStep(step.name, attempts, next(iter(causes)), outcome, status, _ADVICE.get(outcome, ""))
    return None


def undecided(counts: Mapping[str, int], dialect: str) -> bool:
    """Whether a step can still turn out to be hopeless: one that has not succeeded yet."""
    return any(not counts.get(f"outcomes.{step.name}.{Outcome.OK.value}") for step in DIALECTS[dialect])


def _is_hopeless(found: HopelessStep) -> bool:
    if found.outcome is Outcome.REJECTED:
        return found.status not in _RETRIED_STATUSES
    if found.outcome is Outcome.SERVER_ERROR:
        return found.status in _UNSUPPORTED_STATUSES
    return found.outcome in _ADVICE
