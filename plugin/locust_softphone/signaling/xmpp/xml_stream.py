"""An XMPP stream in a WebSocket (RFC 7395): each text message is one whole element.

open       <open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="edge.example" version="1.0"/>
stanzas    those that are ready together go out in one write
close      <close/>, then the WebSocket's own close
"""

from __future__ import annotations

import time
from itertools import count
from typing import NoReturn
from xml.etree.ElementTree import Element

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.stream import remaining_s
from locust_softphone.signaling.websocket import ABNORMAL, Connection
from locust_softphone.signaling.xmpp.stanza import escape
from locust_softphone.untrusted import XmlError, xml_element

__all__ = ["CLOSE", "SUBPROTOCOL", "XmppStream"]

SUBPROTOCOL = "xmpp"
_FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
CLOSE = f'<close xmlns="{_FRAMING}"/>'
_CLOSE_TAG = f"{{{_FRAMING}}}close"
_CLOSE_TIMEOUT_S = 1.0  # from the server's <close/> until it closes the WebSocket too, as stanza.js has it


class XmppStream:
    """One XMPP stream.

    Args:
        connection: a WebSocket with the subprotocol ``xmpp``.

    Attributes:
        jid: the full JID, once the server has bound it.
        heard_s: when the last message came, by ``time.perf_counter``.
    """

    __slots__ = ("_closing", "_ids", "connection", "heard_s", "jid")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.jid = ""
        self.heard_s = time.perf_counter()
        self._ids = count(1)
        self._closing = False

    def new_id(self) -> str:
        """An id for a stanza, unique on this stream."""
        return f"s{next(self._ids)}"

    def open(self, domain: str, timeout_s: float) -> None:
        """Open the stream, or open it again after SASL (RFC 7395 3.4, 3.5)."""
        self.send(timeout_s, f'<open xmlns="{_FRAMING}" to="{escape(domain)}" version="1.0"/>')

    def send(self, timeout_s: float, *stanzas: str) -> None:
        """Send stanzas in one write.

        Raises:
            AttemptFailed: the connection ended.
        """
        self.connection.send(timeout_s, *stanzas)

    def receive(self, timeout_s: float) -> Element | None:
        """The next element, or None if none came in time.

        Raises:
            AttemptFailed: the connection or the stream ended, or the message is not a stanza: ``MALFORMED`` with close
                code 1006.
        """
        message = self.connection.receive(timeout_s)
        if message is None:
            return None
        self.heard_s = time.perf_counter()
        try:
            element = xml_element(message)
        except XmlError:
            raise AttemptFailed(Outcome.MALFORMED, close_code=ABNORMAL) from None
        if element.tag == _CLOSE_TAG and not self._closing:
            self._closed_by_server()
        return element

    def expect(self, deadline_s: float) -> Element:
        """The next element, before a deadline by ``time.perf_counter``.

        Raises:
            AttemptFailed: ``TIMED_OUT``, or as ``receive``.
        """
        element = self.receive(remaining_s(deadline_s))
        if element is None:
            raise AttemptFailed(Outcome.TIMED_OUT)
        return element

    def close(self, timeout_s: float, *last_stanzas: str) -> int:
        """Send ``last_stanzas`` and close the stream; close the WebSocket when the server has done so (RFC 7395 3.6).

        Returns:
            The code of the server's close frame.

        Raises:
            AttemptFailed: the connection ended without one, or not in time.
        """
        deadline_s = time.perf_counter() + timeout_s
        self._closing = True
        try:
            self.send(timeout_s, *last_stanzas, CLOSE)
            while self.expect(deadline_s).tag != _CLOSE_TAG:
                pass  # sent before the server read our <close/>
        except AttemptFailed as failed:
            if failed.outcome is Outcome.CLOSED and failed.close_code is not None:
                return failed.close_code
            raise
        return self.connection.close(remaining_s(deadline_s))

    def _closed_by_server(self) -> NoReturn:
        """Answer the server's ``<close/>``; close the WebSocket too, unless the server does so in time."""
        self._closing = True
        deadline_s = time.perf_counter() + _CLOSE_TIMEOUT_S
        self.send(_CLOSE_TIMEOUT_S, CLOSE)
        while self.connection.receive(remaining_s(deadline_s)) is not None:
            pass  # nothing is valid after a <close/>
        raise AttemptFailed(Outcome.CLOSED, close_code=self.connection.close(_CLOSE_TIMEOUT_S))
