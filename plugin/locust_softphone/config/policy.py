"""What the simulated edge allows: one YAML file, every key optional.

    limits: {token: {rate: 50/s, burst: 300}, handshake: {rate: 50/s, burst: 150}, offer: {rate: 50/s, burst: 50}}
    #       each a list of limits, of any kind: limit_lists.py
    retry_after: {form: seconds, advice: own-slot}
    setup: {rate: 100/s, burst: 25}
    offer_deadline: 10s
    genesys_cloud: {requests_per_token: {count: 300, per: 60s}, channels_per_user: 20, sdp_over_xmpp: 0.5}

Most defaults are illustrative, because these limits are not published. They are chosen so that 500 softphones that
start at once exceed each of them, and 500 softphones that start over a minute exceed none. The wire of Genesys Cloud is
documented: each default under ``genesys_cloud`` names its source.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, JsonValue, SecretStr, field_validator, model_validator

from locust_softphone.config import strict_yaml
from locust_softphone.config.genesys_cloud_policy import GenesysCloud
from locust_softphone.config.limit_kinds import TokenBucketPolicy
from locust_softphone.config.limit_lists import Caps, RateLimits, RateLimitsAndCaps, shortest, step_limits
from locust_softphone.config.limit_responses import RetryAfter
from locust_softphone.config.old_spellings import OldSpellings
from locust_softphone.config.sip_policy import SipPolicy
from locust_softphone.config.strict_yaml import StrictModel
from locust_softphone.config.units import Period, PerSecond
from locust_softphone.config.wire import Wire, WireOrFile, spoken_by_the_edge
from locust_softphone.limits.step_limits import StepLimits

__all__ = ["LimitedStep", "Limits", "Organisation", "Policy", "SetUp", "load_policy"]

LimitedStep = Literal["token", "handshake", "registration", "offer", "sessions"]
"""The parts of the policy's ``limits``."""


def _bucket(rate: str, burst: int, description: str) -> Any:
    """A field whose default is one token bucket."""
    size: dict[str, JsonValue] = {"rate": rate, "burst": burst}
    default = (TokenBucketPolicy.model_validate(size),)
    return Field(default, description=description, json_schema_extra={"default": size})


class Limits(StrictModel):
    """The limits of each step: a list, or a single one. A request has to pass all limits of its step."""

    token: RateLimits = _bucket("50/s", 300, "requests for a token, in the dialects that have one; illustrative")
    handshake: RateLimits = _bucket("50/s", 150, "WebSocket handshakes, in every dialect; illustrative")
    registration: RateLimits = _bucket(
        "50/s",
        100,
        "registrations, in the dialect sip: a refreshed one and one that is ended do not count; illustrative",
    )
    offer: RateLimitsAndCaps = _bucket(
        "50/s",
        50,
        "SDP offers, in the dialects media-offer and sip; a cap counts the calls, each until its session ends or "
        "makes its next offer; illustrative",
    )
    sessions: Caps = Field(
        (),
        description="open sessions, in every dialect: caps on them are checked after the limits on handshakes; "
        "illustrative",
    )

    @field_validator("token")
    @classmethod
    def _has_a_key(cls, token: RateLimits) -> RateLimits:
        if any("token" in limit.key for limit in token):
            raise ValueError("key: the request for a token has none to count by, count by client, user or address")
        return token


class SetUp(StrictModel):
    """How fast sessions become ready."""

    rate: PerSecond = Field(description="how many per second in the long run")
    burst: int = Field(ge=1, le=1_000_000, description="how many at once after a quiet time")


class Organisation(StrictModel):
    """One customer of the edge: its OAuth client (RFC 6749 4.4)."""

    client_id: str = Field(min_length=1, description="its name at the edge")
    client_secret: SecretStr = Field(description="compared in constant time, never shown")


def _distinct(organisations: tuple[Organisation, ...]) -> tuple[Organisation, ...]:
    if not organisations:
        raise ValueError("must name at least one, or no client can get a token")
    if len({organisation.client_id for organisation in organisations}) < len(organisations):
        raise ValueError("two organisations have the same client_id")
    return organisations


