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

from locust_softphone.metrics.installed_dialects import installed_dialects, load_dialect
from locust_softphone.text import choices, quoted

__all__ = [
    "DEFAULT_DIALECT",
    "DIALECTS",
    "Step",
    "backs_off_with",
    "connection_steps",
    "known_dialects",
    "ready_step",
    "request_steps",
    "steps_of",
    "transports_of",
]

DEFAULT_DIALECT: Final = "media-offer"
IN_EVERY_DIALECT = ("handshake", "offer", "close")


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

STEPS = tuple(dict.fromkeys(step.name for all_ in DIALECTS.values() for step in all_))
"""The names of the steps of all built-in dialects."""


def known_dialects() -> tuple[str, ...]:
    """The built-in dialects and those of other packages."""
    return (*DIALECTS, *installed_dialects())


@cache
def steps_of(dialect: str) -> tuple[Step, ...]:
    """The steps of a dialect, in order.

    A dialect of another package has its own selection of the steps of the built-in ones, because metrics have the names
    of steps. A record can be read where that package is not installed: the steps that every dialect has are known.

    Raises:
        ValueError: the dialect's package cannot be used.
    """
    if dialect in DIALECTS:
        return DIALECTS[dialect]
    installed = load_dialect(dialect)
    if installed is None:
        return tuple(step for step in DIALECTS[DEFAULT_DIALECT] if step.name in IN_EVERY_DIALECT)
    steps = tuple(installed.steps)
    names = [step.name for step in steps]
    if missing := [name for name in IN_EVERY_DIALECT if name not in names]:
        raise ValueError(f"the dialect {dialect} has no step {missing[0]}")
    if not {"ready", "registration"} & set(names):
        raise ValueError(f"the dialect {dialect} has neither a step ready nor a step registration")
    if unknown := [name for name in names if name not in STEPS]:
        raise ValueError(f"the dialect {dialect} has a step {quoted(unknown[0])}, {choices(unknown[0], STEPS)}")
    return steps


@cache
def transports_of(dialect: str) -> Mapping[str, str]:
    """The request type of each step of a dialect."""
    return MappingProxyType({step.name: step.transport for step in steps_of(dialect)})


@cache
def request_steps(dialect: str) -> tuple[str, ...]:
    """The names of the steps whose requests the edge counts too."""
    return tuple(step.name for step in steps_of(dialect) if step.counted)


@cache
def connection_steps(dialect: str, *, shared_token: bool) -> frozenset[str]:
    """The request steps that each new connection takes once; a shared token is requested once for the whole fleet."""
    return frozenset(request_steps(dialect)) - {"offer"} - ({"token"} if shared_token else set())


@cache
def ready_step(dialect: str) -> str:
    """The step after the handshake, in which a session becomes ready for an offer."""
    return "registration" if "registration" in {step.name for step in steps_of(dialect)} else "ready"


@cache
def backs_off_with(dialect: str) -> Mapping[str, str]:
    """For each step, the step whose back-off counts its failures."""
    return MappingProxyType({step.name: step.backs_off_with or step.name for step in steps_of(dialect)})
