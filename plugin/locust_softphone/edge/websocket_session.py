"""One WebSocket session on the edge, in any dialect, from its handshake to its end.

    101 ── ping, pong, ping … ──► close frame           counted under its close code
                             ├──► no close frame        counted as lost
                             └──► cut by the edge       counted under its cause

To cut a session is to drop its TCP connection without a close frame: what a browser reports as 1006 (RFC 6455 7.1.5).
wsproto reads the frames: aiohttp's own reader takes unmasked frames and others that RFC 6455 forbids.
"""

from __future__ import annotations

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha1
from typing import Any, cast

from aiohttp import web
from wsproto.frame_protocol import CloseReason, Frame, FrameProtocol, Opcode, ParseFailed

from locust_softphone.config.policy import Policy
from locust_softphone.edge.http_request import Caller
from locust_softphone.edge.replies import EDGE_ID
from locust_softphone.edge.stats import Cause, Stats

__all__ = ["Session", "Sessions"]

MAX_MESSAGE_BYTES = 64 * 1024
MAX_UNREAD_BYTES = 1024 * 1024
NO_STATUS = 1005  # stands for a close frame without a code, RFC 6455 7.1.5
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
CLOSE_WITHIN_S = 5.0  # how long the edge waits for the client's close frame after its own


class Session:
    """The WebSocket of one client, with its timers and counters. A dialect's subclass handles the messages.

    Args:
        caller: the client that opened it.
        policy: when to ping.
        stats: where the session is counted.

    Attributes:
        headers: additional headers of the 101.
    """

    subprotocol: str | None = None
    """The subprotocol that the handshake agrees on (RFC 6455 1.9)."""

    def __init__(self, caller: Caller, policy: Policy, stats: Stats) -> None:
        self.id = secrets.token_hex(8)
        self.caller = caller
        self._policy = policy
        self._stats = stats
        self.headers: dict[str, str] = {}
        self._cut = False
        self._cut_at_start: Cause | None = None
        self._holds: dict[str, Callable[[], object]] = {}
        self._answered = False
        self._close_code: int | None = None
        self._pong_due = False
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._transport: asyncio.Transport | None = None
        self._frames = FrameProtocol(client=False, extensions=[])
        self._parts: list[str | bytes] = []  # of the message that is being received
        self._size = 0
        self._ended: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    @property
    def ended(self) -> bool:
        """Whether the connection has ended, or has been dropped."""
        return self._cut or self._ended.done()

    @property
    def closing(self) -> bool:
        """Whether the edge has sent its close frame."""
        return self._close_code is not None

    async def run(self, request: web.BaseRequest, edge_id: str) -> web.StreamResponse:
        """Upgrade the request, and serve the session until it ends."""
        accept = sha1(request.headers["Sec-WebSocket-Key"].encode() + GUID).digest()
        headers = {
            EDGE_ID: edge_id,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Accept": b64encode(accept).decode(),
            **({"Sec-WebSocket-Protocol": self.subprotocol} if self.subprotocol else {}),
        }
        response = web.StreamResponse(status=101, headers={**self.headers, **headers})
        response.force_close()
        self._transport = request.transport
        self._stats.session_opened()
        close_code = None
        try:
            await response.prepare(request)
            if self._cut_at_start is not None:
                self.cut(self._cut_at_start)
            self._on_connected()
            if request.transport is not None:
                request.protocol.keep_alive(False)
                request.protocol.set_parser(cast(Any, self))  # aiohttp calls feed_data and feed_eof
                close_code = await self._ended
        except ConnectionError:
            pass  # the client disconnected during a write: lost
        finally:
            self._end(close_code)
        return response

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Handle the frames in received bytes. The result tells aiohttp to go on, and that nothing is left over."""
        if not self.ended:
            self._frames.receive_bytes(data)
            try:
                for frame in self._frames.received_frames():
                    self._on_frame(frame)
                    if self._cut:
                        break
            except ParseFailed as failed:
                self._answer_close(failed.code)
        return False, b""

    def feed_eof(self) -> None:
        """Note that the connection has ended."""
        if not self._ended.done():
            self._ended.set_result(None)

    def cut(self, cause: Cause) -> None:
        """Drop the connection without a close frame; a session whose 101 is still to come is dropped after it."""
        if self._transport is None:
            self._cut_at_start = cause
        elif not self._cut:
            self._cut = True
            self._stats.cuts[cause] += 1
            self._transport.abort()

    def cut_after(self, delay_s: float) -> None:
        """Cut the session later: it is beyond a cap."""
        self._after(delay_s, self.cut, "beyond cap", "beyond_cap")

    def holds(self, place: str, free: Callable[[], object]) -> None:
        """Note that the session has a place of a limit; ``free`` frees it."""
        self._holds[place] = free

    def free(self, *places: str) -> None:
        """Free these places, or without any all that the session has."""
        for place in places or tuple(self._holds):
            if place in self._holds:
                self._holds.pop(place)()

    def close(self, code: int) -> None:
        """Send a close frame; a client that does not answer it in time loses the connection."""
        if self._close_code is None:
            self._close_code = code
            self._write(Opcode.CLOSE, code.to_bytes(2, "big"))
            if self._transport is not None:
                self._after(CLOSE_WITHIN_S, self._transport.abort, "close")

    def call_answered(self) -> None:
        """Count the session as answered, once for all of its calls."""
        if not self._answered:
            self._answered = True
            self._stats.sessions_answered += 1

    def _on_connected(self) -> None:
        """Called when the handshake is complete."""

    def _on_text(self, text: str) -> None:
        """Called for each text message."""

    def _on_disconnected(self) -> None:
        """Called when the connection has ended."""

    def _send_ping(self) -> None:
        self._write(Opcode.PING, b"")

    def _start_pinging(self) -> None:
        """Ping from now on, once in each period of the policy."""
        self._after(self._policy.ping_every_s, self._ping_or_cut, "ping")

    def _ping_or_cut(self) -> None:
        """Send the next ping, or cut the session if the last one was not answered."""
        if self._pong_due:
            self.cut("pong_timeout")
            return
        self._pong_due = True
        self._stats.pings += 1
        self._send_ping()
        self._start_pinging()

    def _pong_received(self) -> None:
        self._pong_due = False
        self._stats.pongs += 1

    def _after(self, delay_s: float, act: Callable[..., object], name: str, *arguments: Any) -> None:
        """Call ``act`` after ``delay_s``; replaces the timer of the same name."""
        self._cancel_timer(name)
        self._timers[name] = asyncio.get_running_loop().call_later(delay_s, act, *arguments)

    def _cancel_timer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def _write(self, opcode: Opcode, payload: bytes) -> None:
        """Write one unmasked frame (RFC 6455 5.2); a client that does not read is cut, to bound the memory."""
        if self._transport is not None and not self._transport.is_closing():
            size = len(payload)
            if size < 126:
                header = bytes((0x80 | opcode, size))
            elif size < 1 << 16:
                header = bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big")
            else:
                header = bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big")
            self._transport.write(header + payload)
            if self._transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
                self.cut("slow_reader")

    def _on_frame(self, frame: Frame) -> None:
        """Handle a control frame, or a frame or a part of one of a message.

        Raises:
            ParseFailed: the message is too long.
        """
        if frame.opcode is Opcode.PING:
            self._write(Opcode.PONG, cast(bytes, frame.payload))
        elif frame.opcode is Opcode.PONG:
            self._pong_received()
        elif frame.opcode is Opcode.CLOSE:
            self._answer_close(cast(tuple[int, str], frame.payload)[0])
        else:
            part = cast(str | bytes, frame.payload)
            self._parts.append(part)
            self._size += len(part.encode() if isinstance(part, str) else part)
            if self._size > MAX_MESSAGE_BYTES:
                raise ParseFailed("the message is too long", CloseReason.MESSAGE_TOO_BIG)
            if frame.message_finished:
                parts, self._parts, self._size = self._parts, [], 0
                if frame.opcode is Opcode.TEXT and self._close_code is None:
                    self._on_text("".join(cast(list[str], parts)))

    def _answer_close(self, code: int) -> None:
        """End the session after the client's close frame, or after a frame that is not allowed."""
        if self._close_code is None:
            self._write(Opcode.CLOSE, b"" if code == NO_STATUS else code.to_bytes(2, "big"))
        self._ended.set_result(int(code))

    def _end(self, close_code: int | None) -> None:
        for name in tuple(self._timers):
            self._cancel_timer(name)
        self._stats.sessions_open -= 1
        if not self._cut:
            code = self._close_code or close_code  # the first close frame decides
            if code is None:
                self._stats.lost += 1
            else:
                self._stats.closes[code] += 1
        self._on_disconnected()


