"""One WebSocket to Genesys Cloud: logged in, kept alive, with calls on it.

    wait_ready    open, SASL PLAIN, bind      the user's JID, with "authKey:" and the token as the password
                  extdisco turn and stun      urn:xmpp:extdisco:1, to the JID's domain
                  pubsub subscribe            enable.server.side.pings, to notifications.{api host}; if it is refused,
                                              the softphone pings
                  extdisco again              as the real client does once it is connected, without waiting
    offer         POST conversations/calls; the edge proposes the call and offers, the softphone answers; until the
                  call is active
    listen        answers pings and calls that others make
    bye           hang up the calls, <close/>, close 1000

Source: genesys-cloud-streaming-client 19.4.1, client.js, webrtc.js, server-monitor.js, ping.js and
connection-transfer.js.
"""

from __future__ import annotations

import time
from collections import deque
from random import Random
from typing import Protocol
from xml.etree.ElementTree import Element

from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import NO_ADVICE
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.dialect import Reply
from locust_softphone.signaling.dialects.genesys_cloud.calls import PROPOSE, RETRACT, WEBRTC, Call, Calls
from locust_softphone.signaling.dialects.genesys_cloud.keep_alive import Due, Intervals, KeepAlive
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.stream import remaining_s
from locust_softphone.signaling.token import Token
from locust_softphone.signaling.websocket import ABNORMAL, NORMAL, Connection
from locust_softphone.signaling.xmpp.jingle import JINGLE
from locust_softphone.signaling.xmpp.login import log_in
from locust_softphone.signaling.xmpp.stanza import IQ, MESSAGE, addresses, error_of, escape, iq, result_of
from locust_softphone.signaling.xmpp.xml_stream import CLOSE, XmppStream

__all__ = ["INBOUND_ANSWERED", "Session", "SessionClient", "SessionSettings"]

INBOUND_ANSWERED = "inbound_calls_answered"
"""Counted for each active call that the edge proposed without a request of the softphone."""

_PING = "{urn:xmpp:ping}ping"
_TRANSFER = "{urn:xmpp:cxfr}query"
_EVENT = "{http://jabber.org/protocol/pubsub#event}event"
_NEW_CHANNEL = ("no_longer_subscribed", "duplicate_id")
_EXTDISCO = "urn:xmpp:extdisco:1"
_PUBSUB = "http://jabber.org/protocol/pubsub"
_STREAM_ERROR = (
    '<stream:error xmlns:stream="http://etherx.jabber.org/streams">'
    '<connection-timeout xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error>'
)


class SessionSettings(Protocol):
    """What all sessions of one dialect have in common."""

    hosts: Hosts
    timeout_s: float
    random: Random
    keep_alive: Intervals


class SessionClient(Protocol):
    """The softphone that a session belongs to."""

    jid: str
    resource: str

    @property
    def dialect(self) -> SessionSettings:
        """The settings that all softphones share."""

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the softphone's certificate."""

    def place_call(self, token: Token) -> Reply[str]:
        """Ask the edge for a call; returns the conversation's id."""

    def forget_channel(self) -> None:
        """Open the next connection on a new channel."""


