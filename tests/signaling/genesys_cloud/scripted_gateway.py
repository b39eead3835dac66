"""The streaming side of an edge that does exactly what a test scripts: stanzas, frames, faults.

def script(gateway):
    gateway.logs_in()                 answers all requests of a softphone until it is ready
    gateway.says(STREAM_ERROR)
    gateway.closes(1008)

with a_session(script) as session: …
"""

from __future__ import annotations

import random
import re
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

from locust_softphone.signaling.dialect import Session
from locust_softphone.signaling.dialects.genesys_cloud.client import GenesysCloud
from locust_softphone.signaling.dialects.genesys_cloud.users import User
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.token import Token
from tests.signaling.scripted_server import Script, close_frame, frame, serving, switches
from tests.signaling.softphones import CREDENTIALS

__all__ = ["CLOSE", "DOMAIN", "STREAM_ERROR", "Gateway", "a_session", "streaming"]

DOMAIN = "edge.example"
CLOSE = '<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>'
STREAM_ERROR = (
    '<stream:error xmlns:stream="http://etherx.jabber.org/streams">'
    '<policy-violation xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error>'
)
_OPEN = f'<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" from="{DOMAIN}" id="1" version="1.0"/>'
_FEATURES = '<stream:features xmlns:stream="http://etherx.jabber.org/streams">{}</stream:features>'
_PLAIN = '<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>PLAIN</mechanism></mechanisms>'
_BIND = '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/>'
_BOUND = f'<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>agent@{DOMAIN}/web</jid></bind>'
_TEXT, _CLOSE_OPCODE = 1, 8


class Gateway:
    """A script's connection to a softphone."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._read = connection.makefile("rb")

    def hears(self) -> str:
        """The softphone's next text message; empty when it has closed, or is gone."""
        head = self._read.read(2)
        if len(head) < 2 or head[0] & 15 != _TEXT:
            return ""
        size = head[1] & 127
        if size == 126:
            (size,) = struct.unpack("!H", self._read.read(2))
        mask, payload = self._read.read(4), self._read.read(size)
        return bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)).decode()

    def says(self, *stanzas: str) -> None:
        self._connection.sendall(b"".join(frame(_TEXT, stanza.encode()) for stanza in stanzas))

    def closes(self, code: int) -> None:
        """Send a close frame, and leave."""
        self._connection.sendall(close_frame(code))
        self.leaves()

    def leaves(self) -> None:
        """End the connection without a close frame."""
        self._connection.shutdown(socket.SHUT_WR)

    def waits(self) -> None:
        """Say nothing until the softphone is gone."""
        self._read.read()

    def answers(self, request: str, inner: str = "", kind: str = "result") -> None:
        """Answer an iq."""
        found = re.search(r' id="([^"]*)"', request)
        assert found is not None, request
        self.says(f'<iq xmlns="jabber:client" type="{kind}" id="{found[1]}">{inner}</iq>')

    def opens(self) -> str:
        """The softphone opens the stream: offer SASL PLAIN; returns what it logs in with."""
        assert self.hears().startswith("<open")
        self.says(_OPEN, _FEATURES.format(_PLAIN))
        return self.hears()

    def logs_in(self, *, pings: bool = True) -> None:
        """Everything until the softphone is ready; ``pings`` is whether the edge agrees to ping."""
        assert self.opens().startswith("<auth")
        self.says('<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>')
        assert self.hears().startswith("<open")
        self.says(_OPEN, _FEATURES.format(_BIND))
        self.answers(self.hears(), _BOUND)
        for _ in ("turn", "stun"):
            self.answers(self.hears())
        self.answers(self.hears(), kind="result" if pings else "error")
        for _ in ("turn", "stun"):
            self.answers(self.hears())


def streaming(script: Callable[[Gateway], None]) -> Script:
    """Accept the upgrade to XMPP, then run a script."""
    return switches(then=lambda connection: script(Gateway(connection)), extra=b"Sec-WebSocket-Protocol: xmpp\r\n")


@contextmanager
def a_session(script: Callable[[Gateway], None], **dialect: Any) -> Iterator[Session]:
    """The session of a softphone on such a gateway: its WebSocket is open, and it has not logged in yet.

    Args:
        script: what the gateway does.
        dialect: what else ``GenesysCloud`` is given.
    """
    options: dict[str, Any] = {"timeout_s": 30.0, "user_agent": "tests", "random": random.Random(1), **dialect}
    with serving(streaming(script)) as target:
        users = [User(f"agent@{DOMAIN}", "of-the-agent")]
        line = GenesysCloud(Hosts.one(target), CREDENTIALS, users=users, **options).client(0)
        session, _ = line.connect(Token(line.given_token, inf, inf))
        try:
            yield session
        finally:
            session.abort()
