"""What responses say about a limit: the part ``refusal`` of a limit in a policy file."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from locust_softphone.config.old_spellings import OldSpellings
from locust_softphone.config.strict_yaml import StrictModel
from locust_softphone.config.units import Seconds
from locust_softphone.limits.refusal import Reset, RetryAfterForm
from locust_softphone.limits.step_limits import HeaderFamily, ResponseStyle

__all__ = ["Advice", "CapacityRefusal", "Refusal", "RetryAfter"]

Advice = Literal["own-slot", "next-token"]
Headers = Annotated[tuple[HeaderFamily, ...], Field(strict=False)]


class RetryAfter(StrictModel):
    """When a refusal tells a client to retry."""

    old_spellings: ClassVar = OldSpellings(
        keys={"says": "advice"}, values={"advice": {"turn": "own-slot", "next": "next-token"}}
    )
    form: RetryAfterForm = Field(
        "seconds", description="how Retry-After is written, RFC 9110 10.2.3: delay-seconds, an HTTP-date, or not at all"
    )
    advice: Advice = Field(
        "own-slot",
        description="which time Retry-After gives: a slot of the client's own in a queue of the refused, or the time "
        "at which the limit admits another request, the same for all; illustrative",
    )
    always_s: Seconds | None = Field(
        None,
        alias="always",
        description="a fixed time that every Retry-After gives, whether or not it is the true wait; illustrative",
    )


class Refusal(StrictModel):
    """What responses say about a limit, and when a refusal is sent."""

    status: int = Field(429, ge=400, le=599, description="the HTTP status of a refusal")
    after_s: Seconds = Field(
        0.0, alias="after", description="how long the client waits for a refusal; the limit decides at once"
    )
    retry_after: RetryAfter | None = Field(
        None, description="when a refusal tells a client to retry; by default as the policy's retry_after"
    )
    headers: Headers = Field(
        ("x-ratelimit",),
        description="the rate-limit headers of every response: X-RateLimit-*, inin-ratelimit-*, or RateLimit and "
        "RateLimit-Policy (IETF draft)",
    )
    reset: Reset = Field(
        "seconds",
        description="how X-RateLimit-Reset is written: seconds from now, or the epoch in seconds or milliseconds",
    )

    def style(self, told: RetryAfter, window_s: float | None) -> ResponseStyle:
        """What responses say; ``told`` is the ``retry_after`` that counts, ``window_s`` the limit's window."""
        return ResponseStyle(self.status, self.after_s, told.form, told.always_s, self.headers, self.reset, window_s)


class CapacityRefusal(Refusal):
    """What responses say about a cap or a queue: by default a 503 without rate-limit headers."""

    status: int = Field(503, ge=400, le=599, description="the HTTP status of a refusal")
    headers: Headers = Field((), description="the rate-limit headers of every response; by default none")
