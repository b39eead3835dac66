"""A WebSocket (RFC 6455): the upgrade, messages, pings and the close.

The upgrade request is made here, because websocket-client reads a response's head with one system call per byte. Short
frames are parsed here too; websocket-client parses all others. This is the only module that imports ``websocket``.
"""

from __future__ import annotations

import os
import time
from base64 import b64encode
from contextlib import suppress
from hashlib import sha1

from websocket import ABNF, WebSocketException, WebSocketProtocolException, frame_buffer

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.http import Head, read_body, read_head
from locust_softphone.signaling.stream import Stream
from locust_softphone.signaling.target import Target

__all__ = ["ABNORMAL", "NORMAL", "Connection"]

NORMAL = 1000
ABNORMAL = 1006
"""The close code of a connection that ended without a close frame (RFC 6455 7.1.5); never on the wire."""
_NO_STATUS = 1005
_NORMAL_PAYLOAD = NORMAL.to_bytes(2, "big")

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MAX_MESSAGE = 1024 * 1024
_MAX_CONTROL = 125  # RFC 6455 5.5
_FIN = _MASKED = 0x80
_USUAL = (ABNF.OPCODE_TEXT, ABNF.OPCODE_PING, ABNF.OPCODE_PONG, ABNF.OPCODE_CLOSE)


class Connection:
    """An open WebSocket. Pings are answered inside ``receive``, so an idle softphone must call it.

    Attributes:
        response: the head of the 101 response.
        pings: the number of pings answered.
    """

    __slots__ = ("_fragments", "_frames", "_stream", "pings", "response")

    def __init__(self, stream: Stream, response: Head) -> None:
        self._stream = stream
        self._frames = _Frames(stream)
        self._fragments: bytearray | None = None
        self.response = response
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
    ) -> Connection:
        """Connect and upgrade (RFC 6455 4.1).

        Args:
            target: the edge.
            path: the request target.
            headers: further header lines, each ended by CRLF.
            timeout_s: bounds the connection set-up and the upgrade together.
            subprotocol: the subprotocol that the edge must choose.
            choice: picks one of the target's addresses, modulo their number.

        Raises:
            AttemptFailed: the edge refused, or the connection failed; with close code 1006, as in a browser.
        """
        try:
            stream = target.connect(timeout_s, choice)
        except AttemptFailed as failed:
            raise _abnormal(failed) from None
        try:
            return cls(stream, _upgrade(stream, target, path, headers, subprotocol))
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
                ``MALFORMED`` with 1006.
        """
        self._stream.deadline_s = time.perf_counter() + timeout_s
        try:
            while True:
                opcode, payload, final = self._frames.next()
                if opcode == ABNF.OPCODE_PING:
                    self._stream.send(_frame(ABNF.OPCODE_PONG, payload))
                    self.pings += 1
                elif opcode == ABNF.OPCODE_CLOSE:
                    with suppress(AttemptFailed):  # the edge may be gone already
                        self._stream.send(_frame(ABNF.OPCODE_CLOSE, payload[:2]))
                    raise AttemptFailed(Outcome.CLOSED, close_code=_close_code(payload))
                elif opcode != ABNF.OPCODE_PONG and (message := self._assemble(opcode, payload, final)) is not None:
                    return message.decode("utf-8")
        except AttemptFailed as failed:
            if failed.outcome is Outcome.TIMED_OUT:
                return None
            raise _abnormal(failed) from None
        except (WebSocketException, UnicodeDecodeError):
            raise AttemptFailed(Outcome.MALFORMED, close_code=ABNORMAL) from None

    def send(self, timeout_s: float, *messages: str) -> None:
        """Send text messages in one write.

        Raises:
            AttemptFailed: the connection ended; with 1006.
        """
        self._stream.deadline_s = time.perf_counter() + timeout_s
        try:
            self._stream.send(b"".join([_frame(ABNF.OPCODE_TEXT, message.encode()) for message in messages]))
        except AttemptFailed as failed:
            raise _abnormal(failed) from None

    def close(self, timeout_s: float, *last_messages: str) -> int:
        """Send ``last_messages``, close with 1000 and wait for the edge's close frame (RFC 6455 7.1.2).

        Returns:
            The code of the edge's close frame.

        Raises:
            AttemptFailed: the connection ended without a close frame, or none came in time.
        """
        self._stream.deadline_s = time.perf_counter() + timeout_s
        try:
            frames = [_frame(ABNF.OPCODE_TEXT, message.encode()) for message in last_messages]
            self._stream.send(b"".join([*frames, _frame(ABNF.OPCODE_CLOSE, _NORMAL_PAYLOAD)]))
            while True:
                opcode, payload, _ = self._frames.next()
                if opcode == ABNF.OPCODE_CLOSE:
                    return _close_code(payload)
        except AttemptFailed as failed:
            raise _abnormal(failed) from None
        except WebSocketException:
            raise AttemptFailed(Outcome.MALFORMED, close_code=ABNORMAL) from None
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop the connection without a close frame."""
        self._stream.close()

    def _assemble(self, opcode: int, payload: bytes, final: bool) -> bytes | None:
        """The message that a data frame completes, or None if more frames follow (RFC 6455 5.4)."""
        if (opcode == ABNF.OPCODE_CONT) == (self._fragments is None):
            raise WebSocketProtocolException("a continuation without a message, or a message within another")
        if self._fragments is None:
            if final:
                return payload
            self._fragments = bytearray()
        self._fragments += payload
        if len(self._fragments) > _MAX_MESSAGE:
            raise WebSocketProtocolException("message too large")
        if not final:
            return None
        whole, self._fragments = self._fragments, None
        return bytes(whole)


