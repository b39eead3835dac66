"""aiohttp's server, with what hostile clients make necessary besides.

    head of the first request not there in time     closed, without a word
    body not there in time                          TimeoutError for whoever reads it
    not HTTP at all                                 400 by aiohttp, and nothing in the log, or clients could fill it

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
LINGER_S = 2.0  # how long what nobody wants is read, so that a client still sees why
SHORTEST_LOOK_S = 0.05


class HttpServer(web.Server):
    """Serves requests.

    Args:
        serve: answers one.
        timeout_s: how long a client may take for the head of its first request, and again for a body.
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
        self._silent: dict[web.RequestHandler, float] = {}  # since when, the oldest first

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._silent[handler] = self._loop.time()

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._silent.pop(handler, None)

    async def close_the_silent(self) -> None:
        """Close connections without a request in time, until cancelled; one timer for all of them."""
        while True:
            await asyncio.sleep(max(self._timeout_s / 10, SHORTEST_LOOK_S))
            latest = self._loop.time() - self._timeout_s
            for handler, since in list(self._silent.items()):
                if since > latest:
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
    """aiohttp's, without requests that it could not parse."""
    logger = logging.getLogger("aiohttp.server")
    logger.addFilter(_is_ours)
    return logger


def _is_ours(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
