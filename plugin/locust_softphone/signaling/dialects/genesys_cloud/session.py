"""One WebSocket to Genesys Cloud: logged in, kept alive, and whatever the edge says on it.

    wait_ready    open, SASL PLAIN, bind      the user's JID, and "authKey:" + the token for a password
                  extdisco turn and stun      urn:xmpp:extdisco:1, to the JID's domain
                  pubsub subscribe            enable.server.side.pings, to notifications.{api host}: refused, we ping
                  extdisco again              as the real client does once it is connected; nobody waits for it
    offer         POST conversations/calls; then the edge proposes the call and offers, we answer; until it is active
    listen        pings, and calls that others make: answered, and counted
    bye           hang up the calls, <close/>, close 1000

Read from genesys-cloud-streaming-client 19.4.1: client.js, webrtc.js, server-monitor.js, ping.js and
connection-transfer.js.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from random import Random
from typing import Protocol

from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import NO_ADVICE
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.dialect import Reply
from locust_softphone.signaling.dialects.genesys_cloud.calls import PROPOSE, RETRACT, WEBRTC, Call, Calls
from locust_softphone.signaling.dialects.genesys_cloud.keep_alive import Due, Intervals, KeepAlive
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.token import Token
from locust_softphone.signaling.websocket import ABNORMAL, NORMAL, Connection
from locust_softphone.signaling.xmpp.jingle import JINGLE
from locust_softphone.signaling.xmpp.login import log_in
from locust_softphone.signaling.xmpp.stanza import Element, escape
from locust_softphone.signaling.xmpp.xml_stream import CLOSE, XmppStream

__all__ = ["INBOUND_ANSWERED", "Session", "SessionClient", "SessionSettings"]

INBOUND_ANSWERED = "inbound_calls_answered"
"""Counted for each call that the edge proposed without our asking for it, and that became active."""

_IQ = "jabber:client iq"
_MESSAGE = "jabber:client message"
_PING = "urn:xmpp:ping ping"
_TRANSFER = "urn:xmpp:cxfr query"
_EVENT = "http://jabber.org/protocol/pubsub#event event"
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
    """What a session needs of the softphone that it belongs to."""

    jid: str
    resource: str

    @property
    def dialect(self) -> SessionSettings:
        """The settings that all softphones share."""

    @property
    def fingerprint(self) -> str:
        """Of the softphone's certificate."""

    def place_call(self, token: Token) -> Reply[str]:
        """Ask the edge to call somebody; returns the conversation's id."""

    def forget_channel(self) -> None:
        """The next connection is to have a new channel."""


