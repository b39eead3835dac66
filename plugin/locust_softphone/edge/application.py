"""One edge for all dialects: decides about each request, and counts the decision under the request's step.

    token       POST /oauth/token              200 · 400 401 413 429      not in the dialect sip
    …           the routes of media_offer_routes.py, genesys_cloud/rest.py and sip/sip_routes.py
                GET  /stats                    200                        not counted

The edge decides once the complete request is there, without waiting for anything else. It admits the request, refuses
it with a status, or cuts the connections of a client that has retried too early too often. The decision is counted at
once; a queue, or a refusal that takes long, delays only the response.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from typing import Any

from aiohttp import web

from locust_softphone import __version__
from locust_softphone.config.policy import Policy
from locust_softphone.edge.attempt_ids import ATTEMPT_ID, Arrival
from locust_softphone.edge.edge_state import Admitted, EdgeState, Route
from locust_softphone.edge.genesys_cloud.rest import CHANNELS, GenesysCloudDialect
from locust_softphone.edge.http_request import Caller, caller_of, complete_body, grant_type, read_body
from locust_softphone.edge.media_offer_routes import MediaOfferDialect
from locust_softphone.edge.rate_limiter import TooManyEarlyRetries
from locust_softphone.edge.replies import EDGE_ID, Refused, json_reply
from locust_softphone.edge.sip.sip_routes import SipDialect
from locust_softphone.edge.websocket_session import Session

__all__ = ["Edge"]

logger = logging.getLogger(__name__)


class Edge:
    """Serves requests; keeps limits, tokens, sessions and counters between them."""

    def __init__(self, policy: Policy, rng: random.Random) -> None:
        self._instance = secrets.token_hex(8)
        self._state = EdgeState(policy, rng)
        self._media_offer = MediaOfferDialect(self._state)
        self._routes = {
            "/oauth/token": Route("POST", "token", self._token),
            **GenesysCloudDialect(self._state).routes,
            **SipDialect(self._state).routes,
        }

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        response = await self._answer(request)
        if not response.prepared:
            response.headers[EDGE_ID] = self._instance
        return response

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/stats":
            return json_reply(200, self.stats()) if request.method == "GET" else _not_allowed("GET")
        route = self._media_offer.route(request.raw_path)  # first: a wire can have any path
        route = route or self._routes.get(CHANNELS if request.path.startswith(CHANNELS) else request.path)
        if route is None:
            return Refused(404, "There is nothing here").reply()
        return await self._handle(route, request) if request.method == route.method else _not_allowed(route.method)

    def stats(self) -> dict[str, Any]:
        """The server, its policy and its counters, without secrets; ``instance`` changes when the edge is restarted."""
        about = {"server": "locust-softphone-edge", "version": __version__, "instance": self._instance}
        return {**about, "policy": self._state.policy.as_json(), **self._state.stats.as_json()}

    async def _handle(self, route: Route, request: web.BaseRequest) -> web.StreamResponse:
        """Read the request, decide about it, count the decision, act on it."""
        counts = self._state.stats.steps[route.step]
        try:
            body = await read_body(request)
            admitted = route.handler(request, body)
        except ConnectionError:
            return web.Response()  # the request did not arrive completely, and the client has disconnected
        except Refused as refused:
            counts.refused[refused.status] += 1
            counts.note(self._arrival(request), str(refused.status))
            if refused.delay_s:
                await asyncio.sleep(refused.delay_s)
            return refused.reply()
        except TooManyEarlyRetries as error:
            counts.cut += 1
            counts.note(self._arrival(request), "cut")
            return self._cut(request, error.caller)
        except Exception:
            logger.exception("a request handler failed")
            counts.refused[500] += 1
            counts.note(self._arrival(request), "500")
            return Refused(500, "This is a bug of the edge").reply()
        counts.admitted += 1
        counts.note(self._arrival(request), "admitted")
        return await self._reply(admitted, request)

    def _arrival(self, request: web.BaseRequest) -> Arrival:
        return self._state.attempt_ids.note(request.headers.get(ATTEMPT_ID))

    async def _reply(self, admitted: Admitted, request: web.BaseRequest) -> web.StreamResponse:
        """Send the response of an admitted request, or run its session."""
        reply = admitted.reply
        if isinstance(reply, Session):
            self._state.sessions.add(reply)
        try:
            if admitted.delay_s:
                await asyncio.sleep(admitted.delay_s)
            admitted.before_reply()
            return await reply.run(request, self._instance) if isinstance(reply, Session) else reply
        finally:
            if isinstance(reply, Session):
                self._state.sessions.discard(reply)
                reply.free()

    def _token(self, request: web.BaseRequest, body: bytes | None) -> Admitted:
        state, now = self._state, time.monotonic()
        client_id = state.access.client_id(request.headers.get("Authorization", ""))
        if client_id is None:
            raise Refused(401, "No valid client credentials", {"WWW-Authenticate": 'Basic realm="edge"'})
        caller = caller_of(request, client_id)
        state.limiter.check_early_retries("token", caller, now)
        if grant_type(complete_body(body)) != "client_credentials":
            raise Refused(400, "The body must be a form with grant_type=client_credentials")
        answer = state.limiter.check_limits("token", "token", caller, state.parts(request, caller), now)
        token = state.access.issue(client_id, now)
        expires_in = int(state.policy.token_expires_s)
        granted = {"access_token": token, "token_type": "bearer", "expires_in": expires_in}
        headers = {**answer.headers, "Cache-Control": "no-store", "Pragma": "no-cache"}  # RFC 6749 5.1
        return Admitted(json_reply(200, granted, headers), answer.delay_s)

    def _cut(self, request: web.BaseRequest, caller: Caller) -> web.Response:
        """Cut the request's connection and every session of the caller."""
        for session in self._state.sessions.of(caller):
            session.cut("early_retries")
        if request.transport is not None:
            request.transport.abort()
        return web.Response()  # is not sent: the connection is gone


def _not_allowed(method: str) -> web.Response:
    return Refused(405, f"The method must be {method}", {"Allow": method}).reply()
