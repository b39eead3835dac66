"""What all dialects of one edge share: policy, limits, tokens, sessions and counters."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from math import inf
from typing import NamedTuple

from aiohttp import web

from locust_softphone.config.policy import LimitedStep, Policy
from locust_softphone.edge.access import Access, Grant
from locust_softphone.edge.attempt_ids import AttemptIds
from locust_softphone.edge.http_request import Caller
from locust_softphone.edge.rate_limiter import RateLimiter
from locust_softphone.edge.replies import Refused
from locust_softphone.edge.stats import Stats, Step
from locust_softphone.edge.websocket_session import Session, Sessions
from locust_softphone.limits.keyed import KeyParts
from locust_softphone.limits.step_limits import Answer
from locust_softphone.limits.token_bucket import TokenBucket

__all__ = ["Admitted", "EdgeState", "Handler", "Route"]


class Admitted(NamedTuple):
    """The answer to an admitted request.

    Args:
        reply: a response, or a session to run.
        delay_s: how long the client waits for it.
        before_reply: called when the delay is over.
    """

    reply: web.Response | Session
    delay_s: float = 0.0
    before_reply: Callable[[], None] = lambda: None


Handler = Callable[[web.BaseRequest, "bytes | None"], Admitted]
"""Decides about a request and its body; raises ``Refused`` or ``TooManyEarlyRetries``."""


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
        self.attempt_ids = AttemptIds()
        self.access = Access(policy.organisations, policy.token_expires_s, policy.genesys_cloud.users)
        self.limiter = RateLimiter(policy, self.stats, epoch_s=time.monotonic() - time.time())
        self.setup = TokenBucket(policy.setup.rate, policy.setup.burst)
        self.sessions = Sessions(policy.drop_all_after_s)

    def parts(self, request: web.BaseRequest, caller: Caller, token: str = "") -> KeyParts:
        """What limits count a request by; an organisation here has one OAuth client."""
        return KeyParts(caller.organisation, caller.organisation, token, caller.name, request.remote or "")

    def hold(
        self, limits: LimitedStep, step: Step, caller: Caller, parts: KeyParts, now: float, session: Session
    ) -> Answer:
        """Check a request that uses a place of a cap until its session ends, and give the session the place.

        A place that the session had before is freed first.

        Raises:
            Refused: the request is beyond a limit.
        """
        session.free(limits)
        answer = self.limiter.check_limits(limits, step, caller, parts, now, session.id)
        session.holds(limits, partial(self._free, limits, parts, session.id))
        for evicted in answer.evicted:
            self.sessions.evict(evicted)
        if answer.cut_after_s < inf:
            session.cut_after(answer.cut_after_s)
        return answer

    def _free(self, limits: LimitedStep, parts: KeyParts, session_id: str) -> None:
        self.limiter.release(limits, parts, time.monotonic(), session_id)

    def authorize(self, request: web.BaseRequest, now: float) -> Grant:
        """The grant of the request's bearer token.

        Raises:
            Refused: 401, the request has no valid token.
        """
        return self._valid(self.access.grant_of_header(request.headers.get("Authorization", ""), now))

    def granted(self, token: str, now: float) -> Grant:
        """The grant of a token, as ``authorize``."""
        return self._valid(self.access.grant(token, now))

    @staticmethod
    def _valid(grant: Grant | None) -> Grant:
        if grant is None:
            raise Refused(401, "No valid token", {"WWW-Authenticate": 'Bearer realm="edge"'})
        return grant
