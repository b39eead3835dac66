"""The dialect media-offer: a WebSocket that sends ``ready``, and an offer that refers to it.

    handshake   GET  /signaling                101 · 400 401 426 429      then the session runs
    offer       POST /api/v2/media/offer       201 · 400 401 409 413 429

    101 ── set-up time ──► ready ──► offer answered
                             └─ offer refused ── offer deadline ──► cut

The edge cuts a WebSocket whose offer comes before ``ready``, or is not answered within the offer deadline.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Mapping

from aiohttp import web
from wsproto.frame_protocol import Opcode

from locust_softphone.edge.edge_state import Admitted, EdgeState, Route
from locust_softphone.edge.http_request import Caller, caller_of, check_upgrade, complete_body
from locust_softphone.edge.replies import Refused, json_reply
from locust_softphone.edge.websocket_session import Session
from locust_softphone.limits.keyed import KeyParts
from locust_softphone.sdp import SdpError, make_answer, parse
from locust_softphone.untrusted import json_object

__all__ = ["MediaOfferDialect"]

# No media flows, so there is no certificate: this is the hash of a sentence.
FINGERPRINT = hashlib.sha256(b"the simulated edge has no certificate").digest().hex(":").upper()


class MediaOfferSession(Session):
    """A session that becomes ready after its turn to be set up, and has a deadline for its offer.

    Text messages are ignored: a client sends only a bye, which its close frame follows.
    """

    def __init__(self, caller: Caller, state: EdgeState) -> None:
        super().__init__(caller, state.policy, state.stats)
        self.headers = {"X-Session-Id": self.id}
        self._setup = state.setup
        self._deadline_runs = False
        self.ready = False

    def offer_waits(self) -> None:
        """Start the offer deadline, unless it already runs: an offer was refused, or waits in a queue."""
        if not self._deadline_runs:
            self._deadline_runs = True
            self._after(self._policy.offer_deadline_s, self.cut, "offer deadline", "offer_deadline")

    def offer_answered(self) -> None:
        """End the offer deadline, and count the session as answered, unless it has ended in the meantime."""
        if self.ended:
            return
        self._deadline_runs = False
        self._cancel_timer("offer deadline")
        self.call_answered()

    def _on_connected(self) -> None:
        setup_s = self._setup.reserve(time.monotonic())
        if setup_s:
            self._after(setup_s, self._become_ready, "set-up")
        else:
            self._become_ready()

    def _become_ready(self) -> None:
        self.ready = True
        self._stats.ready += 1
        self._write(Opcode.TEXT, json.dumps({"type": "ready", "session": self.id}).encode())
        self._start_pinging()


class MediaOfferDialect:
    """The dialect's requests."""

    def __init__(self, state: EdgeState) -> None:
        self._state = state
        self.routes: Mapping[str, Route] = {
            "/signaling": Route("GET", "handshake", self._handshake),
            "/api/v2/media/offer": Route("POST", "offer", self._offer),
        }

    def _handshake(self, request: web.BaseRequest, body: bytes | None) -> Admitted:
        state, now = self._state, time.monotonic()
        caller, parts = self._caller(request, now)
        state.limiter.check_early_retries("handshake", caller, now)
        check_upgrade(request)
        answer = state.limiter.check_limits("handshake", "handshake", caller, parts, now)
        session = MediaOfferSession(caller, state)
        held = state.hold("sessions", "handshake", caller, parts, now, session)
        session.headers |= {**answer.headers, **held.headers}
        return Admitted(session, answer.delay_s + held.delay_s)

    def _offer(self, request: web.BaseRequest, body: bytes | None) -> Admitted:
        state, now = self._state, time.monotonic()
        caller, parts = self._caller(request, now)
        state.limiter.check_early_retries("offer", caller, now)
        message = json_object(complete_body(body))
        session = state.sessions.get(message.get("sessionId"), caller.organisation)
        if not isinstance(session, MediaOfferSession):
            answer = state.limiter.check_limits("offer", "offer", caller, parts, now, now)
            state.limiter.release("offer", parts, now, now)
            answer_to(message, state.rng)
            raise Refused(409, "There is no such session", delay_s=answer.delay_s)
        try:
            answer = state.hold("offer", "offer", caller, parts, now, session)
        except Refused:
            session.offer_waits()
            raise
        try:
            sdp = answer_to(message, state.rng)
        except Refused:
            session.free("offer")
            raise
        if not session.ready:
            session.cut("early_offer")
            raise Refused(409, "The session was not ready")
        if answer.delay_s:
            session.offer_waits()
        reply = json_reply(201, {"sessionId": session.id, "type": "answer", "sdp": sdp}, answer.headers)
        return Admitted(reply, answer.delay_s, session.offer_answered)

    def _caller(self, request: web.BaseRequest, now: float) -> tuple[Caller, KeyParts]:
        grant = self._state.authorize(request, now)
        caller = caller_of(request, grant.organisation)
        return caller, self._state.parts(request, caller, grant.id)


def answer_to(message: Mapping[str, object], rng: random.Random) -> str:
    """The SDP answer to the offer in the message.

    Raises:
        Refused: 400, the message does not hold an offer.
    """
    text = message.get("sdp")
    if message.get("type") != "offer" or not isinstance(text, str):
        raise Refused(400, "The body must be JSON with sessionId, type: offer and sdp")
    try:
        return make_answer(parse(text), rng, FINGERPRINT)
    except SdpError as e:
        raise Refused(400, f"The offer cannot be answered: {e}") from e
