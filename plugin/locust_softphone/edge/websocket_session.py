"""One WebSocket session on the edge, whatever is said on it, from its handshake to its one ending.

    101 ── ping, pong, ping … ──► close frame        counted under its close code
                             ├──► gone without one   counted as lost
                             └──► cut by the edge    counted under its cause

To be cut is to lose the TCP connection without a close frame: what a browser reports as 1006 (RFC 6455 7.1.5).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from aiohttp import WebSocketError, WSMsgType, web

from locust_softphone.edge.http_request import Caller
from locust_softphone.edge.policy import Policy
from locust_softphone.edge.stats import Cause, Stats

__all__ = ["Session", "Sessions"]

MAX_MESSAGE_BYTES = 64 * 1024
NO_STATUS = 1005  # stands for a close frame without a code, RFC 6455 7.1.5
PROTOCOL_ERROR = 1002
NEVER_ON_THE_WIRE = frozenset({1005, 1006, 1015})  # RFC 6455 7.4.1; aiohttp lets 1006 pass
CLOSE_WITHIN_S = 5.0  # from the edge's close frame until it stops waiting for the client's


class Session:
    """Owns the WebSocket of one caller, its timers, and what is counted about it; a dialect says what is said on it.

    Args:
        caller: who opened it.
        policy: its pings.
        stats: where it is counted.
        headers: what the 101 carries besides its own.
    """

    subprotocols: ClassVar[tuple[str, ...]] = ()
    """What the handshake may agree on (RFC 6455 1.9)."""

    def __init__(self, caller: Caller, policy: Policy, stats: Stats, headers: Mapping[str, str]) -> None:
        self.id = secrets.token_hex(8)
        self.caller = caller
        self._policy = policy
        self._stats = stats
        self._headers = headers
        self._cut = False
        self._answered = False
        self._closing_with: int | None = None
        self._pong_due = False
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._transport: asyncio.Transport | None = None

    @property
    def closing(self) -> bool:
        """Whether the edge has sent its close frame."""
        return self._closing_with is not None

    async def run(self, request: web.BaseRequest) -> web.WebSocketResponse:
        """Upgrade the request, and serve the session until it ends."""
        websocket = web.WebSocketResponse(
            autoping=False, compress=False, max_msg_size=MAX_MESSAGE_BYTES, protocols=self.subprotocols
        )
        websocket.headers.update(self._headers)
        self._transport = request.transport
        self._stats.session_opened()
        close_code = None
        try:
            await websocket.prepare(request)
            self._opened()
            close_code = await self._receive(websocket)
        except ConnectionError:
            pass  # gone while we were writing: lost
        finally:
            self._end(close_code)
        return websocket

    def cut(self, cause: Cause) -> None:
        """Drop the connection without a close frame."""
        if self._transport is not None and not self._cut:
            self._cut = True
            self._stats.cuts[cause] += 1
            self._transport.abort()

    def close(self, code: int) -> None:
        """Send a close frame; whoever does not answer it soon loses the connection."""
        if self._closing_with is None:
            self._closing_with = code
            self._write(WSMsgType.CLOSE, code.to_bytes(2, "big"))
            if self._transport is not None:
                self._after(CLOSE_WITHIN_S, self._transport.abort, "close")

    def _opened(self) -> None:
        """The handshake is complete."""

    def _heard(self, text: str) -> None:
        """A text message has come."""

    def _ended(self) -> None:
        """The connection is gone."""

    def _ping(self) -> None:
        """Ask the client for a sign of life."""
        self._write(WSMsgType.PING, b"")

    def _call_answered(self) -> None:
        """Count the session once, however many of its calls are answered."""
        if not self._answered:
            self._answered = True
            self._stats.sessions_answered += 1

    def _keep_pinging(self) -> None:
        """Ping from now on, each time after the policy's period."""
        self._after(self._policy.ping_every_s, self._beat, "ping")

    def _beat(self) -> None:
        """Ping once in a while; whoever has not answered by the next time is gone."""
        if self._pong_due:
            self.cut("pong_timeout")
            return
        self._pong_due = True
        self._stats.pings += 1
        self._ping()
        self._keep_pinging()

    def _ponged(self) -> None:
        self._pong_due = False
        self._stats.pongs += 1

    def _after(self, delay_s: float, act: Callable[..., object], name: str, *arguments: Any) -> None:
        """Do this later, instead of what was to be done later under the same name."""
        self._cancel_timer(name)
        self._timers[name] = asyncio.get_running_loop().call_later(delay_s, act, *arguments)

    def _cancel_timer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def _write(self, opcode: WSMsgType, payload: bytes) -> None:
        """Write one unmasked frame (RFC 6455 5.2), at once: aiohttp's way would need a task for each."""
        if self._transport is not None and not self._transport.is_closing():
            size = len(payload)
            if size < 126:
                header = bytes((0x80 | opcode, size))
            elif size < 1 << 16:
                header = bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big")
            else:
                header = bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big")
            self._transport.write(header + payload)

    async def _receive(self, websocket: web.WebSocketResponse) -> int | None:
        """Read frames until the session ends: its close code, or None if it ended without a close frame."""
        while True:
            message = await websocket.receive()  # answers a close frame by itself
            if message.type is WSMsgType.TEXT:
                if self._closing_with is None:
                    self._heard(message.data)
            elif message.type is WSMsgType.PING:
                await websocket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self._ponged()
            elif message.type is WSMsgType.CLOSE:
                code = int(message.data)
                return PROTOCOL_ERROR if code in NEVER_ON_THE_WIRE else code or NO_STATUS
            elif message.type is WSMsgType.ERROR and isinstance(message.data, WebSocketError):
                return int(message.data.code)  # a frame that RFC 6455 forbids or that is too long: we have closed
            elif message.type in (WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return None

    def _end(self, close_code: int | None) -> None:
        for name in tuple(self._timers):
            self._cancel_timer(name)
        self._stats.sessions_open -= 1
        if not self._cut:
            code = self._closing_with or close_code  # whoever sent a close frame first has chosen the code
            if code is None:
                self._stats.lost += 1
            else:
                self._stats.closes[code] += 1
        self._ended()


class Sessions:
    """The open sessions, by id and by caller.

    Args:
        drop_all_after_s: how long after the first of them all that are open are cut; None for never.
    """

    def __init__(self, drop_all_after_s: float | None = None) -> None:
        self._drop_all_after_s = drop_all_after_s
        self._by_id: dict[str, Session] = {}
        self._by_caller: dict[Caller, set[Session]] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._by_id.values()))

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
        """The session of this id, if it is this organisation's."""
        session = self._by_id.get(session_id) if isinstance(session_id, str) else None
        return session if session and session.caller.organisation == organisation else None

    def of(self, caller: Caller) -> tuple[Session, ...]:
        """All sessions of one caller."""
        return tuple(self._by_caller.get(caller, ()))

    def drop_all(self) -> None:
        """Cut every open session: what a network, or a node of the service, that fails does to its clients."""
        for session in self:
            session.cut("drop_all")