class _Frames:
    """Reads frames from a stream.

    A short frame that is not fragmented and already in the buffer is parsed in one step, and nearly all frames are. All
    others are left to websocket-client, which reads them in many small steps.
    """

    __slots__ = ("_reader", "_stream")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._reader: _FrameReader | None = None  # while a frame is incomplete

    def next(self) -> tuple[int, bytes, bool]:
        """The next frame: its opcode, its payload, and whether it is the last one of its message.

        Raises:
            AttemptFailed: as ``Stream.read``.
            WebSocketException: RFC 6455 forbids the frame, or it is too large.
        """
        if self._reader is None:
            data = self._stream.ahead()
            opcode, size, begin = data[0] ^ _FIN, data[1] if len(data) > 1 else _MASKED, 2
            if size == 126 and opcode == ABNF.OPCODE_TEXT and len(data) >= 4:
                size, begin = int.from_bytes(data[2:4], "big"), 4
            elif size > _MAX_CONTROL:
                opcode = -1
            if opcode in _USUAL and len(data) >= begin + size:
                payload = data[begin : begin + size]
                self._stream.skip(begin + size)
                if opcode == ABNF.OPCODE_CLOSE and payload != _NORMAL_PAYLOAD:
                    ABNF(1, 0, 0, 0, opcode, 0, payload).validate(skip_utf8_validation=True)
                return opcode, payload, True
            self._reader = _FrameReader(self._stream)
        frame = self._reader.recv_frame()
        self._reader = None
        return frame.opcode, frame.data if isinstance(frame.data, bytes) else frame.data.encode(), bool(frame.fin)


class _FrameReader(frame_buffer):
    """websocket-client's frame parser on a stream, with a limit to the size of a frame.

    ``bytes.decode`` checks UTF-8 instead: a Python loop over each byte costs more than the rest of the frame.
    """

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream.read, skip_utf8_validation=True)

    def recv_length(self) -> None:
        super().recv_length()
        opcode = self.header[4] if self.header else ABNF.OPCODE_TEXT
        limit = _MAX_CONTROL if opcode in (ABNF.OPCODE_CLOSE, ABNF.OPCODE_PING, ABNF.OPCODE_PONG) else _MAX_MESSAGE
        if self.length is not None and self.length > limit:
            raise WebSocketProtocolException("frame too large")


def _frame(opcode: int, payload: bytes) -> bytes:
    """A final frame, masked (RFC 6455 5.2, 5.3); websocket-client takes twice as long to make one."""
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
    return AttemptFailed(failed.outcome, status=failed.status, close_code=code, advice=failed.advice)


def _upgrade(stream: Stream, target: Target, path: str, headers: str, subprotocol: str | None) -> Head:
    key = b64encode(os.urandom(16))
    protocol = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    stream.send(
        (
            f"GET {path} HTTP/1.1\r\nHost: {target.authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: 13\r\n{protocol}{headers}\r\n"
        ).encode("latin-1")
    )
    response = read_head(stream)
    if response.status != 101:
        if response.status >= 300:
            read_body(stream, response)
        raise response.refusal()
    answered = response.headers
    accept = b64encode(sha1(key + _GUID).digest()).decode()
    if (
        answered.get("sec-websocket-accept") != accept
        or answered.get("upgrade", "").lower() != "websocket"
        or "upgrade" not in answered.get("connection", "").lower()
        or answered.get("sec-websocket-protocol") != subprotocol
        or "sec-websocket-extensions" in answered
    ):
        raise AttemptFailed(Outcome.MALFORMED, status=response.status)
    return response


def _close_code(payload: bytes) -> int:
    return int.from_bytes(payload[:2], "big") if payload else _NO_STATUS
