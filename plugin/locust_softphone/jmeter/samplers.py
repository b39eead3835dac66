"""What the samplers of a plan do, as the steps of a softphone.

    HTTP Request, its path has token or oauth                  token
    HTTP Request, its path has offer, sdp or call              offer
    WebSocket Open, or any sampler with createNewConnection    handshake
    WebSocket request-response or single write                 offer
    WebSocket single read between the two                      waits for ready

The WebSocket samplers are those of Luminis (``eu.luminis.jmeter.wssampler``). Everything else is no step of a call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from locust_softphone.jmeter.plan_tree import PlanElement

__all__ = ["Role", "SamplerUse", "is_sampler", "uses_of"]


class Role(StrEnum):
    """What a sampler does in a call."""

    TOKEN = "token"
    HANDSHAKE = "handshake"
    OFFER = "offer"
    READ = "read"
    CLOSE = "close"
    PING = "ping"
    OTHER = "other"


@dataclass(frozen=True)
class SamplerUse:
    """One sampler of a script.

    Args:
        element: the sampler.
        roles: what it does; a request-response with a connection of its own does two things.
        drops_connection: whether it drops the connection that the thread still has, without a close frame.
        repeated: whether a loop around it repeats it within one pass of the script.
        once: whether it runs in the first pass only.
        timers: the timers that apply to it: those beside it, above it and below it.
    """

    element: PlanElement
    roles: tuple[Role, ...]
    drops_connection: bool = False
    repeated: bool = False
    once: bool = False
    timers: tuple[PlanElement, ...] = ()

    @property
    def reads_for_s(self) -> float:
        """How long a WebSocket read waits at most; the connection is open for as long."""
        text = self.element.text("readTimeout") if Role.READ in self.roles else ""
        return int(text) / 1000 if text.isascii() and text.isdigit() and len(text) < 10 else 0.0


_WEBSOCKET = {
    "OpenWebSocketSampler": Role.HANDSHAKE,
    "RequestResponseWebSocketSampler": Role.OFFER,
    "SingleWriteWebSocketSampler": Role.OFFER,
    "SingleReadWebSocketSampler": Role.READ,
    "CloseWebSocketSampler": Role.CLOSE,
    "PingPongSampler": Role.PING,
}
_HTTP = ("HTTPSamplerProxy", "HTTPSampler", "HTTPSampler2")
_TOKEN_PATH = re.compile(r"token|oauth|login", re.IGNORECASE)
_OFFER_PATH = re.compile(r"offer|sdp|calls?\b", re.IGNORECASE)
_LOOPS = ("LoopController", "WhileController", "ForeachController")
_NEW_CONNECTION = "createNewConnection"


def is_sampler(element: PlanElement) -> bool:
    """Whether an element of a plan sends something, or pretends to."""
    return element.kind in _WEBSOCKET or element.kind in _HTTP or element.kind.endswith(("Sampler", "SamplerProxy"))


def uses_of(group: PlanElement, timers: tuple[PlanElement, ...] = ()) -> list[SamplerUse]:
    """The samplers of a thread group, in the order of its script.

    Args:
        group: the thread group.
        timers: of the plan, which apply to all groups.
    """
    return list(_uses(group, SamplerUse(group, (), timers=timers)))


def _uses(parent: PlanElement, around: SamplerUse) -> Iterator[SamplerUse]:
    timers = (*around.timers, *(child for child in parent.children if child.kind.endswith("Timer")))
    for element in parent.children:
        inside = replace(
            around,
            repeated=around.repeated or element.kind in _LOOPS,
            once=around.once or element.kind == "OnceOnlyController",
            timers=timers,
        )
        if is_sampler(element):
            own = tuple(child for child in element.children if child.kind.endswith("Timer"))
            roles = _roles(element)
            drops = Role.HANDSHAKE in roles
            yield replace(inside, element=element, roles=roles, drops_connection=drops, timers=(*timers, *own))
        else:
            yield from _uses(element, inside)


def _roles(element: PlanElement) -> tuple[Role, ...]:
    if element.kind in _HTTP:
        path = element.text("HTTPSampler.path").partition("?")[0]
        if _TOKEN_PATH.search(path):
            return (Role.TOKEN,)
        return (Role.OFFER,) if _OFFER_PATH.search(path) else (Role.OTHER,)
    role = _WEBSOCKET.get(element.kind, Role.OTHER)
    if element.text(_NEW_CONNECTION).lower() == "true" and role is not Role.HANDSHAKE:
        return (Role.HANDSHAKE, role)
    return (role,)