class Session:
    """One WebSocket.

    Args:
        client: the softphone that it belongs to.
        token: the token that it logs in with.
        connection: the WebSocket, with the subprotocol ``xmpp``.
    """

    __slots__ = (
        "_calls",
        "_client",
        "_events",
        "_keep_alive",
        "_ping_id",
        "_placed",
        "_stream",
        "_timeout_s",
        "_token",
        "pings",
        "ready",
    )

    def __init__(self, client: SessionClient, token: Token, connection: Connection) -> None:
        self.ready = False
        self.pings = 0
        self._client = client
        self._timeout_s = client.dialect.timeout_s
        self._token = token
        self._stream = XmppStream(connection)
        self._calls: Calls | None = None
        self._keep_alive: KeepAlive | None = None
        self._ping_id = ""
        self._placed: set[str] = set()
        self._events: deque[str] = deque()

    @property
    def jid(self) -> str:
        """The full JID, once the edge has bound it."""
        return self._stream.jid

    # The steps.

    def wait_ready(self) -> Reply[None]:
        """Log in, and ask for what the real client asks for before it counts as connected."""
        client, stream = self._client, self._stream
        deadline_s = time.perf_counter() + self._timeout_s
        try:
            log_in(stream, client.jid, client.jid, f"authKey:{self._token.bearer}", client.resource, deadline_s)
        except AttemptFailed as failed:
            if failed.outcome in (Outcome.UNAUTHORIZED, Outcome.UNAVAILABLE):
                client.forget_channel()
            raise
        self._calls = Calls(stream.jid, stream.new_id, client.fingerprint, client.dialect.random)
        self._ask(deadline_s, self._extdisco("turn"), self._extdisco("stun"))
        (edge_pings,) = self._ask(deadline_s, self._subscription())
        self._keep_alive = KeepAlive(time.perf_counter(), edge_pings=edge_pings, intervals=client.dialect.keep_alive)
        stream.send(remaining_s(deadline_s), self._extdisco("turn")[1], self._extdisco("stun")[1])
        self.ready = True
        return None, NO_ADVICE

    def offer(self, token: Token) -> Reply[Call]:
        """Place a call. Calls that are still open are hung up first, because a user is in one call at a time."""
        assert self._calls is not None
        deadline_s = time.perf_counter() + self._timeout_s
        self.end_calls()
        conversation, advice = self._client.place_call(token)
        self._placed.add(conversation)
        call: Call | None = None
        while call is None or call.state != "active":
            self._handle(self._stream.expect(deadline_s))
            call = call or self._calls.of_conversation(conversation)
            if call is not None and call.state == "failed":
                raise AttemptFailed(Outcome.REJECTED)
        return call, advice

    def end_calls(self) -> None:
        """Hang up all calls, without waiting for the results."""
        if self._calls is not None and (ended := self._calls.end_all()):
            self._stream.send(self._timeout_s, *ended)

    def listen(self, timeout_s: float) -> str | None:
        if self._events:
            return self._events.popleft()
        now_s = time.perf_counter()
        due_s = self._keep_alive.due_s if self._keep_alive is not None else now_s + timeout_s
        element = self._stream.receive(max(min(timeout_s, due_s - now_s), 0.0))
        if element is None:
            self._keep_connection(time.perf_counter())
            return None
        self._handle(element)
        return self._events.popleft() if self._events else None

    def bye(self) -> int:
        """Hang up, close the stream and the WebSocket with 1000. The channel is not used again (``disconnect()``)."""
        self._client.forget_channel()
        stanzas = self._calls.end_all() if self._calls is not None else []
        return self._stream.close(self._timeout_s, *stanzas)

    def cut(self) -> None:
        self._stream.connection.cut(CLOSE)

    def abort(self) -> None:
        self._stream.connection.abort()

    # Elements from the edge.

    def _handle(self, element: Element) -> None:
        if self._keep_alive is not None:
            self._keep_alive.heard(self._stream.heard_s)
        if element.tag == IQ:
            kind = element.get("type")
            replies = self._on_answer(element, kind) if kind in ("result", "error") else self._on_request(element)
        elif element.tag == MESSAGE:
            replies = self._on_message(element)
        else:
            return  # presence, <open/>, or a stream error, which a close frame follows
        if replies:
            self._stream.send(self._timeout_s, *replies)

    def _on_answer(self, answer: Element, kind: str) -> list[str]:
        """Handle the answer to an iq of the softphone."""
        assert self._calls is not None
        id_ = answer.get("id", "")
        if id_ == self._ping_id and self._keep_alive is not None:
            self._keep_alive.answered(self._stream.heard_s, ok=kind == "result")
            return []
        replies = self._calls.acknowledged(id_, ok=kind == "result")
        if active := self._calls.become_active:
            self._calls.become_active = []
            self._events.extend(INBOUND_ANSWERED for call in active if call.conversation not in self._placed)
        return replies

    def _on_request(self, request: Element) -> list[str]:
        """Handle an iq that needs an answer (RFC 6120 8.2.3)."""
        assert self._calls is not None
        peer = request.get("from", "")
        for child in request:
            if child.tag == _PING:
                self.pings += 1
                return [result_of(request)]
            if child.tag == WEBRTC:
                return [result_of(request), *self._calls.on_webrtc(peer, child)]
            if child.tag == JINGLE:
                return [result_of(request), *self._calls.on_jingle(peer, child)]
            if child.tag == _TRANSFER:
                self._transfer(result_of(request))
        return [error_of(request)]

    def _on_message(self, message: Element) -> list[str]:
        assert self._calls is not None
        for child in message:
            if child.tag == PROPOSE:
                return self._calls.proposed(message.get("from", ""), child)
            if child.tag == RETRACT:
                self._calls.retracted(child.get("id", ""))
            elif child.tag == _EVENT:
                topics = "".join(items.get("node", "") for items in child)
                if any(topic in topics for topic in _NEW_CHANNEL):
                    self._client.forget_channel()
        return []

    def _transfer(self, answer: str) -> None:
        """Close this connection at the edge's request (XEP-0051); the softphone then opens another one."""
        self._client.forget_channel()
        self._stream.close(self._timeout_s, answer)
        raise AttemptFailed(Outcome.CLOSED, close_code=NORMAL)

    # Requests of the softphone.

    def _keep_connection(self, now_s: float) -> None:
        """After a time without an element: ping, or give the connection up."""
        if self._keep_alive is None:
            return
        due = self._keep_alive.due(now_s)
        if due is Due.PING:
            self._ping_id = self._stream.new_id()
            self._stream.send(self._timeout_s, iq("get", self._ping_id, '<ping xmlns="urn:xmpp:ping"/>'))
        elif due is Due.GIVE_UP:
            self._stream.connection.cut(_STREAM_ERROR, CLOSE)
            raise AttemptFailed(Outcome.TIMED_OUT, close_code=ABNORMAL)

    def _ask(self, deadline_s: float, *questions: tuple[str, str]) -> list[bool]:
        """Send iqs together and wait for all answers; returns for each whether it is a result and not an error."""
        self._stream.send(remaining_s(deadline_s), *(stanza for _, stanza in questions))
        answers: dict[str, bool] = {}
        while any(id_ not in answers for id_, _ in questions):
            element = self._stream.expect(deadline_s)
            if element.tag == IQ and element.get("type") in ("result", "error"):
                answers[element.get("id", "")] = element.get("type") == "result"
            else:
                self._handle(element)
        return [answers[id_] for id_, _ in questions]

    def _extdisco(self, kind: str) -> tuple[str, str]:
        id_, domain = self._stream.new_id(), self._client.jid.partition("@")[2]
        return id_, iq("get", id_, f'<services xmlns="{_EXTDISCO}" type="{kind}"/>', addresses(domain))

    def _subscription(self) -> tuple[str, str]:
        id_, bare = self._stream.new_id(), escape(self._stream.jid.partition("/")[0])
        content = f'<pubsub xmlns="{_PUBSUB}"><subscribe node="enable.server.side.pings" jid="{bare}"/></pubsub>'
        return id_, iq("set", id_, content, addresses(f"notifications.{self._client.dialect.hosts.api.host}"))
