"""The dialect media-offer: a WebSocket that sends ``ready``, and an offer that refers to it.

    token       POST /oauth/token              200 · 400 401 413 429      by the default wire, and for all dialects
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
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote_plus

from aiohttp import web
from wsproto.frame_protocol import Opcode

from locust_softphone.config.wire import OfferWire, ReadyWire, TokenWire, Wire
from locust_softphone.config.wire_template import PLACEHOLDER
from locust_softphone.edge.edge_state import Admitted, EdgeState, Route
from locust_softphone.edge.http_request import Caller, caller_of, check_upgrade, complete_body
from locust_softphone.edge.replies import Refused, json_reply
from locust_softphone.edge.websocket_session import Session
from locust_softphone.edge.wire_reader import RequestReader, message_with
from locust_softphone.limits.keyed import KeyParts
from locust_softphone.sdp import SdpError, make_answer, parse

__all__ = ["MediaOfferDialect"]

# No media flows, so there is no certificate: this is the hash of a sentence.
FINGERPRINT = hashlib.sha256(b"the simulated edge has no certificate").digest().hex(":").upper()


class MediaOfferSession(Session):
    """A session that becomes ready after its turn to be set up, and has a deadline for its offer.

    Text messages are ignored: a client sends only a bye, which its close frame follows.
    """

    def __init__(self, caller: Caller, state: EdgeState) -> None:
        super().__init__(caller, state.policy, state.stats)
        wire = state.policy.wire
        self.subprotocol = wire.handshake.subprotocol
        self.headers = {wire.handshake.session: self.id} if wire.handshake.session else {}
        self._ready_frame = ready_frame(wire, self.id)
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
        if self._ready_frame:
            self._write(Opcode.TEXT, self._ready_frame)
        self._start_pinging()


class MediaOfferDialect:
    """The dialect's requests."""

    def __init__(self, state: EdgeState) -> None:
        self._state = state
        token, handshake, offer = state.policy.wire.token, state.policy.wire.handshake, state.policy.wire.offer
        self._token_reader = RequestReader(token.path, token.headers, token.body)
        self._handshake_reader = RequestReader(handshake.path, handshake.headers)
        self._offer_reader = RequestReader(offer.path, offer.headers, offer.body)
        self._routes = (
            *([] if token == TokenWire() else [(self._token_reader, Route("POST", "token", self._token))]),
            (self._handshake_reader, Route("GET", "handshake", self._handshake)),
            (self._offer_reader, Route("POST", "offer", self._offer)),
        )

    def route(self, target: str) -> Route | None:
        """The route for a request target, or None."""
        return next((route for reader, route in self._routes if reader.is_for(target)), None)

    def _token(self, request: web.BaseRequest, body: bytes | None) -> Admitted:
        state, now, wire = self._state, time.monotonic(), self._state.policy.wire.token
        values = self._token_reader.read(request, body or b"")
        client_id = self._client_id(values)
        if client_id is None:
            raise Refused(401, "No valid client credentials", {"WWW-Authenticate": 'Basic realm="edge"'})
        caller = caller_of(request, client_id)
        state.limiter.check_early_retries("token", caller, now)
        complete_body(body)
        answer = state.limiter.check_limits("token", "token", caller, state.parts(request, caller), now)
        granted = {wire.token: state.access.issue(client_id, now), wire.expires_in: int(state.policy.token_expires_s)}
        headers = {**answer.headers, "Cache-Control": "no-store", "Pragma": "no-cache"}
        return Admitted(json_reply(200, message_with(granted), headers), answer.delay_s)

    def _client_id(self, values: Mapping[str, str]) -> str | None:
        """The OAuth client whose credentials were filled in; without a place for them, the first one."""
        basic = values.get("basic")
        if basic is None and "client_id" in values and "client_secret" in values:
            pair = f"{quote_plus(values['client_id'])}:{quote_plus(values['client_secret'])}"
            basic = b64encode(pair.encode()).decode()
        return None if basic is None else self._state.access.client_id(f"Basic {basic}")

    def _handshake(self, request: web.BaseRequest, body: bytes | None) -> Admitted:
        state, now = self._state, time.monotonic()
        caller, parts = self._caller(request, self._handshake_reader.read(request), now)
        state.limiter.check_early_retries("handshake", caller, now)
        check_upgrade(request, state.policy.wire.handshake.subprotocol)
        answer = state.limiter.check_limits("handshake", "handshake", caller, parts, now)
        session = MediaOfferSession(caller, state)
        held = state.hold("sessions", "handshake", caller, parts, now, session)
        session.headers |= {**answer.headers, **held.headers}
        return Admitted(session, answer.delay_s + held.delay_s)

    def _offer(self, request: web.BaseRequest, body: bytes | None) -> Admitted:
        state, now = self._state, time.monotonic()
        values = self._offer_reader.read(request, body or b"")
        caller, parts = self._caller(request, values, now)
        state.limiter.check_early_retries("offer", caller, now)
        complete_body(body)
        session = state.sessions.get(values.get("session"), caller.organisation)
        if not isinstance(session, MediaOfferSession):
            answer = state.limiter.check_limits("offer", "offer", caller, parts, now, now)
            state.limiter.release("offer", parts, now, now)
            answer_to(values.get("sdp"), state.rng)
            raise Refused(409, "There is no such session", delay_s=answer.delay_s)
        try:
            answer = state.hold("offer", "offer", caller, parts, now, session)
        except Refused:
            session.offer_waits()
            raise
        try:
            sdp = answer_to(values.get("sdp"), state.rng)
        except Refused:
            session.free("offer")
            raise
        if not session.ready:
            session.cut("early_offer")
            raise Refused(409, "The session was not ready")
        if answer.delay_s:
            session.offer_waits()
        message = answer_message(state.policy.wire.offer, {**values, "session": session.id}, sdp)
        reply = json_reply(201, message, answer.headers)
        return Admitted(reply, answer.delay_s, session.offer_answered)

    def _caller(self, request: web.BaseRequest, values: Mapping[str, str], now: float) -> tuple[Caller, KeyParts]:
        token = values.get("token")
        grant = self._state.authorize(request, now) if token is None else self._state.granted(token, now)
        caller = caller_of(request, grant.organisation)
        return caller, self._state.parts(request, caller, grant.id)


def ready_frame(wire: Wire, session_id: str) -> bytes:
    """The frame that tells a client that its session is ready; empty if the wire has none."""
    if wire.ready is None:
        return b""
    values = {"$.type": "ready", "$.session": session_id} if wire.ready == ReadyWire() else dict(wire.ready.match)
    if wire.ready.session:
        values[wire.ready.session] = session_id
    return json.dumps(message_with(values)).encode()


def answer_message(offer: OfferWire, values: Mapping[str, str], sdp: str) -> dict[str, object]:
    """The message with the answer to an offer, with what the offer's request had filled in."""
    match = {
        path: PLACEHOLDER.sub(lambda found: values.get(found[1], ""), each) if isinstance(each, str) else each
        for path, each in offer.match.items()
    }
    session = {offer.session: values["session"]} if offer.session else {}
    message: dict[str, object] = message_with({**session, **match, offer.answer: sdp})
    return message


def answer_to(text: str | None, rng: random.Random) -> str:
    """The SDP answer to an offer.

    Raises:
        Refused: 400, there is no offer.
    """
    if text is None:
        raise Refused(400, "The body must be as the wire has it: JSON with sessionId, type: offer and sdp by default")
    try:
        return make_answer(parse(text), rng, FINGERPRINT)
    except SdpError as e:
        raise Refused(400, f"The offer cannot be answered: {e}") from e
