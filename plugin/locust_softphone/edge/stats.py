"""The edge's counters: one side of the ledger.

    requests = admitted + refused + cut        of each step, counted when the edge decides
    total    = open + closes + lost + cuts     of sessions, each of which ends once

A request that did not arrive completely is not counted. All dialects of one edge are counted together. What only some
have (the steps identity, channel and registration, logins, registrations, calls) is shown once it has happened.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from locust_softphone.edge.attempt_ids import Arrival

__all__ = ["STEPS", "CallEvent", "Cause", "RegistrationEvent", "SipStep", "Stats", "Step", "StepStats"]

SipStep = Literal["registration", "offer"]
Step = Literal["token", "identity", "channel", "handshake", "registration", "offer"]
Cause = Literal[
    "offer_deadline",
    "early_offer",
    "early_retries",
    "pong_timeout",
    "login_timeout",
    "slow_reader",
    "beyond_cap",
    "evicted",
    "drop_all",
]
CallEvent = Literal["proposed", "answered", "active", "bad_answer", "unanswered", "declined", "retracted", "ended"]
RegistrationEvent = Literal["challenged", "refreshed", "removed"]

STEPS: tuple[Step, ...] = get_args(Step)
CAUSES: tuple[Cause, ...] = get_args(Cause)
REGISTRATIONS: tuple[RegistrationEvent, ...] = get_args(RegistrationEvent)
CALL_EVENTS: tuple[CallEvent, ...] = get_args(CallEvent)
IN_EVERY_DIALECT: frozenset[Step] = frozenset({"token", "handshake", "offer"})


@dataclass(slots=True)
class StepStats:
    """What was decided about the requests of one step.

    ``refused`` is by HTTP status; ``refused_by`` counts those of them that a limit refused, by its name. ``delayed``
    are the admitted requests that had to wait in a queue. ``doubled`` are the requests with an id that had
    come before, ``foreign`` those without such an id, by what was decided. The other counters have them too.
    """

    admitted: int = 0
    delayed: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    refused_by: Counter[str] = field(default_factory=Counter)
    cut: int = 0
    early_retries: int = 0
    doubled: int = 0
    foreign: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return self.admitted + sum(self.refused.values()) + self.cut

    def note(self, arrival: Arrival, decision: str) -> None:
        """Count a request that came again or is foreign: ``admitted``, ``cut`` or the status of its refusal."""
        if arrival == "again":
            self.doubled += 1
        elif arrival == "foreign":
            self.foreign[decision] += 1


@dataclass(slots=True)
class Stats:
    """All counters of one edge.

    ``closes`` is by close code, ``cuts`` by cause; ``lost`` counts sessions that ended without a close frame.
    ``logins`` are those to the XMPP stream, ``registrations`` what the step registration does not count,
    ``calls`` the events of the calls over a stream or over SIP.
    """

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
    logins: Counter[Literal["admitted", "refused"]] = field(default_factory=Counter)
    registrations: Counter[RegistrationEvent] = field(default_factory=Counter)
    calls: Counter[CallEvent] = field(default_factory=Counter)

    def session_opened(self) -> None:
        self.sessions_total += 1
        self.sessions_open += 1
        self.sessions_peak = max(self.sessions_peak, self.sessions_open)

    def as_json(self) -> dict[str, Any]:
        """The counters as ``GET /stats`` shows them."""
        steps = {name: step for name, step in self.steps.items() if name in IN_EVERY_DIALECT or step.requests}
        shown = {
            "steps": {
                name: {
                    "requests": step.requests,
                    "admitted": step.admitted,
                    "refused": {str(status): count for status, count in sorted(step.refused.items())},
                    "cut": step.cut,
                }
                for name, step in steps.items()
            },
            "cuts": {cause: self.cuts[cause] for cause in CAUSES},
            "closes": {str(code): count for code, count in sorted(self.closes.items())},
            "lost": self.lost,
            "delayed": {name: step.delayed for name, step in steps.items()},
            "refused_by": {name: dict(sorted(step.refused_by.items())) for name, step in steps.items()},
            "doubled": {name: step.doubled for name, step in steps.items()},
            "foreign": {name: dict(sorted(step.foreign.items())) for name, step in steps.items()},
            "early_retries": {name: step.early_retries for name, step in steps.items()},
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
        if self.logins:
            shown["logins"] = {decision: self.logins[decision] for decision in ("admitted", "refused")}
        if self.registrations:
            shown["registrations"] = {event: self.registrations[event] for event in REGISTRATIONS}
        if self.calls:
            shown["calls"] = {event: self.calls[event] for event in CALL_EVENTS}
        return shown
