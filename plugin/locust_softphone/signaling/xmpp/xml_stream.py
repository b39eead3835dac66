"""Stanzas in and out of a WebSocket (RFC 7395): one whole element in each text message.

open       <open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="edge.example" version="1.0"/>
stanzas    several that are ready together go out in one write
close      <close/>, then the WebSocket's own close
"""

from __future__ import annotations

import time
from itertools import count
from typing import NoReturn

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.websocket import ABNORMAL, Connection
from locust_softphone.signaling.xmpp.stanza import Element, StanzaError, escape, parse

__all__ = ["CLOSE", "SUBPROTOCOL", "XmppStream"]

SUBPROTOCOL = "xmpp"
CLOSE = '<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>'
_FRAMING_CLOSE = "urn:ietf:params:xml:ns:xmpp-framing close"
_CLOSES_WITHIN_S = 1.0  # from its <close/> until the server closes the WebSocket too, as stanza.js has it


class XmppStream:
    """One XMPP stream.

    Args:
        connection: a WebSocket with the subprotocol ``xmpp``.

    Attributes:
        jid: the full JID that the server has bound, once it has.
        heard_s: when the last message came, in ``time.perf_counter`` terms.
    """

    __slots__ = ("_closing", "_ids", "connection", "heard_s", "jid")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.jid = ""
        self.heard_s = time.perf_counter()
        self._ids = count(1)
        self._closing = False

    def new_id(self) -> str:
        """An id for a stanza, used once on this stream."""
        return f"s{next(self._ids)}"

    def open(self, domain: str, timeout_s: float) -> None:
        """Open the stream, or open it again after SASL (RFC 7395 3.4, 3.5)."""
        framing = "urn:ietf:params:xml:ns:xmpp-framing"
        self.send(timeout_s, f'<open xmlns="{framing}" to="{escape(domain)}" version="1.0"/>')

    def send(self, timeout_s: float, *stanzas: str) -> None:
        """Send stanzas, all in one write.

        Raises:
            AttemptFailed: the connection ended.
        """
        self.connection.send(timeout_s, *stanzas)

    def receive(self, timeout_s: float) -> Element | None:
        """The next element, or None if none came in time.

        Raises:
            AttemptFailed: the connection or the stream ended, or what came is no stanza: ``MALFORMED`` with close
                code 1006.
        """
        message = self.connection.receive(timeout_s)
        if message is None:
            return None
        self.heard_s = time.perf_counter()
        try:
            element = parse(message)
        except StanzaError:
            raise AttemptFailed(Outcome.MALFORMED, close_code=ABNORMAL) from None
        if element.name == _FRAMING_CLOSE and not self._closing:
            self._closed_by_server()
        return element

    def close(self, timeout_s: float, *last_words: str) -> int:
        """Send ``last_words``, close the stream, and once the server has done so too, the WebSocket (RFC 7395 3.6).

        Returns:
            The code of the server's close frame.

        Raises:
            AttemptFailed: the connection ended without one, or not in time.
        """
        deadline_s = time.perf_counter() + timeout_s
        self._closing = True
        try:
            self.send(timeout_s, *last_words, CLOSE)
            while self.expect(deadline_s).name != _FRAMING_CLOSE:
                pass  # what was under way
        except AttemptFailed as failed:
            if failed.outcome is Outcome.CLOSED and failed.close_code is not None:
                return failed.close_code
            raise
        return self.connection.close(max(deadline_s - time.perf_counter(), 0.0))

    def expect(self, deadline_s: float) -> Element:
        """The next element, by a deadline in ``time.perf_counter`` terms.

        Raises:
            AttemptFailed: ``TIMED_OUT``, or as ``receive``.
        """
        element = self.receive(max(deadline_s - time.perf_counter(), 0.0))
        if element is None:
            raise AttemptFailed(Outcome.TIMED_OUT)
        return element

    def _closed_by_server(self) -> NoReturn:
        """The server has closed the stream: close it from here too, and the WebSocket if the server does not."""
        self._closing = True
        deadline_s = time.perf_counter() + _CLOSES_WITHIN_S
        self.send(_CLOSES_WITHIN_S, CLOSE)
        while self.connection.receive(max(deadline_s - time.perf_counter(), 0.0)) is not None:
            pass  # nothing may come any more
        raise AttemptFailed(Outcome.CLOSED, close_code=self.connection.close(_CLOSES_WITHIN_S))
