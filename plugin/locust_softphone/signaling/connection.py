"""A WebSocket (RFC 6455): an upgrade request of our own, then websocket-client for every frame.

websocket-client reads the handshake's headers a byte per system call, which is most of what its connect costs; here the
head is read at once, and what the edge sent behind it is kept for the frames. This is the only module that imports
``websocket``.
"""

from __future__ import annotations

import os
import struct
import time
from base64 import b64encode
from hashlib import sha1

import websocket
from websocket import ABNF

from locust_softphone.errors import AttemptFailed
from locust_softphone.outcome import Outcome, outcome_of_status
from locust_softphone.signaling.http import read_body, read_head
from locust_softphone.signaling.stream import Stream, Target

__all__ = ["ABNORMAL", "NORMAL", "Connection"]

NORMAL = 1000
ABNORMAL = 1006
"""What an API reports for a connection that ended without a close frame (RFC 6455 7.1.5); never on the wire."""
_NO_STATUS = 1005

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MAX_FRAME = 1024 * 1024


class Connection:
    """An open WebSocket. Pings are answered inside ``receive``, so an idle softphone must be receiving.

    Attributes:
        headers: those of the 101 response, names in lower case.
        pings: how many pings were answered.
    """

    __slots__ = ("_stream", "_websocket", "headers", "pings")

    def __init__(self, stream: Stream, headers: dict[str, str]) -> None:
        self._stream = stream
        self._websocket = websocket.WebSocket(enable_multithread=False)
        self._websocket.frame_buffer = _BoundedFrames(stream.read, skip_utf8_validation=False)
        self._websocket.sock = stream  # type: ignore[assignment]  # the part of a socket that frames need
        self._websocket.connected = True
        self.headers = headers
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
            timeout_s: for connecting and the upgrade together.
            subprotocol: one that the edge must choose.
            choice: which of the target's addresses, counted round.

        Raises:
            AttemptFailed: a refusal with its status and headers and with close code 1006, as a browser would show it;
                or any way in which a connection can fail.
        """
        stream = Stream.connect(target, timeout_s, choice)
        try:
            return cls(stream, _upgrade(stream, target, path, headers, subprotocol))
        except AttemptFailed as failed:
            stream.close()
            raise AttemptFailed(
                failed.outcome, status=failed.status, close_code=ABNORMAL, headers=failed.headers
            ) from None
        except BaseException:
            stream.close()
            raise

    def receive(self, timeout_s: float) -> str | None:
        """The next text or binary message, or None if none came in time. Pings on the way are answered.

        Raises:
            AttemptFailed: ``CLOSED`` with the close frame's code (1005 for one without), or ``LOST``, ``RESET`` or
                ``MALFORMED`` with 1006.
        """
        self._stream.deadline_s = time.perf_counter() + timeout_s
        while True:
            try:
                opcode, frame = self._websocket.recv_data_frame(control_frame=True)
            except AttemptFailed as failed:
                if failed.outcome is Outcome.TIMED_OUT:
                    return None
                raise AttemptFailed(failed.outcome, close_code=ABNORMAL) from None
            except websocket.WebSocketException:
                raise AttemptFailed(Outcome.MALFORMED, close_code=ABNORMAL) from None
            if opcode in (ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY):
                return str(frame.data, "utf-8", "replace")
            if opcode == ABNF.OPCODE_PING:
                self.pings += 1
            elif opcode == ABNF.OPCODE_CLOSE:
                raise AttemptFailed(Outcome.CLOSED, close_code=_close_code(frame.data))

    def send(self, text: str, timeout_s: float) -> None:
        """Send a text message.

        Raises:
            AttemptFailed: ``TIMED_OUT``, ``RESET`` or ``LOST``.
        """
        self._stream.deadline_s = time.perf_counter() + timeout_s
        self._websocket.send(text)

    def close(self, timeout_s: float) -> int:
        """Close with 1000 and wait for the edge's close frame (RFC 6455 7.1.2); returns its code.

        Raises:
            AttemptFailed: the connection ended otherwise, or no close frame came in time.
        """
        self._stream.deadline_s = time.perf_counter() + timeout_s
        try:
            self._websocket.send_close(NORMAL)
            while True:
                frame = self._websocket.recv_frame()
                if frame.opcode == ABNF.OPCODE_CLOSE:
                    return _close_code(frame.data)
        except AttemptFailed as failed:
            raise AttemptFailed(failed.outcome, close_code=ABNORMAL) from None
        except websocket.WebSocketException:
            raise AttemptFailed(Outcome.MALFORMED, close_code=ABNORMAL) from None
        finally:
            self.abort()

    def abort(self) -> None:
        """Let go of the connection without a word."""
        self._stream.close()


class _BoundedFrames(websocket._abnf.frame_buffer):
    """websocket-client's frame parser, which by itself would read a frame of any announced length."""

    def recv_length(self) -> None:
        super().recv_length()
        if self.length is not None and self.length > _MAX_FRAME:
            raise websocket.WebSocketProtocolException("frame too large")


def _upgrade(stream: Stream, target: Target, path: str, headers: str, subprotocol: str | None) -> dict[str, str]:
    key = b64encode(os.urandom(16))
    protocol = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    stream.send(
        (
            f"GET {path} HTTP/1.1\r\nHost: {target.authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: 13\r\n{protocol}{headers}\r\n"
        ).encode("latin-1")
    )
    status, answered = read_head(stream)
    if status != 101:
        if status >= 300:
            read_body(stream, status, answered)
        raise AttemptFailed(outcome_of_status(status), status=status, headers=answered)
    accept = b64encode(sha1(key + _GUID).digest()).decode()
    if (
        answered.get("sec-websocket-accept") != accept
        or answered.get("upgrade", "").lower() != "websocket"
        or "upgrade" not in answered.get("connection", "").lower()
        or answered.get("sec-websocket-protocol") != subprotocol
        or "sec-websocket-extensions" in answered
    ):
        raise AttemptFailed(Outcome.MALFORMED, status=status)
    return answered


def _close_code(payload: bytes) -> int:
    return int(struct.unpack("!H", payload[:2])[0]) if len(payload) >= 2 else _NO_STATUS
