"""What the simulated edge allows: one YAML file, every key optional.

    limits: {token: {rate: 50/s, burst: 300}, handshake: {rate: 50/s, burst: 150}, offer: {rate: 50/s, burst: 50}}
    retry_after: {form: seconds, says: turn}
    setup: {rate: 100/s, burst: 25}
    offer_deadline: 10s

The defaults are illustrative: nobody publishes these limits. They are chosen so that 500 softphones at once run into
each of them, and the same 500 over a minute into none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from locust_softphone import strict_yaml
from locust_softphone.strict_yaml import StrictModel
from locust_softphone.units import PerSecond, Seconds, format_duration, format_rate

__all__ = ["Form", "Limits", "Organisation", "Policy", "Rate", "RetryAfter", "Says", "load_policy"]

Form = Literal["seconds", "http-date", "none"]
Says = Literal["turn", "next"]


def _above_zero(seconds: float) -> float:
    if not seconds > 0:
        raise ValueError("must be longer than 0s")
    return seconds


Period = Annotated[Seconds, AfterValidator(_above_zero)]


class Rate(StrictModel):
    """A token bucket: ``rate`` in the long run, ``burst`` at once."""

    rate: PerSecond = Field(description="how many a second in the long run")
    burst: int = Field(ge=1, le=1_000_000, description="how many at once after a quiet time")

    def __str__(self) -> str:
        return f"{format_rate(self.rate)} burst {self.burst}"


def _rate(rate: str, burst: int) -> Rate:
    return Rate.model_validate({"rate": rate, "burst": burst})


class Limits(StrictModel):
    """The limit of each step, for each organisation on its own."""

    token: Rate = Field(_rate("50/s", 300), description="requests for a token; illustrative")
    handshake: Rate = Field(_rate("50/s", 150), description="WebSocket handshakes; illustrative")
    offer: Rate = Field(_rate("50/s", 50), description="SDP offers; illustrative")


class RetryAfter(StrictModel):
    """What a 429 says about coming back."""

    form: Form = Field(
        "seconds", description="how Retry-After is written, RFC 9110 10.2.3: delay-seconds, an HTTP-date, or not at all"
    )
    says: Says = Field(
        "turn",
        description="illustrative: the client's own turn in a queue of all refused, or the next token, alike for all",
    )


def _sendable(client_id: str) -> str:
    if not client_id or ":" in client_id:
        raise ValueError("must have a character and no colon, it is sent as Basic (RFC 7617 2)")
    return client_id


class Organisation(StrictModel):
    """One customer of the edge: its OAuth client (RFC 6749 4.4)."""

    client_id: Annotated[str, AfterValidator(_sendable)] = Field(description="its name at the edge")
    client_secret: SecretStr = Field(description="compared in constant time, never shown")


def _distinct(organisations: tuple[Organisation, ...]) -> tuple[Organisation, ...]:
    if not organisations:
        raise ValueError("must name at least one, or nobody can get a token")
    if len({organisation.client_id for organisation in organisations}) < len(organisations):
        raise ValueError("two organisations have the same client_id")
    return organisations


class Policy(StrictModel):
    """Limits, set-up time and patience of the simulated edge."""

    limits: Limits = Field(Limits(), description="per organisation; illustrative")
    retry_after: RetryAfter = Field(RetryAfter(), description="what a 429 says about coming back; illustrative")
    setup: Rate = Field(
        _rate("100/s", 25),
        description="how fast sessions become ready after the handshake, at once when quiet; illustrative",
    )
    offer_deadline_s: Period = Field(
        10.0,
        alias="offer_deadline",
        description="from a session's first unanswered offer until its WebSocket is cut; illustrative",
    )
    patience: int = Field(
        3,
        ge=0,
        le=1_000_000,
        description="how often a client may come back before its Retry-After is over; illustrative",
    )
    token_expires_s: Period = Field(
        3600.0, alias="token_expires", description="how long a token is good for; illustrative"
    )
    ping_every_s: Period = Field(
        20.0,
        alias="ping_every",
        description="between two pings on a session (RFC 6455 5.5.2), one without a pong is cut; illustrative",
    )
    drop_all_after_s: Period | None = Field(
        None,
        alias="drop_all_after",
        description="how long after the edge's first session all that are open are cut at one instant, once; "
        "by default never; illustrative",
    )
    organisations: Annotated[tuple[Organisation, ...], AfterValidator(_distinct)] = Field(
        (Organisation(client_id="locust-softphone", client_secret=SecretStr("simulated")),),
        strict=False,  # a YAML list, frozen as a tuple
        description="who may ask for a token; the default is illustrative and known to everybody",
    )

    def describe(self) -> str:
        """The policy in one line, without secrets."""
        told = "no Retry-After" if self.retry_after.form == "none" else f"Retry-After as {self.retry_after.form}"
        says = "" if self.retry_after.form == "none" else f" (says {self.retry_after.says})"
        dropped = f"; all dropped after {format_duration(self.drop_all_after_s)}" if self.drop_all_after_s else ""
        return (
            f"token {self.limits.token}, handshake {self.limits.handshake}, offer {self.limits.offer}; {told}{says}; "
            f"ready at {self.setup}; offer deadline {format_duration(self.offer_deadline_s)}; patience {self.patience}"
            f"{dropped}"
        )


def load_policy(path: Path) -> Policy:
    """Read a policy file.

    Raises:
        InputError: it cannot be used; one line for each reason, with file and line.
    """
    return strict_yaml.load(path, Policy)
