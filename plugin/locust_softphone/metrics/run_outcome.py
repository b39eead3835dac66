"""The outcome of a run in words: how many softphones were answered, what became of the others, and why.

    24 of 500 answered, 476 gave up; 435 requests refused with 429, 142 connections dropped

It is the first thing that every report says of a run. Whether the expectations held is another question: a run whose
profile expects 429s can meet all of them with hardly a call answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.steps import DEFAULT_DIALECT, steps_of

__all__ = ["Cause", "OutcomeLevel", "RunOutcome", "causes_of_step", "run_outcome"]

MOST_CAUSES = 3
"""How many causes the text names."""

_NONE: Mapping[str, Mapping[str, int]] = MappingProxyType({})
_NO_DETAILS: Mapping[str, int] = MappingProxyType({})

_BY_STATUS = {
    Outcome.RATE_LIMITED: "refused with 429",
    Outcome.UNAUTHORIZED: "refused with 401 or 403",
    Outcome.REJECTED: "refused with another 4xx",
    Outcome.REDIRECTED: "answered with a redirect",
    Outcome.UNAVAILABLE: "refused with 503",
    Outcome.SERVER_ERROR: "answered with a 5xx",
    Outcome.PROXY_ERROR: "answered by a proxy with 502 or 504",
}
"""Outcomes that an HTTP status decided, for a record that does not have the statuses."""

_OTHERS = {
    Outcome.MALFORMED: "answered against the protocol",
    Outcome.BAD_ANSWER: "answered with a wrong SDP answer",
    Outcome.CLOSED: "ended by a close frame",
    Outcome.LOST: "dropped",
    Outcome.RESET: "dropped",
    Outcome.TIMED_OUT: "not answered in time",
    Outcome.CONNECT_REFUSED: "not sent: connection refused",
    Outcome.CONNECT_TIMEOUT: "not sent: no connection in time",
    Outcome.UNREACHABLE: "not sent: host unreachable",
    Outcome.UNRESOLVED: "not sent: host name not found",
    Outcome.TLS_FAILED: "not sent: TLS failed",
    Outcome.OVER_BUDGET: "not made: retry budget spent",
}


_DROPPED = (Outcome.LOST, Outcome.RESET)


class OutcomeLevel(StrEnum):
    """How many of the planned softphones were answered; the value is the name of its colour in style sheets."""

    ALL = "all-answered"
    SOME = "some-answered"
    NONE = "none-answered"


@dataclass(frozen=True)
class Cause:
    """One way in which attempts failed, and how many did.

    Args:
        count: how many.
        text: what happened to them, such as ``refused with 429``.
        noun: what they are, in the singular.
    """

    count: int
    text: str
    noun: str = "request"

    def __str__(self) -> str:
        return f"{self.count} {self.noun}{'' if self.count == 1 else 's'} {self.text}"


@dataclass(frozen=True)
class RunOutcome:
    """The outcome of a run, or of a run so far.

    Args:
        planned: the planned softphones.
        answered: those all of whose calls were answered.
        gave_up: those of which a call set-up failed for good.
        causes: why attempts failed, the most frequent first.
    """

    planned: int
    answered: int
    gave_up: int
    causes: tuple[Cause, ...]

    @property
    def level(self) -> OutcomeLevel:
        """Whether all softphones were answered, some, or none."""
        if self.answered >= self.planned:
            return OutcomeLevel.ALL
        return OutcomeLevel.SOME if self.answered else OutcomeLevel.NONE

    @property
    def counts(self) -> str:
        """How many were answered, and how many gave up."""
        gave_up = f", {self.gave_up} gave up" if self.gave_up else ""
        return f"{self.answered} of {self.planned} answered{gave_up}"

    def __str__(self) -> str:
        causes = ", ".join(map(str, self.causes[:MOST_CAUSES]))
        return f"{self.counts}; {causes}" if causes else self.counts


def run_outcome(
    metric: Callable[[str], float | None], dialect: str, statuses: Mapping[str, Mapping[str, int]] = _NONE
) -> RunOutcome:
    """The outcome of a run.

    Args:
        metric: the value of a metric: ``record.metrics.get``, or ``values_of(run.so_far()).get`` while a run goes on.
        dialect: the run's dialect.
        statuses: for each step, its attempts by HTTP status; may be left out.
    """

    def count(name: str) -> int:
        return int(metric(name) or 0)

    causes = Counter({("dropped", "connection"): count("abnormal_closes.lost") + count("abnormal_closes.reset")})
    for step in steps_of(dialect):
        outcomes = {outcome.value: count(f"outcomes.{step.name}.{outcome}") for outcome in Outcome}
        if _uses_websocket(step.name, dialect):  # its drops are among the connections
            outcomes |= {Outcome.LOST.value: 0, Outcome.RESET.value: 0}
        for cause in causes_of_step(outcomes, statuses.get(step.name, {})):
            causes[cause.text, cause.noun] += cause.count
    return RunOutcome(
        planned=count("planned"), answered=count("answered"), gave_up=count("gave_up"), causes=_sorted(causes)
    )


def causes_of_step(
    outcomes: Mapping[str, int], statuses: Mapping[str, int], details: Mapping[str, int] = _NO_DETAILS
) -> Sequence[Cause]:
    """Why attempts of a step failed, the most frequent cause first; attempts that the run's end cut off are not in it.

    Args:
        outcomes: its attempts by outcome.
        statuses: its attempts by HTTP status; may be empty.
        details: its failed attempts by outcome and what is known besides, such as ``tls_failed (expired)``.
    """
    causes: Counter[tuple[str, str]] = Counter()
    refusals = {status: n for status, n in statuses.items() if status >= "300"}
    for status, n in refusals.items():
        causes[_status_text(status), "request"] += n
    for name, n in outcomes.items():
        outcome = Outcome(name)
        if outcome in _BY_STATUS and not refusals:
            causes[_BY_STATUS[outcome], "request"] += n
        elif outcome in _OTHERS:
            known = (
                {}
                if outcome in _DROPPED
                else {cause: n for cause, n in details.items() if cause.startswith(f"{name} (")}
            )
            for cause, times in known.items():
                causes[_OTHERS[outcome] + cause.removeprefix(name), "request"] += times
            causes[_OTHERS[outcome], "request"] += n - sum(known.values())
    return _sorted(causes)


def _status_text(status: str) -> str:
    return f"refused with {status}" if status.startswith("4") or status == "503" else f"answered with HTTP {status}"


def _sorted(causes: Counter[tuple[str, str]]) -> tuple[Cause, ...]:
    return tuple(Cause(n, text, noun) for (text, noun), n in causes.most_common() if n > 0)


def _uses_websocket(step: str, dialect: str) -> bool:
    return step in ("handshake", "ready", "registration", "close") or (step == "offer" and dialect != DEFAULT_DIALECT)