class Session:
    """One WebSocket.

    Args:
        client: the softphone that it belongs to.
        token: what it logs in with.
        connection: the WebSocket, with the subprotocol ``xmpp``.
    """

    __slots__ = (
        "_calls",
        "_client",
        "_happened",
        "_keep_alive",
        "_ping_id",
        "_placed",
        "_stream",
        "_token",
        "pings",
        "ready",
    )

    def __init__(self, client: SessionClient, token: Token, connection: Connection) -> None:
        self.ready = False
        self.pings = 0
        self._client = client
        self._token = token
        self._stream = XmppStream(connection)
        self._calls: Calls | None = None
        self._keep_alive: KeepAlive | None = None
        self._ping_id = ""
        self._placed: set[str] = set()
        self._happened: deque[str] = deque()

    @property
    def jid(self) -> str:
        """The full JID, once the edge has bound it."""
        return self._stream.jid

    # The steps.

    def wait_ready(self) -> Reply[None]:
        """Log in, and ask for what the real client asks for before it calls itself connected."""
        client, stream = self._client, self._stream
        deadline_s = time.perf_counter() + client.dialect.timeout_s
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
        stream.send(self._left(deadline_s), self._extdisco("turn")[1], self._extdisco("stun")[1])
        self.ready = True
        return None, NO_ADVICE

    def offer(self, token: Token) -> Reply[Call]:
        """Place a call; whatever call there still is on this connection is hung up first, a user being in one."""
        assert self._calls is not None
        deadline_s = time.perf_counter() + self._client.dialect.timeout_s
        self.end_calls()
        conversation, advice = self._client.place_call(token)
        self._placed.add(conversation)
        call: Call | None = None
        while call is None or call.state != "active":
            element = self._stream.receive(self._left(deadline_s))
            if element is None:
                raise AttemptFailed(Outcome.TIMED_OUT)
            self._hear(element)
            call = call or self._calls.of_conversation(conversation)
            if call is not None and call.state == "failed":
                raise AttemptFailed(Outcome.REJECTED)
        return call, advice

    def end_calls(self) -> None:
        """Hang up whatever calls there are; nobody waits for the edge to say so too."""
        if self._calls is not None and (ended := self._calls.end_all()):
            self._stream.send(self._client.dialect.timeout_s, *ended)

    def listen(self, timeout_s: float) -> str | None:
        if self._happened:
            return self._happened.popleft()
        now_s = time.perf_counter()
        due_s = self._keep_alive.due_s if self._keep_alive is not None else now_s + timeout_s
        element = self._stream.receive(max(min(timeout_s, due_s - now_s), 0.0))
        if element is None:
            self._look_after(time.perf_counter())
            return None
        self._hear(element)
        return self._happened.popleft() if self._happened else None

    def bye(self) -> int:
        """Hang up, close the stream and the WebSocket with 1000. The channel is not used again (``disconnect()``)."""
        self._client.forget_channel()
        words = self._calls.end_all() if self._calls is not None else []
        return self._stream.close(self._client.dialect.timeout_s, *words)

    def abort(self) -> None:
        self._stream.connection.abort()

    # What the edge says.

    def _hear(self, element: Element) -> None:
        """Do what a stanza asks for."""
        if self._keep_alive is not None:
            self._keep_alive.heard(self._stream.heard_s)
        if element.name == _IQ:
            kind = element.get("type")
            replies = self._settled(element, kind) if kind in ("result", "error") else self._asked(element)
        elif element.name == _MESSAGE:
            replies = self._messaged(element)
        else:
            return  # presence, an <open/> or a stream error, whose end the close frame tells
        if replies:
            self._stream.send(self._client.dialect.timeout_s, *replies)

    def _settled(self, iq: Element, kind: str) -> list[str]:
        assert self._calls is not None
        id_ = iq.get("id")
        if id_ == self._ping_id and self._keep_alive is not None:
            self._keep_alive.answered(self._stream.heard_s, well=kind == "result")
            return []
        replies = self._calls.settled(id_, well=kind == "result")
        for call in self._take_active():
            if call.conversation not in self._placed:
                self._happened.append(INBOUND_ANSWERED)
        return replies

    def _take_active(self) -> list[Call]:
        assert self._calls is not None
        taken, self._calls.become_active = self._calls.become_active, []
        return taken

    def _asked(self, iq: Element) -> list[str]:
        """An iq that wants an answer, and gets one (RFC 6120 8.2.3)."""
        assert self._calls is not None
        peer = iq.get("from")
        for child in iq.children:
            if child.name == _PING:
                self.pings += 1
                return [_result(iq)]
            if child.name == WEBRTC:
                return [_result(iq), *self._calls.told(peer, child)]
            if child.name == JINGLE:
                return [_result(iq), *self._calls.told_by_jingle(peer, child)]
            if child.name == _TRANSFER:
                self._leave(_result(iq))
        return [_not_supported(iq)]

    def _messaged(self, message: Element) -> list[str]:
        assert self._calls is not None
        for child in message.children:
            if child.name == PROPOSE:
                return self._calls.proposed(message.get("from"), child)
            if child.name == RETRACT:
                self._calls.retracted(child.get("id"))
            elif child.name == _EVENT:
                topics = "".join(items.get("node") for items in child.children)
                if any(topic in topics for topic in _NEW_CHANNEL):
                    self._client.forget_channel()
        return []

    # Keeping the connection, and leaving it.

    def _look_after(self, now_s: float) -> None:
        """Nothing has come for a while: ping, or take the connection for dead."""
        if self._keep_alive is None:
            return
        due = self._keep_alive.due(now_s)
        if due is Due.PING:
            self._ping_id = self._stream.new_id()
            ping = '<ping xmlns="urn:xmpp:ping"/>'
            iq = f'<iq xmlns="jabber:client" type="get" id="{self._ping_id}">{ping}</iq>'
            self._stream.send(self._client.dialect.timeout_s, iq)
        elif due is Due.GIVE_UP:
            self._stream.send(self._client.dialect.timeout_s, _STREAM_ERROR, CLOSE)
            raise AttemptFailed(Outcome.TIMED_OUT, close_code=ABNORMAL)

    def _leave(self, *words: str) -> None:
        """The edge asks us to come back on another socket (XEP-0051): close this one, which ends the connection."""
        self._client.forget_channel()
        self._stream.close(self._client.dialect.timeout_s, *words)
        raise AttemptFailed(Outcome.CLOSED, close_code=NORMAL)

    # Asking.

    def _ask(self, deadline_s: float, *questions: tuple[str, str]) -> list[bool]:
        """Send iqs together and wait for the answer to each: whether it is a result."""
        self._stream.send(self._left(deadline_s), *(stanza for _, stanza in questions))
        answers: dict[str, bool] = {}
        while any(id_ not in answers for id_, _ in questions):
            element = self._stream.expect(deadline_s)
            if element.name == _IQ and element.get("type") in ("result", "error"):
                answers[element.get("id")] = element.get("type") == "result"
            else:
                self._hear(element)
        return [answers[id_] for id_, _ in questions]

    def _extdisco(self, kind: str) -> tuple[str, str]:
        to = self._client.jid.partition("@")[2]
        return self._iq("get", to, f'<services xmlns="{_EXTDISCO}" type="{kind}"/>')

    def _subscription(self) -> tuple[str, str]:
        bare = escape(self._stream.jid.partition("/")[0])
        inner = f'<pubsub xmlns="{_PUBSUB}"><subscribe node="enable.server.side.pings" jid="{bare}"/></pubsub>'
        return self._iq("set", f"notifications.{self._client.dialect.hosts.api.host}", inner)

    def _iq(self, kind: str, to: str, inner: str) -> tuple[str, str]:
        """An iq and its id."""
        id_ = self._stream.new_id()
        return id_, f'<iq xmlns="jabber:client" type="{kind}" id="{id_}" to="{escape(to)}">{inner}</iq>'

    @staticmethod
    def _left(deadline_s: float) -> float:
        return max(deadline_s - time.perf_counter(), 0.0)


def _result(iq: Element) -> str:
    return f'<iq xmlns="jabber:client" type="result" {_back(iq.attributes)}/>'


def _not_supported(iq: Element) -> str:
    error = '<error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>'
    return f'<iq xmlns="jabber:client" type="error" {_back(iq.attributes)}>{error}</iq>'


def _back(attributes: Mapping[str, str]) -> str:
    """The id of an iq, and to where its answer goes."""
    sender = attributes.get("from")
    to = f' to="{escape(sender)}"' if sender else ""
    return f'id="{escape(attributes.get("id", ""))}"{to}'
