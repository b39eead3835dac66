"""One WebSocket session on the edge, from its handshake to its one ending.

    101 ── set-up time ──► ready ── ping, pong, ping … ──► close frame        counted under its close code
                             │                        ├──► gone without one   counted as lost
                             └─ offer refused         └──► cut by the edge    counted under its cause
                                └─ offer deadline ──► cut
    drop_all_after the first session ───────────────────► cut, every one that is open, at one instant

To be cut is to lose the TCP connection without a close frame: what a browser reports as 1006 (RFC 6455 7.1.5).
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping

from aiohttp import WebSocketError, WSMsgType, web

from locust_softphone.edge.policy import Policy
from locust_softphone.edge.request import Caller
from locust_softphone.edge.stats import Cause, Stats

__all__ = ["Session", "Sessions"]

MAX_MESSAGE_BYTES = 64 * 1024
NO_STATUS = 1005  # stands for a close frame without a code, RFC 6455 7.1.5


class Session:
    """Owns the WebSocket of one caller, its timers, and what is counted about it.

    Args:
        caller: who opened it.
        policy: its offer deadline and pings.
        stats: where it is counted.
        setup_s: seconds from the 101 until it is ready.
        headers: what the 101 carries besides its own.
    """

    def __init__(
        self, caller: Caller, policy: Policy, stats: Stats, *, setup_s: float, headers: Mapping[str, str]
    ) -> None:
        self.id = secrets.token_hex(8)
        self.caller = caller
        self.ready = False
        self._setup_s = setup_s
        self._headers = headers
        self._policy = policy
        self._stats = stats
        self._answered = False
        self._cut = False
        self._pong_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    async def run(self, request: web.BaseRequest) -> web.WebSocketResponse:
        """Upgrade the request, and serve the session until it ends."""
        websocket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=MAX_MESSAGE_BYTES)
        websocket.headers.update(self._headers)
        websocket.headers["X-Session-Id"] = self.id
        self._transport = request.transport
        self._stats.session_opened()
        close_code = None
        try:
            await websocket.prepare(request)
            if self._setup_s:
                self._timer = asyncio.get_running_loop().call_later(self._setup_s, self._become_ready)
            else:
                self._become_ready()
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

    def offer_refused(self) -> None:
        """The offer deadline runs from the first offer that was not answered."""
        if self._deadline is None:
            delay_s = self._policy.offer_deadline_s
            self._deadline = asyncio.get_running_loop().call_later(delay_s, self.cut, "offer_deadline")

    def offer_answered(self) -> None:
        """No deadline runs any more."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if not self._answered:
            self._answered = True
            self._stats.sessions_answered += 1

    def _become_ready(self) -> None:
        self.ready = True
        self._stats.ready += 1
        self._write(WSMsgType.TEXT, json.dumps({"type": "ready", "session": self.id}).encode())
        self._timer = asyncio.get_running_loop().call_later(self._policy.ping_every_s, self._beat)

    def _beat(self) -> None:
        """Ping once in a while; whoever has not answered by the next time is gone."""
        if self._pong_due:
            self.cut("pong_timeout")
            return
        self._pong_due = True
        self._stats.pings += 1
        self._write(WSMsgType.PING, b"")
        self._timer = asyncio.get_running_loop().call_later(self._policy.ping_every_s, self._beat)

    def _write(self, opcode: WSMsgType, payload: bytes) -> None:
        """Write one unmasked frame of less than 126 bytes (RFC 6455 5.2), at once: aiohttp's would need a task each."""
        if self._transport is not None:
            self._transport.write(bytes((0x80 | opcode, len(payload))) + payload)

    async def _receive(self, websocket: web.WebSocketResponse) -> int | None:
        """Read frames until the session ends: its close code, or None if it ended without a close frame."""
        while True:
            message = await websocket.receive()  # answers a close frame by itself
            if message.type is WSMsgType.PING:
                await websocket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self._pong_due = False
                self._stats.pongs += 1
            elif message.type is WSMsgType.CLOSE:
                return int(message.data) or NO_STATUS
            elif message.type is WSMsgType.ERROR and isinstance(message.data, WebSocketError):
                return int(message.data.code)  # a frame that RFC 6455 forbids or that is too long: we have closed
            elif message.type in (WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return None
            # Nothing else needs a reply: after a bye the client's close frame follows.

    def _end(self, close_code: int | None) -> None:
        for timer in (self._timer, self._deadline):
            if timer is not None:
                timer.cancel()
        self._stats.sessions_open -= 1
        if self._cut:
            return
        if close_code is None:
            self._stats.lost += 1
        else:
            self._stats.closes[close_code] += 1


class Sessions:
    """The open sessions, by id and by caller.

    Args:
        drop_all_after_s: how long after the first of them all that are open are cut; None for never.
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
        """The session of this id, if it is this organisation's."""
        session = self._by_id.get(session_id) if isinstance(session_id, str) else None
        return session if session and session.caller.organisation == organisation else None

    def drop_all(self) -> None:
        """Cut every open session: what a network, or a node of the service, that fails does to its clients."""
        for session in self._by_id.values():
            session.cut("drop_all")

    def of(self, caller: Caller) -> tuple[Session, ...]:
        """All sessions of one caller."""
        return tuple(self._by_caller.get(caller, ()))
