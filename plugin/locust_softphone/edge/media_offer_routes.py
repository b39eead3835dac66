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

from locust_softphone.edge.edge_state import EdgeState, Route
from locust_softphone.edge.http_request import Caller, caller_of, check_upgrade, complete_body
from locust_softphone.edge.policy import Policy
from locust_softphone.edge.replies import Refused, json_reply
from locust_softphone.edge.stats import Stats
from locust_softphone.edge.websocket_session import Session
from locust_softphone.sdp import SdpError, make_answer, parse
from locust_softphone.untrusted import json_object

__all__ = ["MediaOfferDialect"]

# No media flows, so there is no certificate: this is the hash of a sentence.
FINGERPRINT = hashlib.sha256(b"the simulated edge has no certificate").digest().hex(":").upper()


class MediaOfferSession(Session):
    """A session that becomes ready after ``setup_s`` seconds, and has a deadline for its offer.

    Text messages are ignored: a client sends only a bye, which its close frame follows.
    """

    def __init__(
        self, caller: Caller, policy: Policy, stats: Stats, *, setup_s: float, headers: Mapping[str, str]
    ) -> None:
        super().__init__(caller, policy, stats, headers)
        self._headers = {**headers, "X-Session-Id": self.id}
        self._setup_s = setup_s
        self._deadline_runs = False
        self.ready = False

    def offer_refused(self) -> None:
        """Start the offer deadline, unless it already runs."""
        if not self._deadline_runs:
            self._deadline_runs = True
            self._after(self._policy.offer_deadline_s, self.cut, "offer deadline", "offer_deadline")

    def offer_answered(self) -> None:
        """End the offer deadline, and count the session as answered."""
        self._deadline_runs = False
        self._cancel_timer("offer deadline")
        self.call_answered()

    def _on_connected(self) -> None:
        if self._setup_s:
            self._after(self._setup_s, self._become_ready, "set-up")
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

    def _handshake(self, request: web.BaseRequest, body: bytes | None) -> Session:
        state, now = self._state, time.monotonic()
        caller = self._caller(request, now)
        state.limiter.check_early_retries("handshake", caller, now)
        check_upgrade(request)
        headers = state.limiter.check_limit("handshake", caller, now)
        setup_s = state.setup.reserve(now)
        return MediaOfferSession(caller, state.policy, state.stats, setup_s=setup_s, headers=headers)

    def _offer(self, request: web.BaseRequest, body: bytes | None) -> web.Response:
        state, now = self._state, time.monotonic()
        caller = self._caller(request, now)
        state.limiter.check_early_retries("offer", caller, now)
        message = json_object(complete_body(body))
        session = state.sessions.get(message.get("sessionId"), caller.organisation)
        if not isinstance(session, MediaOfferSession):
            session = None
        try:
            headers = state.limiter.check_limit("offer", caller, now)
        except Refused:
            if session is not None:
                session.offer_refused()
            raise
        answer = answer_to(message, state.rng)
        if session is None:
            raise Refused(409, "There is no such session")
        if not session.ready:
            session.cut("early_offer")
            raise Refused(409, "The session was not ready")
        session.offer_answered()
        return json_reply(201, {"sessionId": session.id, "type": "answer", "sdp": answer}, headers)

    def _caller(self, request: web.BaseRequest, now: float) -> Caller:
        return caller_of(request, self._state.authorize(request, now).organisation)


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
