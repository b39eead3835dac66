"""A softphone for Genesys Cloud that does not use the package: HTTP, the websockets library and XML as strings."""

from __future__ import annotations

import itertools
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import escape

from websockets.sync.client import ClientConnection, connect

from tests.edge.softphone import GRANT, basic
from tests.edge_process import EdgeProcess, Response

__all__ = ["CALL", "Agent", "Stream"]

CALL = json.dumps({"phoneNumber": "+15550100"}).encode()
CREDENTIALS = basic("locust-softphone:simulated")
TIMEOUT_S = 20.0

NAMESPACES = {
    "c": "jabber:client",
    "stream": "http://etherx.jabber.org/streams",
    "sasl": "urn:ietf:params:xml:ns:xmpp-sasl",
    "bind": "urn:ietf:params:xml:ns:xmpp-bind",
    "framing": "urn:ietf:params:xml:ns:xmpp-framing",
    "streams": "urn:ietf:params:xml:ns:xmpp-streams",
    "stanzas": "urn:ietf:params:xml:ns:xmpp-stanzas",
    "ping": "urn:xmpp:ping",
    "extdisco": "urn:xmpp:extdisco:1",
    "pubsub": "http://jabber.org/protocol/pubsub",
    "event": "http://jabber.org/protocol/pubsub#event",
    "json": "urn:xmpp:json:0",
    "message": "urn:xmpp:jingle-message:0",
    "jingle": "urn:xmpp:jingle:1",
    "errors": "urn:xmpp:jingle:errors:1",
    "rtp": "urn:xmpp:jingle:apps:rtp:1",
    "ice": "urn:xmpp:jingle:transports:ice-udp:1",
    "dtls": "urn:xmpp:jingle:apps:dtls:0",
    "g": "genesys",
}


def name_of(element: Element) -> str:
    """Its name with the short namespace from ``NAMESPACES``, such as ``c:iq``."""
    namespace, _, name = element.tag.removeprefix("{").partition("}")
    return f"{next(short for short, known in NAMESPACES.items() if known == namespace)}:{name}"


class Stream:
    """The WebSocket of one agent, which sends what the test sends."""

    def __init__(self, websocket: ClientConnection, domain: str = "edge.example") -> None:
        self.websocket = websocket
        self.domain = domain
        self.jid = ""
        self._ids = itertools.count(1)

    def send(self, text: str) -> None:
        self.websocket.send(text)

    def receive(self, expected: str) -> Element:
        """The next element, which must have this name."""
        element = fromstring(str(self.websocket.recv(timeout=TIMEOUT_S)))
        assert name_of(element) == expected, element.tag
        return element

    def open(self) -> Element:
        """Open the stream, or open it again; returns the features that are offered."""
        self.send(f'<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="{self.domain}" version="1.0"/>')
        assert self.receive("framing:open").get("from") == self.domain
        return self.receive("stream:features")

    def authenticate(self, jid: str, password: str) -> Element:
        """Log in; returns the edge's answer."""
        plain = b64encode(f"\0{jid}\0{password}".encode()).decode()
        self.send(f'<auth xmlns="{NAMESPACES["sasl"]}" mechanism="PLAIN">{plain}</auth>')
        return fromstring(str(self.websocket.recv(timeout=TIMEOUT_S)))

    def bind(self, resource: str = "desk") -> str:
        """Bind a resource; returns the full JID."""
        payload = f'<bind xmlns="{NAMESPACES["bind"]}"><resource>{escape(resource)}</resource></bind>'
        self.jid = self.ask("set", payload).findtext("bind:bind/bind:jid", "", NAMESPACES)
        return self.jid

    def request(self, kind: str, payload: str, to: str | None = None) -> str:
        """Send an IQ; returns its id."""
        iq_id = f"q{next(self._ids)}"
        addressed = "" if to is None else f' to="{to}"'
        self.send(f'<iq xmlns="jabber:client" type="{kind}" id="{iq_id}"{addressed}>{payload}</iq>')
        return iq_id

    def ask(self, kind: str, payload: str, to: str | None = None) -> Element:
        """Send an IQ; returns the next element, which must be its answer from the JID that was asked."""
        iq_id = self.request(kind, payload, to)
        answer = self.receive("c:iq")
        assert answer.get("type") in ("result", "error")
        assert (answer.get("id"), answer.get("from")) == (iq_id, to)
        return answer

    def result_of(self, request: Element) -> None:
        """Answer the edge's request."""
        self.send(f'<iq xmlns="jabber:client" type="result" id="{request.get("id")}" to="{request.get("from")}"/>')

    def subscribe_to_pings(self) -> Element:
        payload = f'<pubsub xmlns="{NAMESPACES["pubsub"]}"><subscribe node="enable.server.side.pings"/></pubsub>'
        return self.ask("set", payload, f"notifications.{self.domain}")

    def message(self, to: str, verb: str, session_id: str) -> None:
        """A Jingle message about a call (XEP-0353)."""
        payload = f'<{verb} xmlns="{NAMESPACES["message"]}" id="{session_id}"/>'
        self.send(f'<message xmlns="jabber:client" to="{to}">{payload}</message>')


class Agent:
    """One user, with the given token, or with client credentials."""

    def __init__(self, edge: EdgeProcess, name: str = "alice", token: str | None = None) -> None:
        self.edge = edge
        self.name = name
        self.jid = f"{name}@edge.example"
        self._own_token = token
        self._token = token

    @property
    def token(self) -> str:
        if self._token is None:
            response = self.edge.request("POST", "/oauth/token", GRANT, {"Authorization": CREDENTIALS})
            self._token = str(response.json()["access_token"])
        return self._token

    @property
    def headers(self) -> Mapping[str, str]:
        named = {} if self._own_token else {"X-Softphone-Id": self.name}
        return {"Authorization": f"Bearer {self.token}", **named}

    def identity(self) -> Response:
        return self.edge.request("GET", "/api/v2/users/me", headers=self.headers)

    def channel(self, query: str = "?connectionType=streaming") -> Response:
        return self.edge.request("POST", f"/api/v2/notifications/channels{query}", b"", self.headers)

    def channel_id(self) -> str:
        return str(self.channel().json()["id"])

    def call(self, body: bytes = CALL) -> Response:
        return self.edge.request("POST", "/api/v2/conversations/calls", body, self.headers)

    @contextmanager
    def websocket(self, channel_id: str | None = None) -> Iterator[Stream]:
        """A stream on which nothing was sent yet; as in a browser, no header identifies the user."""
        url = f"ws{self.edge.url.removeprefix('http')}/stream/channels/{channel_id or self.channel_id()}"
        subprotocols: Any = ["xmpp"]
        with connect(url, subprotocols=subprotocols, compression=None) as websocket:
            yield Stream(websocket)

    @contextmanager
    def stream(self, channel_id: str | None = None, resource: str = "desk") -> Iterator[Stream]:
        """A stream on which the agent has logged in."""
        with self.websocket(channel_id) as stream:
            stream.open()
            assert name_of(stream.authenticate(self.jid, f"authKey:{self.token}")) == "sasl:success"
            assert stream.open().find("bind:bind", NAMESPACES) is not None
            assert stream.bind(resource) == f"{self.jid}/{resource}"
            yield stream
