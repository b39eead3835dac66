"""What the edge allows in the dialect genesys-cloud: the part ``genesys_cloud`` of a policy.

The description of a default names its source, or says that the default is illustrative.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from locust_softphone.config.limit_kinds import FixedWindowPolicy
from locust_softphone.config.limit_responses import Refusal, RetryAfter
from locust_softphone.config.strict_yaml import StrictModel
from locust_softphone.config.units import Period, PerSecond

__all__ = ["GenesysCloud", "InboundCalls", "Quota", "User", "is_user_name"]


def _domain(domain: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,5}", domain):
        raise ValueError("must be a domain name in lower case, such as edge.example")
    return domain


def is_user_name(name: str) -> bool:
    """Whether ``name`` can be the part of a JID before the @ (RFC 7622 3.3, but stricter)."""
    return re.fullmatch(r"[a-z0-9._-]{1,64}", name) is not None


def _user_name(name: str) -> str:
    if not is_user_name(name):
        raise ValueError("must be 1 to 64 of the characters a-z, 0-9, dot, dash and underscore, it is part of a JID")
    return name


def _tokens_differ(users: tuple[User, ...]) -> tuple[User, ...]:
    if len({user.access_token.get_secret_value() for user in users}) < len(users):
        raise ValueError("two users have the same access_token")
    return users


class Quota(StrictModel):
    """At most ``count`` requests in a fixed window."""

    count: int = Field(ge=1, le=1_000_000, description="how many requests in one window")
    per_s: Period = Field(alias="per", description="the length of a window")

    def limit(self, retry_after: RetryAfter) -> FixedWindowPolicy:
        """The limit on the requests with one token; a 429 gives the end of the window.

        Its headers are those of a trace in the official blog post on SDK logging, 2021 (count 1, allowed 180, reset
        61), where ordinary responses have them. The fixed window is inferred from the reset, which is in seconds.
        """
        told = retry_after.model_copy(update={"advice": "next-token"})
        refusal = Refusal(retry_after=told, headers=("inin-ratelimit",))
        return FixedWindowPolicy.model_construct(
            kind="fixed-window",
            name="requests-per-token",
            key=("token",),
            refusal=refusal,
            penalty=None,
            quota=self.count,
            window_s=self.per_s,
            begins="first-request",
        )


class User(StrictModel):
    """A user who has already logged in, as with the authorization code grant: a softphone is given the token."""

    name: Annotated[str, AfterValidator(_user_name)] = Field(description="the part of the user's JID before the @")
    access_token: SecretStr = Field(description="the user's own token, valid as long as the edge runs; never shown")
    client_id: str = Field("locust-softphone", description="the organisation that the user belongs to")


class InboundCalls(StrictModel):
    """Calls from outside: the softphones are called one after the other."""

    rate: PerSecond = Field(description="calls per second, over all softphones that are connected and not in a call")
    length_s: Period = Field(30.0, alias="length", description="how long a call lasts once it is answered")


class GenesysCloud(StrictModel):
    """What the edge allows in the dialect genesys-cloud."""

    domain: Annotated[str, AfterValidator(_domain)] = Field(
        "edge.example", description="the part of each JID behind the @; illustrative"
    )
    users: Annotated[tuple[User, ...], AfterValidator(_tokens_differ)] = Field(
        (),
        strict=False,
        description="users with a token from the start, besides the clients that ask for one; illustrative",
    )
    requests_per_token: Quota = Field(
        Quota.model_validate({"count": 300, "per": "60s"}),
        description="REST requests with one token: 300 a minute per OAuth client token, a member of staff in developer "
        "forum thread 11186; the fixed window is inferred from the header inin-ratelimit-reset",
    )
    channels_per_user: int = Field(
        20,
        ge=1,
        le=1_000_000,
        description="one more removes the least recently used channel, unconnected ones first: POST "
        "notifications/channels as PureCloudPlatformClientV2 documents it (notifications_api.py)",
    )
    channel_expires_s: Period = Field(
        24 * 3600.0,
        alias="channel_expires",
        description="the lifetime of a channel: 24 h, the documentation as quoted in developer forum thread 10312",
    )
    login_timeout_s: Period = Field(
        15.0,
        alias="login_timeout",
        description="from the handshake until a resource must be bound, else the WebSocket is cut; illustrative: "
        "genesys-cloud-streaming-client 19.4.1 waits as long",
    )
    server_pings: bool = Field(
        True,
        description="whether a client can subscribe to enable.server.side.pings; if not, the client has to ping "
        "(genesys-cloud-streaming-client 19.4.1, client.js); the period is ping_every; illustrative",
    )
    sdp_over_xmpp: float = Field(
        0.0,
        ge=0,
        le=1,
        description="the share of calls that are offered as SDP over XMPP instead of Jingle, the default "
        "(genesys-cloud-streaming-client 15.1.0, changelog); the real share is not published: illustrative",
    )
    propose_every_s: Period = Field(
        3.0, alias="propose_every", description="between two proposals of a call that nobody has taken; illustrative"
    )
    ring_for_s: Period = Field(
        30.0, alias="ring_for", description="from the first proposal until the call is retracted; illustrative"
    )
    answer_within_s: Period = Field(
        10.0, alias="answer_within", description="from the edge's offer until it ends the call; illustrative"
    )
    inbound_calls: InboundCalls | None = Field(
        None, description="calls that the softphones did not ask for, by default none; illustrative"
    )
