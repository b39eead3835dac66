"""The steps of each dialect.

    media-offer      token ► handshake ► ready ► offer ► close
    genesys-cloud    token ► identity ► channel ► handshake ► ready ► offer ► close
    sip              handshake ► registration ► offer ► close

A step is one exchange that succeeds or fails as a whole; one try of it is an attempt. The ledger balances the attempts
of the steps whose requests the edge counts too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

__all__ = [
    "DEFAULT_DIALECT",
    "DIALECTS",
    "Step",
    "backs_off_with",
    "connection_steps",
    "ready_step",
    "request_steps",
    "transports",
]

DEFAULT_DIALECT: Final = "media-offer"


class Step(NamedTuple):
    """One step of a dialect.

    Args:
        name: its name in metrics, records and reports.
        transport: its request type in Locust's statistics.
        counted: whether the edge counts its requests too.
        backs_off_with: the step whose back-off also counts the failures of this one; itself by default.
    """

    name: str
    transport: str
    counted: bool = False
    backs_off_with: str = ""


DIALECTS: Mapping[str, tuple[Step, ...]] = MappingProxyType(
    {
        DEFAULT_DIALECT: (
            Step("token", "POST", counted=True),
            Step("handshake", "WS", counted=True),
            Step("ready", "WS"),
            Step("offer", "POST", counted=True),
            Step("close", "WS"),
        ),
        # genesys-cloud-streaming-client backs off over connect() as a whole: client.js, backoffConnectRetryHandler.
        "genesys-cloud": (
            Step("token", "POST", counted=True),
            Step("identity", "GET", counted=True, backs_off_with="handshake"),
            Step("channel", "POST", counted=True, backs_off_with="handshake"),
            Step("handshake", "WS", counted=True),
            Step("ready", "WS", backs_off_with="handshake"),
            Step("offer", "POST", counted=True),
            Step("close", "WS"),
        ),
        "sip": (
            Step("handshake", "WS", counted=True),
            Step("registration", "SIP", counted=True),
            Step("offer", "SIP", counted=True),
            Step("close", "WS"),
        ),
    }
)


@cache
def transports(dialect: str) -> Mapping[str, str]:
    """The request type of each step."""
    return MappingProxyType({step.name: step.transport for step in DIALECTS[dialect]})


def request_steps(dialect: str) -> tuple[str, ...]:
    """The names of the steps whose requests the edge counts too."""
    return tuple(step.name for step in DIALECTS[dialect] if step.counted)


@cache
def connection_steps(dialect: str, *, shared_token: bool) -> frozenset[str]:
    """The request steps that each new connection takes once; a shared token is requested once for the whole fleet."""
    return frozenset(request_steps(dialect)) - {"offer"} - ({"token"} if shared_token else set())


@cache
def ready_step(dialect: str) -> str:
    """The step after the handshake, in which a session becomes ready for an offer."""
    names = [step.name for step in DIALECTS[dialect]]
    return names[names.index("handshake") + 1]


@cache
def backs_off_with(dialect: str) -> Mapping[str, str]:
    """For each step, the step whose back-off counts its failures."""
    return MappingProxyType({step.name: step.backs_off_with or step.name for step in DIALECTS[dialect]})
