"""Targets that are not reached: what is sent to them is told to somebody, and goes to a stand-in on this machine.

    code that sends  ──►  RecordedTarget  ──►  told: what would go to https://api.mypurecloud.com, secrets masked
                                          ──►  a simulated edge, which answers as the real one might

So a dry run is made by the very code that a run is made by.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from locust_softphone.signaling.stream import Stream
from locust_softphone.signaling.target import Target

__all__ = ["Told", "masked", "record"]

Told = Callable[[str, str], None]
"""Is told the URL of a host, and what would be sent there: a request, or one message on a WebSocket."""

_TEXT, _CLOSE = 1, 8
_SECRETS = (
    (re.compile(r"(?im)^(authorization: *\w+ )[^\r\n]*"), r"\1***"),
    (re.compile(r"(<auth [^>]*>)[^<]*"), r"\1***"),
    (re.compile(r"(?im)^(sec-websocket-key: )[^\r\n]*"), r"\1***"),
)


def masked(text: str) -> str:
    """What is sent, without tokens and other secrets."""
    for secret, instead in _SECRETS:
        text = secret.sub(instead, text)
    return text


def record(target: Target, stand_in: Target, user: str, told: Told) -> Target:
    """``target`` with a stand-in.

    Args:
        target: what must not be reached.
        stand_in: a simulated edge on this machine, without TLS.
        user: whose requests they are, for the stand-in alone.
        told: who is told what would be sent.
    """
    known = {each.name: getattr(target, each.name) for each in fields(Target)}
    return _RecordedTarget(**{**known, "addresses": stand_in.addresses}, stand_in=stand_in, user=user, told=told)


@dataclass(frozen=True)
class _RecordedTarget(Target):
    stand_in: Target | None = field(default=None, repr=False)
    user: str = ""
    told: Told = field(default=lambda url, text: None, repr=False)

    def connect(self, timeout_s: float, choice: int = 0) -> Stream:
        assert self.stand_in is not None
        family, address = self.stand_in.addresses[0]
        stream = _RecordedStream.connect(family, address, timeout_s)
        assert isinstance(stream, _RecordedStream)
        stream.target = self
        return stream


class _RecordedStream(Stream):
    """A stream to the stand-in that tells what it sends."""

    __slots__ = ("_upgraded", "target")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._upgraded = False
        self.target = _RecordedTarget("", 0)

    def send(self, data: bytes) -> None:
        for text in _messages(data) if self._upgraded else [data.decode("latin-1")]:
            self.target.told(self.target.url, masked(text))
        if not self._upgraded:
            self._upgraded = b"\r\nUpgrade: websocket\r\n" in data
            line, end, rest = data.partition(b"\r\n")
            data = line + end + f"X-Softphone-Id: {self.target.user}\r\n".encode() + rest
        super().send(data)


def _messages(data: bytes) -> Iterator[str]:
    """The client's frames in ``data``, unmasked (RFC 6455 5.2, 5.3), as far as they are whole."""
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
