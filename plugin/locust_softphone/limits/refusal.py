"""What a response says about a limit: ``Retry-After`` and the families of rate-limit headers, made from a decision.

    Retry-After: 30                                                   RFC 9110 10.2.3: seconds, or a date
    X-RateLimit-Limit, -Remaining, -Reset                             Reset in seconds to go, or an epoch in s or ms
    inin-ratelimit-count, -allowed, -reset                            Genesys Cloud: requests so far, allowed, seconds
    RateLimit: "default";r=0;t=30                                     draft-ietf-httpapi-ratelimit-headers-09
    RateLimit-Policy: "default";q=100;w=60

What ``Retry-After`` asks for need not be true. It is one of: the wait until the next request would be admitted, alike
for all (``next_token``); an own slot for each refused client (``OwnSlots``); or a fixed number of seconds, whatever the
limit is. A cap has no wait to tell: then the header is left out, unless the number is fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from math import ceil, inf, isfinite
from typing import Literal

from locust_softphone.limits.decision import Decision

__all__ = [
    "OwnSlots",
    "Refusal",
    "Reset",
    "fixed_wait",
    "ietf_headers",
    "inin_headers",
    "next_token",
    "no_wait",
    "retry_after_date",
    "retry_after_seconds",
    "whole_seconds",
    "x_ratelimit_headers",
]

Reset = Literal["seconds", "epoch-s", "epoch-ms"]
Advice = Callable[[Decision, float], "float | None"]
"""The seconds that a refusal asks for, from its decision and the instant; None for no ``Retry-After``."""


def whole_seconds(seconds: float) -> int:
    """Rounded up, so that no client is told to come too early; a float's last digits do not make another second."""
    return ceil(round(seconds, 6))


def no_wait(decision: Decision, now: float) -> None:
    """Ask for nothing."""


def next_token(decision: Decision, now: float) -> float | None:
    """Ask every client for the same wait, after which one of them is admitted."""
    return decision.wait_s if isfinite(decision.wait_s) else None


def fixed_wait(seconds: float) -> Advice:
    """Ask for the same number of seconds each time, whatever the limit is."""
    return lambda decision, now: seconds


class OwnSlots:
    """Asks each refused client for an own slot, 1/rate after the one before.

    Nothing is reserved: a client that comes without having waited may take what another one waits for.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._next_slot = -inf

    def __call__(self, decision: Decision, now: float) -> float | None:
        if not isfinite(decision.wait_s):
            return None
        slot = max(self._next_slot, now + decision.wait_s)
        self._next_slot = slot + 1 / self._rate
        return slot - now


def retry_after_seconds(wait_s: float) -> dict[str, str]:
    """``Retry-After`` as delay-seconds."""
    return {"Retry-After": str(whole_seconds(wait_s))}


def retry_after_date(wait_s: float, wall_s: float) -> dict[str, str]:
    """``Retry-After`` as an HTTP-date; ``wall_s`` is now, since the epoch."""
    return {"Retry-After": formatdate(whole_seconds(wall_s + wait_s), usegmt=True)}


def x_ratelimit_headers(decision: Decision, reset: Reset = "seconds", wall_s: float = 0.0) -> dict[str, str]:
    """``X-RateLimit-*``: the quota, what is left of it, and when another request will be admitted."""
    headers = {"X-RateLimit-Limit": str(decision.quota), "X-RateLimit-Remaining": str(decision.remaining)}
    if isfinite(decision.wait_s):
        told = {
            "seconds": whole_seconds(decision.wait_s),
            "epoch-s": whole_seconds(wall_s + decision.wait_s),
            "epoch-ms": ceil((wall_s + decision.wait_s) * 1000),
        }
        headers["X-RateLimit-Reset"] = str(told[reset])
    return headers


def inin_headers(decision: Decision) -> dict[str, str]:
    """``inin-ratelimit-*``: requests counted, allowed, and seconds until the window ends."""
    headers = {
        "inin-ratelimit-count": str(decision.quota - decision.remaining),
        "inin-ratelimit-allowed": str(decision.quota),
    }
    if isfinite(decision.reset_s):
        headers["inin-ratelimit-reset"] = str(whole_seconds(decision.reset_s))
    return headers


def ietf_headers(decision: Decision, window_s: float | None = None, name: str = "default") -> dict[str, str]:
    """``RateLimit`` and ``RateLimit-Policy``; a limit without a window has no ``w``, a cap no ``t``."""
    window = f";w={whole_seconds(window_s)}" if window_s is not None else ""
    reset = f";t={whole_seconds(decision.reset_s)}" if isfinite(decision.reset_s) else ""
    return {
        "RateLimit": f'"{name}";r={decision.remaining}{reset}',
        "RateLimit-Policy": f'"{name}";q={decision.quota}{window}',
    }


@dataclass(frozen=True)
class Refusal:
    """How a refusal is answered.

    Args:
        status: of the response.
        body: of the response.
        advice: the wait that ``Retry-After`` asks for.
        as_date: whether it is written as a date.
        headers: the rate-limit headers, from the decision and the wall clock.
    """

    status: int = 429
    body: str = ""
    advice: Advice = next_token
    as_date: bool = False
    headers: Callable[[Decision, float], Mapping[str, str]] = field(default=lambda decision, wall_s: {})

    def header_fields(self, decision: Decision, now: float, wall_s: float) -> dict[str, str]:
        """All header fields that say something about the limit."""
        wait_s = self.advice(decision, now)
        fields = dict(self.headers(decision, wall_s))
        if wait_s is not None:
            fields |= retry_after_date(wait_s, wall_s) if self.as_date else retry_after_seconds(wait_s)
        return fields
