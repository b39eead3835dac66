"""aiohttp's server, hardened against hostile clients.

    head of the first request not there in time     the connection is closed without a response
    body not there in time                          reading the body raises TimeoutError
    not HTTP                                        400 by aiohttp, and no log line: clients could fill the log

On a connection that is kept alive, aiohttp's own time-out bounds the wait for the next head.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

__all__ = ["HttpServer"]

KEEP_ALIVE_S = 75.0
LINGER_S = 2.0  # how long an unwanted body is read, so that the client still gets its response
MIN_CHECK_S = 0.05


class HttpServer(web.Server):
    """Serves requests.

    Args:
        serve: answers one request.
        timeout_s: how long a client may take to send the head of its first request, and to send a body.
    """

    def __init__(self, serve: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], timeout_s: float) -> None:
        super().__init__(
            self._handle,
            access_log=None,
            logger=_logger(),
            tcp_keepalive=False,
            keepalive_timeout=KEEP_ALIVE_S,
            lingering_time=min(LINGER_S, timeout_s),
            auto_decompress=False,
        )
        self._serve = serve
        self._timeout_s = timeout_s
        self._silent: dict[web.RequestHandler, float] = {}  # when each connected, the oldest first

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._silent[handler] = self._loop.time()

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._silent.pop(handler, None)

    async def close_the_silent(self) -> None:
        """Close connections that have not sent a request in time, until cancelled; one timer serves all."""
        while True:
            await asyncio.sleep(max(self._timeout_s / 10, MIN_CHECK_S))
            latest = self._loop.time() - self._timeout_s
            for handler, connected in list(self._silent.items()):
                if connected > latest:
                    break
                handler.force_close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._silent.pop(request.protocol, None)
        if not request.body_exists:
            return await self._serve(request)
        too_slow = self._loop.call_later(self._timeout_s, request.content.set_exception, TimeoutError())
        try:
            return await self._serve(request)
        finally:
            too_slow.cancel()


def _logger() -> logging.Logger:
    """aiohttp's logger, without the requests that it could not parse."""
    logger = logging.getLogger("aiohttp.server")
    logger.addFilter(_was_parsed)
    return logger


def _was_parsed(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