class Policy(StrictModel):
    """What the simulated edge allows."""

    old_spellings: ClassVar = OldSpellings(keys={"patience": "max_early_retries"})
    limits: Limits = Field(Limits(), description="the limits of each step; illustrative")
    retry_after: RetryAfter = Field(RetryAfter(), description="when a refusal tells a client to retry; illustrative")
    setup: SetUp = Field(
        SetUp.model_validate({"rate": "100/s", "burst": 25}),
        description="how fast sessions become ready after the handshake; at once when there is no queue; illustrative",
    )
    offer_deadline_s: Period = Field(
        10.0,
        alias="offer_deadline",
        description="from a session's first unanswered offer until its WebSocket is cut; illustrative",
    )
    max_early_retries: int = Field(
        3,
        ge=0,
        le=1_000_000,
        description="how often a client may retry before its Retry-After is over, without being cut; illustrative",
    )
    token_expires_s: Period = Field(
        3600.0, alias="token_expires", description="how long a token is valid; illustrative"
    )
    ping_every_s: Period = Field(
        20.0,
        alias="ping_every",
        description="between two pings on a session (RFC 6455 5.5.2; in genesys-cloud XEP-0199); a session that has "
        "not answered one ping by the next is cut; illustrative",
    )
    genesys_cloud: GenesysCloud = Field(
        GenesysCloud(), description="the dialect genesys-cloud: some of it documented, the rest illustrative"
    )
    wire: WireOrFile = Field(
        Wire(),
        description="what softphones of the dialect media-offer send and expect, or a file with it; illustrative",
    )
    sip: SipPolicy = Field(SipPolicy(), description="the dialect sip: illustrative")
    request_timeout_s: Period = Field(
        20.0,
        alias="request_timeout",
        description="how long a client may take to send the head of its first request, and to send a body; "
        "illustrative",
    )
    drop_all_after_s: Period | None = Field(
        None,
        alias="drop_all_after",
        description="how long after the edge's first session all open sessions are cut at once, one time; "
        "by default never; illustrative",
    )
    organisations: Annotated[tuple[Organisation, ...], AfterValidator(_distinct)] = Field(
        (Organisation(client_id="locust-softphone", client_secret=SecretStr("simulated")),),
        strict=False,  # a YAML list, frozen as a tuple
        description="who may ask for a token; the default is illustrative and public",
    )

    @field_validator("wire")
    @classmethod
    def _is_one_that_the_edge_speaks(cls, wire: Wire) -> Wire:
        return spoken_by_the_edge(wire)

    @model_validator(mode="after")
    def _users_have_an_organisation(self) -> Policy:
        known = {organisation.client_id for organisation in self.organisations}
        for user in self.genesys_cloud.users:
            if user.client_id not in known:
                raise ValueError(f"the user {user.name} has a client_id that none of the organisations has")
        return self

    def limits_of(self, step: LimitedStep, epoch_s: float = 0.0) -> StepLimits:
        """New limits for one step; ``epoch_s`` as for ``step_limits``."""
        return step_limits(getattr(self.limits, step), self.retry_after, epoch_s)

    def request_limits(self, epoch_s: float = 0.0) -> StepLimits:
        """New limits for the REST requests of the dialect genesys-cloud."""
        return step_limits([self.genesys_cloud.requests_per_token.limit(self.retry_after)], self.retry_after, epoch_s)

    def as_json(self) -> dict[str, Any]:
        """The policy as ``GET /stats`` shows it: as in a file, without secrets."""
        without: dict[str, Any] = {
            "limits": True,
            "organisations": {"__all__": {"client_secret"}},
            "genesys_cloud": {"users": {"__all__": {"access_token"}}},
        }
        if self.wire == Wire():
            without["wire"] = True
        if self.retry_after.always_s is None:
            without["retry_after"] = {"always_s"}
        limits = {step: shortest(limits) for step, limits in self.limits if limits or step != "sessions"}
        return {"limits": limits, **self.model_dump(mode="json", by_alias=True, exclude=without)}


def load_policy(path: Path) -> Policy:
    """Read a policy file.

    Raises:
        InputError: the file cannot be used; one line for each reason, with file and line.
    """
    return strict_yaml.load(path, Policy)
