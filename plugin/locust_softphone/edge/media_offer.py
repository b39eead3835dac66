"""The dialect media-offer: three steps, and for each request of a step one verdict.

    token       POST /oauth/token              200 · 400 401 413 429
    handshake   GET  /signaling                101 · 400 401 426 429      then the session runs
    offer       POST /api/v2/media/offer       201 · 400 401 409 413 429

A verdict falls in one go, without waiting for anything, once the request is there as a whole. It is to admit, to refuse
with a status, or, for a client that has come back too early too often, to cut the connection.
"""

from __future__ import annotations

import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from aiohttp import web

from locust_softphone import __version__
from locust_softphone.edge.access import Access
from locust_softphone.edge.answer import answer_for
from locust_softphone.edge.gate import Gate, Impatient
from locust_softphone.edge.policy import Policy
from locust_softphone.edge.replies import Refused, json_reply
from locust_softphone.edge.request import Caller, caller_of, grant_type, json_object, read_body, within_limit
from locust_softphone.edge.session import Session, Sessions
from locust_softphone.edge.stats import Stats, Step
from locust_softphone.edge.token_bucket import TokenBucket
from locust_softphone.sdp import SdpError, parse

__all__ = ["Edge"]

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Verdict = Callable[[web.BaseRequest, "bytes | None"], "web.Response | Session"]

logger = logging.getLogger(__name__)


class Edge:
    """Serves one request after another; keeps limits, tokens, sessions and counters in between."""

    def __init__(self, policy: Policy, rng: random.Random) -> None:
        self._policy = policy
        self._rng = rng
        self._instance = secrets.token_hex(8)
        self._stats = Stats()
        self._access = Access(policy.organisations, policy.token_expires_s)
        self._gate = Gate(policy, self._stats)
        self._setup = TokenBucket(policy.setup.rate, policy.setup.burst)
        self._sessions = Sessions(policy.drop_all_after_s)
        self._routes: dict[str, tuple[str, Handler]] = {
            "/oauth/token": ("POST", partial(self._step, "token", self._token)),
            "/signaling": ("GET", partial(self._step, "handshake", self._handshake)),
            "/api/v2/media/offer": ("POST", partial(self._step, "offer", self._offer)),
            "/stats": ("GET", self._show_stats),
        }

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        method, handler = self._routes.get(request.path, (None, None))
        if handler is None:
            return Refused(404, "There is nothing here").reply()
        if request.method != method:
            return Refused(405, f"The method here is {method}", {"Allow": f"{method}"}).reply()
        return await handler(request)

    def stats(self) -> dict[str, Any]:
        """What it is and what it has counted, without secrets; ``instance`` tells it from one started in its place."""
        policy = self._policy.model_dump(
            mode="json", by_alias=True, exclude={"organisations": {"__all__": {"client_secret"}}}
        )
        about = {"server": "locust-softphone-edge", "version": __version__, "instance": self._instance}
        return {**about, "policy": policy, **self._stats.as_json()}

    async def _show_stats(self, request: web.BaseRequest) -> web.Response:
        return json_reply(200, self.stats())

    async def _step(self, step: Step, verdict: Verdict, request: web.BaseRequest) -> web.StreamResponse:
        """Read the request, reach a verdict, count it, act on it."""
        counts = self._stats.steps[step]
        try:
            body = await read_body(request)
            admitted = verdict(request, body)
        except ConnectionError:
            return web.Response()  # it never arrived whole: there is no verdict, and nobody to tell
        except Refused as refused:
            counts.refused[refused.status] += 1
            return refused.reply()
        except Impatient as impatient:
            counts.cut += 1
            return self._cut(request, impatient.caller)
        except Exception:
            logger.exception("a verdict failed")
            counts.refused[500] += 1
            return Refused(500, "This is a bug of the edge").reply()
        counts.admitted += 1
        if isinstance(admitted, Session):
            try:
                return await admitted.run(request)
            finally:
                self._sessions.discard(admitted)
        return admitted

    def _token(self, request: web.BaseRequest, body: bytes | None) -> web.Response:
        now = time.monotonic()
        client_id = self._access.client_id(request.headers.get("Authorization", ""))
        if client_id is None:
            raise Refused(401, "No valid client credentials", {"WWW-Authenticate": 'Basic realm="edge"'})
        caller = caller_of(request, client_id)
        self._gate.check_patience("token", caller, now)
        if grant_type(within_limit(body)) != "client_credentials":
            raise Refused(400, "The body must be a form with grant_type=client_credentials")
        headers = self._gate.check_limit("token", caller, now, time.time())
        token = self._access.issue(client_id, now)
        expires_in = int(self._policy.token_expires_s)
        return json_reply(200, {"access_token": token, "token_type": "bearer", "expires_in": expires_in}, headers)

    def _handshake(self, request: web.BaseRequest, body: bytes | None) -> Session:
        now = time.monotonic()
        caller = self._bearer(request, now)
        self._gate.check_patience("handshake", caller, now)
        if request.headers.get("Upgrade", "").strip().lower() != "websocket":
            raise Refused(426, "Only WebSocket is spoken here", {"Upgrade": "websocket", "Connection": "Upgrade"})
        if not web.WebSocketResponse().can_prepare(request):
            raise Refused(400, "Not a WebSocket handshake of version 13", {"Sec-WebSocket-Version": "13"})
        headers = self._gate.check_limit("handshake", caller, now, time.time())
        session = Session(caller, self._policy, self._stats, setup_s=self._setup.reserve(now), headers=headers)
        self._sessions.add(session)
        return session

    def _offer(self, request: web.BaseRequest, body: bytes | None) -> web.Response:
        now = time.monotonic()
        caller = self._bearer(request, now)
        self._gate.check_patience("offer", caller, now)
        message = json_object(within_limit(body))
        session = self._sessions.get(message.get("sessionId"), caller.organisation)
        try:
            headers = self._gate.check_limit("offer", caller, now, time.time())
        except Refused:
            if session is not None:
                session.offer_refused()
            raise
        answer = answer_to(message, self._rng)
        if session is None:
            raise Refused(409, "There is no such session")
        if not session.ready:
            session.cut("early_offer")
            raise Refused(409, "The session was not ready")
        session.offer_answered()
        return json_reply(201, {"sessionId": session.id, "type": "answer", "sdp": answer}, headers)

    def _bearer(self, request: web.BaseRequest, now: float) -> Caller:
        """Whoever a valid token came from."""
        organisation = self._access.organisation(request.headers.get("Authorization", ""), now)
        if organisation is None:
            raise Refused(401, "No valid token", {"WWW-Authenticate": 'Bearer realm="edge"'})
        return caller_of(request, organisation)

    def _cut(self, request: web.BaseRequest, caller: Caller) -> web.Response:
        """Cut the request's connection, and every session that the caller has."""
        for session in self._sessions.of(caller):
            session.cut("impatient")
        if request.transport is not None:
            request.transport.abort()
        return web.Response()  # goes nowhere


def answer_to(message: Mapping[str, object], rng: random.Random) -> str:
    """The SDP answer to the offer in the message."""
    text = message.get("sdp")
    if message.get("type") != "offer" or not isinstance(text, str):
        raise Refused(400, "The body must be JSON with sessionId, type: offer and sdp")
    try:
        offer = parse(text)
    except SdpError as e:
        raise Refused(400, f"Not an offer: {e}") from e
    if not offer.media:
        raise Refused(400, "Not an offer: it has no m-section")
    return answer_for(offer, rng)
