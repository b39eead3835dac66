"""The WebSocket handshake of the dialect sip.

handshake   GET /ws      101 · 400 426 429      subprotocol sip, RFC 7118 4; then SIP messages
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from aiohttp import web

from locust_softphone.edge.edge_state import Admitted, EdgeState, Route
from locust_softphone.edge.http_request import caller_of, check_upgrade
from locust_softphone.edge.sip.sip_connection import SipConnection
from locust_softphone.edge.sip.sip_server import SipServer

__all__ = ["SipDialect"]


class SipDialect:
    """The dialect's requests."""

    def __init__(self, state: EdgeState) -> None:
        self._state = state
        self._server = SipServer(state)
        self.routes: Mapping[str, Route] = {"/ws": Route("GET", "handshake", self._handshake)}

    def _handshake(self, request: web.BaseRequest, body: bytes | None) -> Admitted:
        state, now = self._state, time.monotonic()
        caller = caller_of(request, self._server.organisation)
        parts = state.parts(request, caller)
        state.limiter.check_early_retries("handshake", caller, now)
        check_upgrade(request, SipConnection.subprotocol)
        answer = state.limiter.check_limits("handshake", "handshake", caller, parts, now)
        connection = SipConnection(caller, parts, self._server, state.policy, state.stats)
        held = state.hold("sessions", "handshake", caller, parts, now, connection)
        connection.headers |= {**answer.headers, **held.headers}
        return Admitted(connection, answer.delay_s + held.delay_s)
