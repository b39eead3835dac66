"""What both dialects of one edge have in common: its policy, its limits, its tokens, its sessions and its counters."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web

from locust_softphone.edge.access import Access, Grant
from locust_softphone.edge.policy import Policy
from locust_softphone.edge.rate_limiter import RateLimiter
from locust_softphone.edge.replies import Refused
from locust_softphone.edge.stats import Stats, Step
from locust_softphone.edge.websocket_session import Session, Sessions
from locust_softphone.limits.token_bucket import TokenBucket

__all__ = ["EdgeState", "Route", "Verdict", "check_upgrade"]

Verdict = Callable[[web.BaseRequest, "bytes | None"], "web.Response | Session"]
"""Admits a request (an answer, or a session to run) or raises ``Refused`` or ``TooManyEarlyRetries``."""


class Route(NamedTuple):
    """A request that the edge knows: its method, the step that it counts under, and who judges it."""

    method: str
    step: Step
    verdict: Verdict


class EdgeState:
    """One for each edge."""

    def __init__(self, policy: Policy, rng: random.Random) -> None:
        self.policy = policy
        self.rng = rng
        self.stats = Stats()
        self.access = Access(policy.organisations, policy.token_expires_s, policy.genesys_cloud.users)
        self.limiter = RateLimiter(policy, self.stats)
        self.setup = TokenBucket(policy.setup.rate, policy.setup.burst)
        self.sessions = Sessions(policy.drop_all_after_s)

    def bearer(self, request: web.BaseRequest, now: float) -> Grant:
        """What the request's token stands for.

        Raises:
            Refused: 401, there is none that is good.
        """
        grant = self.access.bearer(request.headers.get("Authorization", ""), now)
        if grant is None:
            raise Refused(401, "No valid token", {"WWW-Authenticate": 'Bearer realm="edge"'})
        return grant


def check_upgrade(request: web.BaseRequest, subprotocols: tuple[str, ...] = ()) -> None:
    """Check that the request asks for a WebSocket of version 13 (RFC 6455 4.2.1), and of one of these subprotocols.

    Raises:
        Refused: it does not.
    """
    if request.headers.get("Upgrade", "").strip().lower() != "websocket":
        raise Refused(426, "Only WebSocket is spoken here", {"Upgrade": "websocket", "Connection": "Upgrade"})
    if not web.WebSocketResponse(protocols=subprotocols).can_prepare(request):
        raise Refused(400, "Not a WebSocket handshake of version 13", {"Sec-WebSocket-Version": "13"})
    offered = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    if subprotocols and not set(subprotocols).intersection(offered):
        raise Refused(400, f"The subprotocol here is {subprotocols[0]}")
