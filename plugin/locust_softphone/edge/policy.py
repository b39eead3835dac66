"""What the simulated edge allows: one YAML file, every key optional.

    limits: {token: {rate: 50/s, burst: 300}, handshake: {rate: 50/s, burst: 150}, offer: {rate: 50/s, burst: 50}}
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

from pydantic import AfterValidator, Field, SecretStr, model_validator

from locust_softphone.config import strict_yaml
from locust_softphone.config.old_spellings import OldSpellings
from locust_softphone.config.strict_yaml import StrictModel
from locust_softphone.edge.genesys_cloud.wire_policy import GenesysCloud
from locust_softphone.edge.quantities import Period, RateAndBurst
from locust_softphone.limits.refusal import RetryAfterForm

__all__ = ["Advice", "Limits", "Organisation", "Policy", "RetryAfter", "load_policy"]

Advice = Literal["own-slot", "next-token"]


class Limits(StrictModel):
    """The limit of each step. Each organisation has its own."""

    token: RateAndBurst = Field(
        RateAndBurst.of("50/s", 300), description="requests for a token, in either dialect; illustrative"
    )
    handshake: RateAndBurst = Field(
        RateAndBurst.of("50/s", 150), description="WebSocket handshakes, in either dialect; illustrative"
    )
    offer: RateAndBurst = Field(
        RateAndBurst.of("50/s", 50), description="SDP offers, in the dialect media-offer; illustrative"
    )


class RetryAfter(StrictModel):
    """When a 429 tells a client to retry."""

    old_spellings: ClassVar = OldSpellings(
        keys={"says": "advice"}, values={"advice": {"turn": "own-slot", "next": "next-token"}}
    )
    form: RetryAfterForm = Field(
        "seconds", description="how Retry-After is written, RFC 9110 10.2.3: delay-seconds, an HTTP-date, or not at all"
    )
    advice: Advice = Field(
        "own-slot",
        description="which time Retry-After gives: a slot of the client's own in a queue of the refused, or the time "
        "of the next token, the same for all; illustrative",
    )


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
    limits: Limits = Field(Limits(), description="per organisation; illustrative")
    retry_after: RetryAfter = Field(RetryAfter(), description="when a 429 tells a client to retry; illustrative")
    setup: RateAndBurst = Field(
        RateAndBurst.of("100/s", 25),
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

    @model_validator(mode="after")
    def _users_have_an_organisation(self) -> Policy:
        known = {organisation.client_id for organisation in self.organisations}
        for user in self.genesys_cloud.users:
            if user.client_id not in known:
                raise ValueError(f"the user {user.name} has a client_id that none of the organisations has")
        return self

    def as_json(self) -> dict[str, Any]:
        """The policy as ``GET /stats`` shows it: as in a file, without secrets."""
        secrets: Any = {
            "organisations": {"__all__": {"client_secret"}},
            "genesys_cloud": {"users": {"__all__": {"access_token"}}},
        }
        return self.model_dump(mode="json", by_alias=True, exclude=secrets)


def load_policy(path: Path) -> Policy:
    """Read a policy file.

    Raises:
        InputError: the file cannot be used; one line for each reason, with file and line.
    """
    return strict_yaml.load(path, Policy)
