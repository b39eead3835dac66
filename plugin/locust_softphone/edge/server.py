"""The edge as a process: listen, report the URL, serve until stopped."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import random
import resource
import signal
import ssl
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from locust_softphone.config.policy import Policy
from locust_softphone.edge.application import Edge
from locust_softphone.edge.http_server import HttpServer
from locust_softphone.errors import InputError

__all__ = ["serve"]

BACKLOG = 4096  # connections of a burst that may wait to be accepted
SHUTDOWN_S = 0.1


def serve(
    *,
    policy: Policy,
    ready_to: Callable[[str], None],
    host: str = "127.0.0.1",
    port: int = 0,
    ssl_context: ssl.SSLContext | None = None,
    until_stdin_closes: bool = False,
    ended_with: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> None:
    """Run an edge in this process, on its main thread, until SIGINT or SIGTERM.

    Args:
        policy: what the edge allows.
        ready_to: called with the edge's URL once it listens.
        host: the address to listen on.
        port: the port; 0 takes any free port.
        ssl_context: if given, the edge serves TLS with it.
        until_stdin_closes: also stop at the end of stdin, so that the edge ends with the process that started it.
        ended_with: called at the end with the final counters, as ``GET /stats`` shows them.

    Raises:
        InputError: the edge cannot listen on this address.
    """
    if not 0 <= port <= 65535:
        raise InputError(f"{host}:{port}: cannot listen there: a port is a number from 0 to 65535")
    _take_all_descriptors()
    edge = Edge(policy, random.Random())
    _run(_serve(edge, policy.request_timeout_s, ready_to, host, port, ssl_context, until_stdin_closes))
    ended_with(edge.stats())


def _run(main: Coroutine[Any, Any, None]) -> None:
    """As ``asyncio.run``, on uvloop if it is installed: it serves a third more."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def _serve(
    edge: Edge,
    timeout_s: float,
    ready_to: Callable[[str], None],
    host: str,
    port: int,
    ssl_context: ssl.SSLContext | None,
    until_stdin_closes: bool,
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    handler = HttpServer(edge.serve, timeout_s)
    try:
        listener = await loop.create_server(
            handler,
            host,
            port,
            backlog=BACKLOG,
            ssl=ssl_context,
            ssl_handshake_timeout=timeout_s if ssl_context else None,
        )
    except OSError as e:
        raise InputError(_cannot_listen(host, port, e)) from e
    if until_stdin_closes:
        threading.Thread(target=_wait_for_eof, args=(loop, stop), daemon=True).start()
    _collect_garbage_rarely()
    ready_to(_url_of(host, listener.sockets[0].getsockname()[1], tls=ssl_context is not None))
    watch = asyncio.create_task(handler.close_the_silent())
    await stop.wait()
    watch.cancel()
    listener.close()
    await handler.shutdown(SHUTDOWN_S)


def _url_of(host: str, port: int, *, tls: bool) -> str:
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def _cannot_listen(host: str, port: int, error: OSError) -> str:
    """The reason, in one line."""
    if error.errno == errno.EADDRINUSE:
        return f"{host}:{port}: the port is in use, choose another with --port"
    if error.errno == errno.EACCES:
        return f"{host}:{port}: the port is reserved for root, choose one above 1023 with --port"
    return f"{host}:{port}: cannot listen there: {error}"


def _take_all_descriptors() -> None:
    """Raise the soft limit on open files to the hard limit: each session needs a descriptor."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems do not grant the hard limit that they report
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _collect_garbage_rarely() -> None:
    """Exclude what exists at the start, and collect rarely: sessions are freed by reference count."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _wait_for_eof(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Read stdin to its end, in a thread: an event loop cannot wait for every kind of file that stdin may be."""
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    with suppress(RuntimeError):  # the edge was stopped in another way, and the loop is closed
        loop.call_soon_threadsafe(stop.set)
