"""A WebSocket (RFC 6455): the upgrade, messages, pings and the close.

A library's parser would work as well, but takes longer for a short frame: websockets 6 times as long, wsproto 16 times.
With thousands of softphones, that is much of the cost of a call.
"""

from __future__ import annotations

import os
import time
from base64 import b64encode
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha1

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.cookies import Cookies
from locust_softphone.signaling.http import Head, read_body, read_head
from locust_softphone.signaling.stream import Stream
from locust_softphone.signaling.target import Target

__all__ = ["ABNORMAL", "NORMAL", "Connection"]

NORMAL = 1000
ABNORMAL = 1006
"""The close code of a connection that ended without a close frame (RFC 6455 7.1.5); never on the wire."""
_PROTOCOL_ERROR, _NO_STATUS, _NOT_UTF8, _TOO_BIG = 1002, 1005, 1007, 1009  # RFC 6455 7.4.1

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MAX_MESSAGE = 1024 * 1024
_MAX_CONTROL = 125  # RFC 6455 5.5
_FIN = _MASKED = 0x80
_CUT_S = 1.0
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA  # opcodes, RFC 6455 5.2
_DATA = (_CONTINUATION, _TEXT, _BINARY)
_CONTROL = (_CLOSE, _PING, _PONG)


class _Violation(Exception):
    """The edge sent what RFC 6455 forbids, or a message that is too long."""

    def __init__(self, code: int = _PROTOCOL_ERROR) -> None:
        super().__init__(code)
        self.code = code


class Connection:
    """An open WebSocket. Pings are answered inside ``receive``, so an idle softphone must call it.

    Attributes:
        pings: the number of pings answered.
    """

    __slots__ = ("_fragments", "_opcode", "_stream", "pings")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._fragments: bytearray | None = None
        self._opcode = _TEXT  # of the message that the fragments belong to
        self.pings = 0

    @classmethod
    def open(
        cls,
        target: Target,
        path: str,
        headers: str = "",
        *,
        timeout_s: float,
        subprotocol: str | None = None,
        choice: int = 0,
        cookies: Cookies | None = None,
    ) -> tuple[Connection, Head]:
        """Connect and upgrade (RFC 6455 4.1).

        Args:
            target: the edge.
            path: the request target.
            headers: further header lines, each ended by CRLF.
            timeout_s: bounds the connection set-up and the upgrade together.
            subprotocol: the subprotocol that the edge must choose.
            choice: picks the address that is tried first, modulo their number.
            cookies: of the softphone; its own by default.

        Returns:
            The WebSocket, and the head of the 101 response: 1 KB that a held softphone does not need.

        Raises:
            AttemptFailed: the edge refused, or the connection failed; with close code 1006, as in a browser.
        """
        try:
            stream = target.connect(timeout_s, choice)
        except AttemptFailed as failed:
            raise _abnormal(failed) from None
        try:
            return cls(stream), _upgrade(stream, target, path, headers, subprotocol, cookies or Cookies())
        except AttemptFailed as failed:
            stream.close()
            raise _abnormal(failed) from None
        except BaseException:
            stream.close()
            raise

    def receive(self, timeout_s: float) -> str | None:
        """The next text or binary message, or None if none came in time. Pings before it are answered.

        Raises:
            AttemptFailed: ``CLOSED`` with the close frame's code (1005 for one without), or ``LOST``, ``RESET`` or
                ``MALFORMED`` with 1006. A close frame tells the edge what was malformed (RFC 6455 7.1.7).
        """
        self._stream.deadline_s = time.perf_counter() + timeout_s
        try:
            opcode, payload = self._next()
            if opcode != _CLOSE:
                return _text(payload)
            code = _close_code(payload)
            self._send_close(payload[:2])
            raise AttemptFailed(Outcome.CLOSED, close_code=code)
        except AttemptFailed as failed:
            if failed.outcome is Outcome.TIMED_OUT:
                return None
            raise _abnormal(failed) from None
        except _Violation as violation:
            self._send_close(violation.code.to_bytes(2, "big"))
            raise _malformed() from None

    def send(self, timeout_s: float, *messages: str) -> None:
        """Send text messages in one write.

        Raises:
            AttemptFailed: the connection ended; with 1006.
        """
        self._stream.deadline_s = time.perf_counter() + timeout_s
        try:
            self._stream.send(b"".join([_frame(_TEXT, message.encode()) for message in messages]))
        except AttemptFailed as failed:
            raise _abnormal(failed) from None

    def close(self, timeout_s: float, *last_messages: str) -> int:
        """Send ``last_messages``, close with 1000 and wait for the edge's close frame (RFC 6455 7.1.2).

        Returns:
            The code of the edge's close frame.

        Raises:
            AttemptFailed: the connection ended without a close frame, or none came in time.
        """
        try:
            self._say_goodbye(timeout_s, last_messages)
            while True:
                opcode, payload = self._next()
                if opcode == _CLOSE:
                    return _close_code(payload)
        except AttemptFailed as failed:
            raise _abnormal(failed) from None
        except _Violation:
            raise _malformed() from None
        finally:
            self.abort()

    def cut(self, *last_messages: str) -> None:
        """Send ``last_messages`` and a close frame with 1000 if possible, and do not wait for the edge's."""
        with suppress(AttemptFailed):
            self._say_goodbye(_CUT_S, last_messages)
        self.abort()

    def abort(self) -> None:
        """Drop the connection without a close frame."""
        self._stream.close()

    def _next(self) -> tuple[int, bytes]:
        """The opcode and the payload of the next message or close frame.

        Pings before it are answered, also between our close frame and the edge's (RFC 6455 5.5.2).
        """
        while True:
            opcode, payload, final = _read_frame(self._stream)
            if opcode == _CLOSE:
                return opcode, payload
            if opcode == _PING:
                self._stream.send(_frame(_PONG, payload))
                self.pings += 1
            elif opcode != _PONG:
                whole = self._assemble(opcode, payload, final)
                if whole is not None:
                    return self._opcode, whole

    def _assemble(self, opcode: int, payload: bytes, final: bool) -> bytes | None:
        """The message that a data frame completes, or None if more frames follow (RFC 6455 5.4)."""
        if (opcode == _CONTINUATION) == (self._fragments is None):
            raise _Violation  # a continuation without a message, or a message within another
        if self._fragments is None:
            self._opcode = opcode
            if final:
                return payload
            self._fragments = bytearray()
        self._fragments += payload
        if len(self._fragments) > _MAX_MESSAGE:
            raise _Violation(_TOO_BIG)
        if not final:
            return None
        whole, self._fragments = self._fragments, None
        return bytes(whole)

    def _say_goodbye(self, timeout_s: float, last_messages: Iterable[str]) -> None:
        self._stream.deadline_s = time.perf_counter() + timeout_s
        frames = [_frame(_TEXT, message.encode()) for message in last_messages]
        self._stream.send(b"".join([*frames, _frame(_CLOSE, NORMAL.to_bytes(2, "big"))]))

    def _send_close(self, payload: bytes) -> None:
        with suppress(AttemptFailed):  # the edge may be gone already
            self._stream.send(_frame(_CLOSE, payload))


