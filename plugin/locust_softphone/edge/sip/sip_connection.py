"""The WebSocket of one softphone that speaks SIP (RFC 7118): each text message is one SIP message, or a keep-alive."""

from __future__ import annotations

from typing import Protocol

from wsproto.frame_protocol import Opcode

from locust_softphone.config.policy import Policy
from locust_softphone.edge.http_request import Caller
from locust_softphone.edge.stats import Stats
from locust_softphone.edge.websocket_session import Session
from locust_softphone.limits.keyed import KeyParts
from locust_softphone.sip_text import SipError, SipMessage, parse_sip

__all__ = ["SipConnection"]

PING, PONG = "\r\n\r\n", "\r\n"  # RFC 5626 3.5.1
NOT_SIP = 1007  # "data that was not consistent with the type of the message", RFC 6455 7.4.1


class Handler(Protocol):
    """Who handles the messages of a connection."""

    def on_message(self, connection: SipConnection, message: SipMessage) -> None:
        """A message has come."""

    def on_disconnected(self, connection: SipConnection) -> None:
        """The connection has ended."""


class SipConnection(Session):
    """A WebSocket with SIP messages.

    Args:
        caller: the client that opened it.
        parts: what limits count its requests by.
        handler: handles the messages.
        policy: when to ping.
        stats: where the session is counted.

    Attributes:
        users: the names that it has registered.
        passed: the nonces of requests that have passed their limits and were challenged then.
    """

    subprotocol = "sip"

    def __init__(self, caller: Caller, parts: KeyParts, handler: Handler, policy: Policy, stats: Stats) -> None:
        super().__init__(caller, policy, stats)
        self.parts = parts
        self.users: set[str] = set()
        self.passed: set[str] = set()
        self._handler = handler

    def send(self, text: str) -> None:
        """Send one message."""
        if not self.ended and not self.closing:
            self._write(Opcode.TEXT, text.encode())

    def _on_connected(self) -> None:
        self._start_pinging()

    def _on_text(self, text: str) -> None:
        if text == PING:
            self.send(PONG)
        elif text != PONG:
            try:
                message = parse_sip(text)
            except SipError:
                self.close(NOT_SIP)
            else:
                self._handler.on_message(self, message)

    def _on_disconnected(self) -> None:
        self._handler.on_disconnected(self)
