"""Several limits on the requests of one step, and what each response says about them.

    one refuses      ►  refused; only the limits that refuse count the request
    none refuses     ►  admitted; all limits count it

"50/s per organisation, and 5/s per address": a request has to pass both. The limit that decides describes the response:
of several that refuse the one with the longest wait, else the one that leaves the least.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from math import inf
from types import MappingProxyType
from typing import Literal, NamedTuple

from locust_softphone.limits.decision import Decision, Limit
from locust_softphone.limits.keyed import KeyedLimit, KeyParts
from locust_softphone.limits.refusal import (
    Reset,
    RetryAfterForm,
    ietf_headers,
    inin_headers,
    next_token,
    retry_after,
    x_ratelimit_headers,
)

__all__ = ["Answer", "DescribedLimit", "HeaderFamily", "ResponseStyle", "StepLimits", "narrowest"]

HeaderFamily = Literal["x-ratelimit", "inin-ratelimit", "ratelimit"]
"""Rate-limit headers that belong together; ``ratelimit`` are those of the IETF draft."""

Wait = Callable[[Decision, float], float]
"""The seconds that a refusal asks the client to wait, from the decision and ``now``."""

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class ResponseStyle(NamedTuple):
    """What responses say about a limit.

    Args:
        status: of a refusal.
        refused_after_s: how long a refusal takes. The decision itself is made on arrival.
        retry_after: how ``Retry-After`` is written, if at all.
        always_s: the seconds that every ``Retry-After`` says, whatever the limit; None for the true wait.
        headers: the rate-limit headers of every response.
        reset: how ``X-RateLimit-Reset`` is written.
        window_s: the window in ``RateLimit-Policy``, if the limit has one.
    """

    status: int = 429
    refused_after_s: float = 0.0
    retry_after: RetryAfterForm = "seconds"
    always_s: float | None = None
    headers: tuple[HeaderFamily, ...] = ()
    reset: Reset = "seconds"
    window_s: float | None = None


class DescribedLimit(NamedTuple):
    """A limit, and what responses say about it.

    Args:
        model: decides about each request.
        style: what responses say.
        wait_s: the seconds that a refusal asks the client to wait, from the decision and ``now``.
    """

    model: Limit
    style: ResponseStyle = ResponseStyle()
    wait_s: Wait = next_token


class Answer(NamedTuple):
    """What the limits of a step say to one request.

    Args:
        admitted: whether the request passes.
        by: the name of the limit that decided; empty if the step has none.
        status: the HTTP status of a refusal; 0 for an admitted request.
        headers: rate-limit headers, and the ``Retry-After`` of a refusal.
        wait_s: the seconds that a refusal asks the client to wait; infinite if it says nothing.
        told_s: the seconds that its ``Retry-After`` says: rounded up; None without one.
        delay_s: seconds by which the response is delayed.
        cut_after_s: seconds from admission until the session is cut; infinite if it is not.
        evicted: the older sessions that are ended to make room for this one.
    """

    admitted: bool = True
    by: str = ""
    status: int = 0
    headers: Mapping[str, str] = NO_HEADERS
    wait_s: float = inf
    told_s: float | None = None
    delay_s: float = 0.0
    cut_after_s: float = inf
    evicted: tuple[Hashable, ...] = ()


PASSED = Answer()


class StepLimits:
    """Named limits; a request has to pass all of them. Without any, every request passes."""

    def __init__(self, limits: Mapping[str, KeyedLimit[DescribedLimit]]) -> None:
        self._limits = dict(limits)

    def __bool__(self) -> bool:
        """Whether there are any limits."""
        return bool(self._limits)

    def admit(self, now: float, parts: KeyParts, session: Hashable = None, wall_s: float = 0.0) -> Answer:
        """Decide about a request, and count it.

        Args:
            now: the instant of the request.
            parts: what the limits count it by.
            session: the name of what it opens, for ``release`` and ``Answer.evicted``.
            wall_s: the same instant since the epoch, for headers that contain a date.
        """
        if not self._limits:
            return PASSED
        if len(self._limits) == 1:
            ((name, keyed),) = self._limits.items()
            limit = keyed.of(parts)
            return _answer(name, limit.model.admit(now, session), limit.style, limit.wait_s, now, wall_s)
        limits = {name: keyed.of(parts) for name, keyed in self._limits.items()}
        refusing = {name: each for name, each in limits.items() if not each.model.peek(now).admitted}
        decision = narrowest({name: each.model.admit(now, session) for name, each in (refusing or limits).items()})
        _, style, wait_s = limits[decision.by]
        return _answer(decision.by, decision, style, wait_s, now, wall_s)

    def release(self, now: float, parts: KeyParts, session: Hashable) -> None:
        """Free what ``session`` holds of each limit."""
        for keyed in self._limits.values():
            keyed.of(parts).model.release(now, session)


def narrowest(decisions: Mapping[str, Decision]) -> Decision:
    """The decisions of several limits about one request, as one decision.

    If any refuses, it is the refusal with the longest wait. Otherwise it is the admission that leaves the least, with
    the longest delay, the earliest cut and all evictions.

    Raises:
        ValueError: there are no decisions.
    """
    if not decisions:
        raise ValueError("there are no limits that could decide")
    refused = {name: decision for name, decision in decisions.items() if not decision.admitted}
    if refused:
        name = max(refused, key=lambda name: refused[name].wait_s)
        return refused[name]._replace(by=name)
    name = min(decisions, key=lambda name: (decisions[name].remaining, -decisions[name].wait_s))
    every = decisions.values()
    return decisions[name]._replace(
        by=name,
        delay_s=max(decision.delay_s for decision in every),
        cut_after_s=min(decision.cut_after_s for decision in every),
        evicted=tuple(session for decision in every for session in decision.evicted),
    )


def _answer(by: str, decision: Decision, style: ResponseStyle, wait: Wait, now: float, wall_s: float) -> Answer:
    headers = _headers(by, decision, style, wall_s)
    if decision.admitted:
        return Answer(True, by, 0, headers, inf, None, decision.delay_s, decision.cut_after_s, decision.evicted)
    wait_s = wait(decision, now) if style.always_s is None else style.always_s
    header, asked_s = retry_after(style.retry_after, wait_s, wall_s)
    told_s = None if header is None else asked_s
    if header is not None:
        headers = {"Retry-After": header, **headers}
    return Answer(False, by, style.status, headers, wait_s, told_s, style.refused_after_s)


def _headers(by: str, decision: Decision, style: ResponseStyle, wall_s: float) -> dict[str, str]:
    headers: dict[str, str] = {}
    for family in style.headers:
        if family == "x-ratelimit":
            headers |= x_ratelimit_headers(decision, style.reset, wall_s)
        elif family == "inin-ratelimit":
            headers |= inin_headers(decision)
        else:
            headers |= ietf_headers(decision, style.window_s, by)
    return headers
