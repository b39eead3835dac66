"""Targets that are recorded and not reached: requests go to a simulated edge on this machine instead.

    code that sends  ──►  recorded target  ──►  report: what would go to https://api.mypurecloud.com, secrets masked
                                           ──►  a simulated edge, which answers as the real one might

So a dry run uses the code of a real run.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from locust_softphone.signaling.target import Target

__all__ = ["Report", "masked", "record"]

Report = Callable[[str, str], None]
"""Called with the URL of a host, and with what would be sent there: a request, or one message on a WebSocket."""

_TEXT, _CLOSE = 1, 8
_SECRETS = (
    (re.compile(r"(?im)^((?:proxy-)?authorization: *\w+ )[^\r\n]*"), r"\1***"),
    (re.compile(r"(?im)^(cookie: )[^\r\n]*"), r"\1***"),
    (re.compile(r"(<auth [^>]*>)[^<]*"), r"\1***"),
    (re.compile(r"(?im)^(sec-websocket-key: )[^\r\n]*"), r"\1***"),
)


def masked(text: str) -> str:
    """``text`` with tokens and other secrets replaced."""
    for secret, replacement in _SECRETS:
        text = secret.sub(replacement, text)
    return text


def record(target: Target, stand_in: Target, user: str, report: Report) -> Target:
    """A target that looks like ``target`` and connects to ``stand_in``.

    Args:
        target: the edge that must not be reached.
        stand_in: a simulated edge on this machine, without TLS.
        user: the name of the softphone, which only the stand-in gets.
        report: called with everything that would be sent.
    """
    family, address = stand_in.addresses[0]

    def make_socket(_: int, kind: int) -> _RecordingSocket:
        return _RecordingSocket(socket.socket(family, kind), target.url, user, report)

    return replace(target, tls=None, addresses=((family, address),), make_socket=make_socket)


class _RecordingSocket:
    """A socket that reports what it sends."""

    def __init__(self, connected: socket.socket, url: str, user: str, report: Report) -> None:
        self._socket = connected
        self._url = url
        self._user = user
        self._report = report
        self._upgraded = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def send(self, data: bytes) -> int:
        for text in _messages(data) if self._upgraded else [data.decode("latin-1")]:
            self._report(self._url, masked(text))
        if self._upgraded:
            self._socket.sendall(data)
        else:
            self._upgraded = b"\r\nUpgrade: websocket\r\n" in data
            line, end, rest = data.partition(b"\r\n")
            self._socket.sendall(line + end + f"X-Softphone-Id: {self._user}\r\n".encode() + rest)
        return len(data)


def _messages(data: bytes) -> Iterator[str]:
    """The messages in the client's frames in ``data`` (RFC 6455 5.2, 5.3)."""
    while len(data) >= 6:
        opcode, length, at = data[0] & 0x0F, data[1] & 0x7F, 2
        if length >= 126:
            at = 4 if length == 126 else 10
            length = int.from_bytes(data[2:at], "big")
        key, payload = data[at : at + 4], data[at + 4 : at + 4 + length]
        plain = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
        if opcode == _TEXT:
            yield plain.decode("utf-8")
        elif opcode == _CLOSE:
            yield f"(close frame {int.from_bytes(plain[:2], 'big')})"
        data = data[at + 4 + length :]
