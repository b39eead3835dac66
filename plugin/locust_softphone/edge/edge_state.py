"""What both dialects of one edge share: policy, limits, tokens, sessions and counters."""

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

__all__ = ["EdgeState", "Handler", "Route"]

Handler = Callable[[web.BaseRequest, "bytes | None"], "web.Response | Session"]
"""Decides about a request and its body: returns a response or a session to run, or raises ``Refused`` or
``TooManyEarlyRetries``."""


class Route(NamedTuple):
    """A request that the edge knows: its method, the step it is counted under, and its handler."""

    method: str
    step: Step
    handler: Handler


class EdgeState:
    """The state of one edge."""

    def __init__(self, policy: Policy, rng: random.Random) -> None:
        self.policy = policy
        self.rng = rng
        self.stats = Stats()
        self.access = Access(policy.organisations, policy.token_expires_s, policy.genesys_cloud.users)
        self.limiter = RateLimiter(policy, self.stats)
        self.setup = TokenBucket(policy.setup.rate, policy.setup.burst)
        self.sessions = Sessions(policy.drop_all_after_s)

    def authorize(self, request: web.BaseRequest, now: float) -> Grant:
        """The grant of the request's bearer token.

        Raises:
            Refused: 401, the request has no valid token.
        """
        grant = self.access.grant_of_header(request.headers.get("Authorization", ""), now)
        if grant is None:
            raise Refused(401, "No valid token", {"WWW-Authenticate": 'Bearer realm="edge"'})
        return grant