class Sessions:
    """The open sessions, by id and by caller.

    Args:
        drop_all_after_s: how long after the first session all open sessions are cut; None for never.
    """

    def __init__(self, drop_all_after_s: float | None = None) -> None:
        self._drop_all_after_s = drop_all_after_s
        self._by_id: dict[str, Session] = {}
        self._by_caller: dict[Caller, set[Session]] = {}

    def add(self, session: Session) -> None:
        if self._drop_all_after_s is not None:
            asyncio.get_running_loop().call_later(self._drop_all_after_s, self.drop_all)
            self._drop_all_after_s = None
        self._by_id[session.id] = session
        self._by_caller.setdefault(session.caller, set()).add(session)

    def discard(self, session: Session) -> None:
        del self._by_id[session.id]
        peers = self._by_caller[session.caller]
        peers.remove(session)
        if not peers:
            del self._by_caller[session.caller]

    def get(self, session_id: object, organisation: str) -> Session | None:
        """The session with this id, if it belongs to this organisation."""
        session = self._by_id.get(session_id) if isinstance(session_id, str) else None
        return session if session and session.caller.organisation == organisation else None

    def of(self, caller: Caller) -> tuple[Session, ...]:
        """All sessions of one caller."""
        return tuple(self._by_caller.get(caller, ()))

    def evict(self, session_id: object) -> None:
        """Cut the session with this id, to make room for another."""
        if isinstance(session_id, str) and session_id in self._by_id:
            self._by_id[session_id].cut("evicted")

    def drop_all(self) -> None:
        """Cut every open session, as a failing network or a failing node of the service does."""
        for session in tuple(self._by_id.values()):
            session.cut("drop_all")
