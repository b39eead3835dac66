"""What the edge allows in the dialect sip: the part ``sip`` of a policy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from locust_softphone.config.sip_settings import Domain
from locust_softphone.config.strict_yaml import StrictModel
from locust_softphone.config.units import Period, Seconds

__all__ = ["SipPolicy", "sip_status"]


def sip_status(status: int) -> int:
    """The SIP status for the HTTP status of a limit: 429 has another meaning in SIP (RFC 3892 5), and 503 is sent."""
    return 503 if status == 429 else status


def _one_or_more(algorithms: tuple[str, ...]) -> tuple[str, ...]:
    if not algorithms or len(set(algorithms)) < len(algorithms):
        raise ValueError("must name at least one algorithm, and each only once")
    return algorithms


class SipPolicy(StrictModel):
    """What the edge allows in the dialect sip."""

    domain: Domain = Field(
        "edge.example", description="the domain that the edge is the registrar of, and the realm; illustrative"
    )
    algorithms: Annotated[tuple[Literal["MD5", "SHA-256"], ...], AfterValidator(_one_or_more)] = Field(
        ("MD5",),
        strict=False,
        description="the digest algorithms that are offered, the preferred one first (RFC 8760); JsSIP 3.13.8 knows "
        "only MD5; illustrative",
    )
    challenge_calls: bool = Field(
        True, description="whether an INVITE needs credentials too, asked for with a 407; illustrative"
    )
    nonce_expires_s: Period = Field(
        300.0,
        alias="nonce_expires",
        description="how long a nonce can be used; after that a challenge has stale=true; the default of Kamailio's "
        "module auth (nonce_expire)",
    )
    min_expires_s: Seconds = Field(
        10.0,
        alias="min_expires",
        description="a registration for a shorter time is refused with 423 and Min-Expires; illustrative",
    )
    max_expires_s: Period = Field(
        3600.0,
        alias="max_expires",
        description="the longest lifetime of a registration, which a longer one is shortened to; the default of "
        "Kamailio's module registrar (default_expires)",
    )
    ring_for_s: Seconds = Field(
        0.0, alias="ring_for", description="how long the edge rings before it answers a call to a number; illustrative"
    )
    talk_for_s: Period | None = Field(
        None,
        alias="talk_for",
        description="how long the edge stays in such a call before it hangs up; by default never",
    )
