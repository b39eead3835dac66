"""What a response says about a limit: ``Retry-After`` and the rate-limit headers, made from a decision.

    Retry-After: 30                                                   RFC 9110 10.2.3: seconds, or an HTTP-date
    X-RateLimit-Limit, -Remaining, -Reset                             no standard; Reset in seconds or as an epoch
    inin-ratelimit-count, -allowed, -reset                            Genesys Cloud: requests so far, allowed, seconds
    RateLimit: "default";r=0;t=30                                     draft-ietf-httpapi-ratelimit-headers-09
    RateLimit-Policy: "default";q=100;w=60

``Retry-After`` asks for one of two waits:

    next_token    until the limit admits another request. Clients that are refused at the same instant are given the
                  same second, come back together, and all but one are refused again.
    OwnSlots      until a slot of the client's own, as if every refused client waited in one queue:
                      slot = max(next slot, now + wait)        and the next slot is 1/rate later
                  A slot reserves nothing. A client that does not wait can take the token of one that does.

Nobody knows when a cap will admit another session. Its wait is infinite, and the headers leave it out.
"""

from __future__ import annotations

from email.utils import formatdate
from math import ceil, inf
from typing import Literal

from locust_softphone.limits.decision import Decision

__all__ = [
    "OwnSlots",
    "Reset",
    "RetryAfterForm",
    "ietf_headers",
    "inin_headers",
    "next_token",
    "retry_after",
    "whole_seconds",
    "x_ratelimit_headers",
]

Reset = Literal["seconds", "epoch-s", "epoch-ms"]
"""How ``X-RateLimit-Reset`` is written: seconds from now, or the epoch in seconds or milliseconds."""

RetryAfterForm = Literal["seconds", "http-date", "none"]
"""How ``Retry-After`` is written, if at all."""


def next_token(decision: Decision, now: float) -> float:
    """The seconds until the limit admits another request: the same for every refused client."""
    return decision.wait_s


class OwnSlots:
    """Gives each refused client a slot of its own, 1/rate after the one before; called like ``next_token``."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._next_slot = -inf

    def __call__(self, decision: Decision, now: float) -> float:
        """The seconds until this client's slot."""
        if decision.wait_s == inf:
            return inf
        slot = max(self._next_slot, now + decision.wait_s)
        self._next_slot = slot + 1 / self._rate
        return slot - now


def whole_seconds(seconds: float) -> int:
    """Rounded up, so that a client that obeys is never early; the last digits of a float are ignored."""
    return ceil(round(seconds, 6))


def retry_after(form: RetryAfterForm, wait_s: float, wall_s: float) -> tuple[str | None, float]:
    """The ``Retry-After`` header, or None, and the seconds it asks for: rounded up, so never less than ``wait_s``.

    ``wall_s`` is now, since the epoch; a client reads an HTTP-date against the ``Date`` of the same response.
    """
    if form == "none" or wait_s == inf:
        return None, 0.0
    if form == "seconds":
        seconds = whole_seconds(wait_s)
        return str(seconds), float(seconds)
    date = whole_seconds(wall_s + wait_s)
    return formatdate(date, usegmt=True), date - wall_s


def x_ratelimit_headers(decision: Decision, reset: Reset = "seconds", wall_s: float = 0.0) -> dict[str, str]:
    """``X-RateLimit-*``: the quota, what is left of it, and when the limit admits another request."""
    headers = {"X-RateLimit-Limit": str(decision.quota), "X-RateLimit-Remaining": str(decision.remaining)}
    if decision.wait_s != inf:
        if reset == "seconds":
            reset_at = whole_seconds(decision.wait_s)
        elif reset == "epoch-s":
            reset_at = whole_seconds(wall_s + decision.wait_s)
        else:
            reset_at = ceil((wall_s + decision.wait_s) * 1000)
        headers["X-RateLimit-Reset"] = str(reset_at)
    return headers


def inin_headers(decision: Decision) -> dict[str, str]:
    """``inin-ratelimit-*``: requests counted, requests allowed, and whole seconds until the window ends."""
    headers = {
        "inin-ratelimit-count": str(decision.quota - decision.remaining),
        "inin-ratelimit-allowed": str(decision.quota),
    }
    if decision.reset_s != inf:
        headers["inin-ratelimit-reset"] = str(whole_seconds(decision.reset_s))
    return headers


def ietf_headers(decision: Decision, window_s: float | None = None, name: str = "default") -> dict[str, str]:
    """``RateLimit`` and ``RateLimit-Policy``. Without a window there is no ``w``; without a known reset no ``t``."""
    window = f";w={whole_seconds(window_s)}" if window_s is not None else ""
    reset = f";t={whole_seconds(decision.reset_s)}" if decision.reset_s != inf else ""
    return {
        "RateLimit": f'"{name}";r={decision.remaining}{reset}',
        "RateLimit-Policy": f'"{name}";q={decision.quota}{window}',
    }
