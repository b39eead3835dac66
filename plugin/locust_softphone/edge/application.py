"""One edge for both dialects: for each request one verdict, counted under its step.

    token       POST /oauth/token              200 · 400 401 413 429      the same in either dialect
    …           what media_offer.py and genesys_cloud/rest.py have
                GET  /stats                    200                        counted nowhere

A verdict falls in one go, without waiting for anything, once the request is there as a whole. It is to admit, to refuse
with a status, or, for a client that has come back too early too often, to cut the connection.
"""

from __future__ import annotations

import logging
import random
import secrets
import time
from typing import Any

from aiohttp import web

from locust_softphone import __version__
from locust_softphone.edge.edge_state import EdgeState, Route
from locust_softphone.edge.genesys_cloud.rest import GenesysCloudDialect
from locust_softphone.edge.http_request import Caller, caller_of, grant_type, read_body, within_limit
from locust_softphone.edge.media_offer_routes import MediaOffer
from locust_softphone.edge.policy import Policy
from locust_softphone.edge.rate_limiter import TooManyEarlyRetries
from locust_softphone.edge.replies import Refused, json_reply
from locust_softphone.edge.websocket_session import Session

__all__ = ["Edge"]

logger = logging.getLogger(__name__)


class Edge:
    """Serves one request after another; keeps limits, tokens, sessions and counters in between."""

    def __init__(self, policy: Policy, rng: random.Random) -> None:
        self._instance = secrets.token_hex(8)
        self._state = EdgeState(policy, rng)
        self._genesys_cloud = GenesysCloudDialect(self._state)
        self._routes = {
            "/oauth/token": Route("POST", "token", self._token),
            **MediaOffer(self._state).routes,
            **self._genesys_cloud.routes,
        }

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if request.path == "/stats":
            return json_reply(200, self.stats()) if request.method == "GET" else _not_allowed("GET")
        route = self._routes.get(request.path) or self._genesys_cloud.route_of(request.path)
        if route is None:
            return Refused(404, "There is nothing here").reply()
        return await self._judge(route, request) if request.method == route.method else _not_allowed(route.method)

    def stats(self) -> dict[str, Any]:
        """What it is and what it has counted, without secrets; ``instance`` tells it from one started in its place."""
        about = {"server": "locust-softphone-edge", "version": __version__, "instance": self._instance}
        return {**about, "policy": self._state.policy.as_json(), **self._state.stats.as_json()}

    async def _judge(self, route: Route, request: web.BaseRequest) -> web.StreamResponse:
        """Read the request, reach a verdict, count it, act on it."""
        counts, sessions = self._state.stats.steps[route.step], self._state.sessions
        try:
            body = await read_body(request)
            admitted = route.verdict(request, body)
        except ConnectionError:
            return web.Response()  # it never arrived whole: there is no verdict, and nobody to tell
        except Refused as refused:
            counts.refused[refused.status] += 1
            return refused.reply()
        except TooManyEarlyRetries as too_many:
            counts.cut += 1
            return self._cut(request, too_many.caller)
        except Exception:
            logger.exception("a verdict failed")
            counts.refused[500] += 1
            return Refused(500, "This is a bug of the edge").reply()
        counts.admitted += 1
        if not isinstance(admitted, Session):
            return admitted
        sessions.add(admitted)
        try:
            return await admitted.run(request)
        finally:
            sessions.discard(admitted)

    def _token(self, request: web.BaseRequest, body: bytes | None) -> web.Response:
        state, now = self._state, time.monotonic()
        client_id = state.access.client_id(request.headers.get("Authorization", ""))
        if client_id is None:
            raise Refused(401, "No valid client credentials", {"WWW-Authenticate": 'Basic realm="edge"'})
        caller = caller_of(request, client_id)
        state.limiter.check_early_retries("token", caller, now)
        if grant_type(within_limit(body)) != "client_credentials":
            raise Refused(400, "The body must be a form with grant_type=client_credentials")
        headers = state.limiter.check_limit("token", caller, now, time.time())
        token = state.access.issue(client_id, now)
        expires_in = int(state.policy.token_expires_s)
        return json_reply(200, {"access_token": token, "token_type": "bearer", "expires_in": expires_in}, headers)

    def _cut(self, request: web.BaseRequest, caller: Caller) -> web.Response:
        """Cut the request's connection, and every session that the caller has."""
        for session in self._state.sessions.of(caller):
            session.cut("early_retries")
        if request.transport is not None:
            request.transport.abort()
        return web.Response()  # goes nowhere


def _not_allowed(method: str) -> web.Response:
    return Refused(405, f"The method here is {method}", {"Allow": method}).reply()