def _read_frame(stream: Stream) -> tuple[int, bytes, bool]:
    """The next frame (RFC 6455 5.2): its opcode, its payload, and whether it is the last one of its message.

    A frame that is incomplete at the deadline stays in the stream's buffer.

    Raises:
        AttemptFailed: as ``Stream.ahead``.
        _Violation: the frame is masked, has a reserved bit or an unknown opcode, is a fragmented or long control frame,
            does not use the shortest form of its length, or is over 1 MB.
    """
    data = stream.ahead(2)
    opcode, size, begin = data[0] & 0x7F, data[1], 2  # reserved bits are part of ``opcode`` here
    final = data[0] >= _FIN
    if size >= _MASKED or (opcode not in _DATA and (opcode not in _CONTROL or not final or size > _MAX_CONTROL)):
        raise _Violation
    if size > _MAX_CONTROL:
        begin, least = (4, 126) if size == 126 else (10, 1 << 16)
        data = stream.ahead(begin)
        size = int.from_bytes(data[2:begin], "big")
        if size < least or size >> 63:
            raise _Violation
        if size > _MAX_MESSAGE:
            raise _Violation(_TOO_BIG)
    end = begin + size
    if len(data) < end:
        data = stream.ahead(end)
    stream.skip(end)
    return opcode, data[begin:end], final


def _frame(opcode: int, payload: bytes) -> bytes:
    """A final frame, masked (RFC 6455 5.2, 5.3)."""
    size = len(payload)
    if size < 126:
        head = bytes((_FIN | opcode, _MASKED | size))
    elif size < 1 << 16:
        head = bytes((_FIN | opcode, _MASKED | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((_FIN | opcode, _MASKED | 127)) + size.to_bytes(8, "big")
    key = os.urandom(4)
    mask = int.from_bytes((key * (size // 4 + 1))[:size], "big")
    return head + key + (int.from_bytes(payload, "big") ^ mask).to_bytes(size, "big")


def _abnormal(failed: AttemptFailed) -> AttemptFailed:
    """The same failure with the close code that a browser would show."""
    code = ABNORMAL if failed.close_code is None else failed.close_code
    return AttemptFailed(
        failed.outcome, status=failed.status, close_code=code, advice=failed.advice, foreign=failed.foreign
    )


def _upgrade(
    stream: Stream, target: Target, path: str, headers: str, subprotocol: str | None, cookies: Cookies
) -> Head:
    key = b64encode(os.urandom(16))
    protocol = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    stream.send(
        (
            f"GET {path} HTTP/1.1\r\nHost: {target.authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: 13\r\n{protocol}{headers}"
            f"{cookies.header(target, path)}\r\n"
        ).encode("latin-1")
    )
    response = read_head(stream)
    cookies.keep(target, path, response.headers)
    if response.status != 101:
        if response.status >= 300:
            read_body(stream, response)
        raise response.refusal()
    answered = response.headers
    accept = b64encode(sha1(key + _GUID).digest()).decode()
    if (
        answered.get("sec-websocket-accept") != accept
        or answered.get("upgrade", "").lower() != "websocket"
        or "upgrade" not in map(str.strip, answered.get("connection", "").lower().split(","))
        or answered.get("sec-websocket-protocol") != subprotocol
        or "sec-websocket-extensions" in answered
    ):
        raise AttemptFailed(Outcome.MALFORMED, status=response.status)
    return response


def _close_code(payload: bytes) -> int:
    """The code in a close frame, 1005 for one without (RFC 6455 5.5.1, 7.4)."""
    if not payload:
        return _NO_STATUS
    code = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 or not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise _Violation
    _text(payload[2:])
    return code


def _text(payload: bytes) -> str:
    """A text or the reason of a close frame, decoded (RFC 6455 8.1)."""
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        raise _Violation(_NOT_UTF8) from None


def _malformed() -> AttemptFailed:
    return AttemptFailed(Outcome.MALFORMED, close_code=ABNORMAL)
