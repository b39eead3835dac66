"""The dialect ``sip`` in virtual time: what each step of a softphone does instead of sending bytes.

    handshake      2 round trips
    registration   2 round trips, REGISTER ► 401 and again ► 200, and the edge's set-up
    offer          2 round trips, INVITE ► 407 and again ► 200; 1 where calls are not challenged
    close          1 round trip

The limits decide about the first of the two requests. Calls from one softphone to another are not simulated.
"""

from __future__ import annotations

from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice
from locust_softphone.metrics.outcome import outcome_of_status
from locust_softphone.signaling.dialect import Reply
from locust_softphone.signaling.token import Token
from locust_softphone.simulation.virtual_dialect import VirtualClient, VirtualMediaOffer, VirtualSession

__all__ = ["VirtualSip"]


class _Client(VirtualClient):
    """The state of one softphone between attempts: none."""

    __slots__ = ()

    given_token = "password"

    def connect(self, token: Token) -> Reply[VirtualSession]:
        session = _Session(self, self._parts)
        return session, session.open()


class VirtualSip(VirtualMediaOffer):
    """The dialect."""

    name = "sip"
    client_type = _Client


class _Session(VirtualSession):
    """One WebSocket with SIP messages."""

    __slots__ = ()

    client: _Client

    def wait_ready(self) -> Reply[None]:
        """Register."""
        wire = self.client.wire
        deadline_s = wire.time.now_s + wire.timeout_s
        advice = self._ask("registration", deadline_s)
        self.wait_until(wire.time.now_s + wire.network.one_way_s(), deadline_s)
        wire.edge.reserve_set_up(self.edge_session)
        work_s = wire.network.work_s()
        self.wait_until(self.edge_session.ready_s + work_s + wire.network.one_way_s(), deadline_s)
        self.ready = True
        return None, advice

    def offer(self, token: Token) -> Reply[object]:
        """Call a number, which the edge answers when it has rung."""
        wire = self.client.wire
        deadline_s, policy = wire.time.now_s + wire.timeout_s, wire.edge.policy.sip
        advice = self._ask("offer", deadline_s)
        if policy.challenge_calls:
            self.exchange(1, deadline_s)
        self.wait_until(wire.time.now_s + policy.ring_for_s, deadline_s)
        wire.edge.answered(self.edge_session)
        return None, advice

    def _upgraded(self) -> None:
        """Nothing: the set-up begins with the registration."""

    def _ask(self, step: str, deadline_s: float) -> LimitAdvice:
        """Send a request that the limits decide about, and wait for its answer.

        Raises:
            AttemptFailed: it was refused, or as ``wait_until``.
        """
        wire = self.client.wire
        self.wait_until(wire.time.now_s + wire.network.one_way_s(), deadline_s)
        self.wait_until(wire.time.now_s + wire.network.work_s(), deadline_s)
        answer = wire.edge.sip_request(step, self.edge_session)
        self.wait_until(wire.time.now_s + answer.delay_s + wire.network.one_way_s(), deadline_s)
        if answer.status < 300:
            return NO_ADVICE
        told = {name: value for name, value in answer.headers.items() if name == "Retry-After"}
        advice = wire.advice(answer._replace(headers=told))
        raise AttemptFailed(outcome_of_status(answer.status), status=answer.status, advice=advice, protocol="SIP")
