"""Forwards TCP to a simulated edge and cuts connections, with the faults that toxiproxy names.

    softphone ──► Forwarder ──► edge          reset_peer    both sides get an RST
                                              limit_data    both get a FIN
                                              timeout       nothing passes any more
                                              slicer        everything passes, one byte at a time

Each fault happens once; the next connection works.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.edge_process import EdgeProcess
from tests.faults.proxies import an_edge

__all__ = ["Cut", "Forwarder", "fin", "forwarder", "rst", "silence"]

PATIENCE_S = 20.0
READ_SIZE = 65536
NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class Link:
    """A softphone's connection, and its connection to the edge."""

    softphone: asyncio.StreamWriter
    edge: asyncio.StreamWriter
    dead: bool = False
    passes: int | None = None  # bytes from the edge before the cut

    @property
    def both(self) -> tuple[asyncio.StreamWriter, asyncio.StreamWriter]:
        return self.softphone, self.edge


End = Callable[[Link], None]


def rst(link: Link) -> None:
    """Both sides get an RST."""
    link.dead = True
    for writer in link.both:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        writer.transport.abort()


def fin(link: Link) -> None:
    """Both sides get a FIN."""
    link.dead = True
    for writer in link.both:
        writer.close()


def silence(link: Link) -> None:
    """All data is lost; the connections stay open."""
    link.dead = True


@dataclass(frozen=True)
class Cut:
    """Cuts a connection in the middle of a response.

    Args:
        request: the beginning of the request.
        after: the number of bytes of the response that pass.
        end: how the connection ends.
    """

    request: bytes
    after: int
    end: End


class Forwarder:
    """Forwards connections to an edge.

    Args:
        edge: the edge.
        cut: a cut that happens by itself, without ``cut_the_last``.
        slice_bytes: the most bytes that are forwarded at a time.
    """

    def __init__(self, edge: EdgeProcess, cut: Cut | None, slice_bytes: int) -> None:
        self.edge = edge
        self.url = ""
        self.listening = threading.Event()
        self._cut = cut
        self._slice_bytes = slice_bytes
        self._links: list[Link] = []
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()

    def run(self) -> None:
        """Forward until ``stop``. Other threads call ``stop`` and ``cut_the_last``."""
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)

    def cut_the_last(self, end: End) -> None:
        """End the one link that is left, once the others have gone: those of requests, whose answers are on the way."""
        asyncio.run_coroutine_threadsafe(self._cut_the_last(end), self._loop)

    async def _cut_the_last(self, end: End) -> None:
        while len(self._links) > 1:
            await asyncio.sleep(0.01)
        self._cut_all(end)

    def _cut_all(self, end: End) -> None:
        for link in self._links:
            end(link)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = "http://{}:{}".format(*server.sockets[0].getsockname())
        self.listening.set()
        await self._over.wait()
        server.close()
        self._cut_all(fin)
        while self._links:
            await asyncio.sleep(0.01)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        edge_reader, edge_writer = await asyncio.open_connection(*self.edge.address)
        link = Link(writer, edge_writer)
        self._links.append(link)
        await asyncio.gather(self._upwards(reader, link), self._downwards(edge_reader, link))
        self._links.remove(link)

    async def _upwards(self, reader: asyncio.StreamReader, link: Link) -> None:
        with suppress(OSError):
            while data := await reader.read(READ_SIZE):
                if self._cut and data.startswith(self._cut.request):
                    link.passes = self._cut.after
                await self._pass_on(data, link.edge, link)
        for writer in link.both:  # the softphone has left, and nobody else is there
            writer.close()

    async def _downwards(self, reader: asyncio.StreamReader, link: Link) -> None:
        with suppress(OSError):
            while data := await reader.read(READ_SIZE):
                passes = len(data) if link.passes is None else min(len(data), link.passes)
                await self._pass_on(data[:passes], link.softphone, link)
                if link.passes is not None:
                    link.passes -= passes
                    if not link.passes and self._cut:
                        end, self._cut = self._cut.end, None
                        end(link)
        if not link.dead:
            link.softphone.close()

    async def _pass_on(self, data: bytes, to: asyncio.StreamWriter, link: Link) -> None:
        for begin in range(0, len(data), self._slice_bytes):
            if not link.dead:
                to.write(data[begin : begin + self._slice_bytes])
                await to.drain()


@contextmanager
def forwarder(cut: Cut | None = None, slice_bytes: int = READ_SIZE) -> Iterator[Forwarder]:
    """Runs a forwarder with an edge of its own."""
    with an_edge() as edge:
        wire = Forwarder(edge, cut, slice_bytes)
        thread = threading.Thread(target=wire.run)
        thread.start()
        try:
            assert wire.listening.wait(PATIENCE_S)
            yield wire
        finally:
            wire.stop()
            thread.join()
