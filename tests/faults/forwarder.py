"""A wire that is cut: TCP passed on to a simulated edge, until it is not, in the ways that toxiproxy names.

    softphone ──► Forwarder ──► edge          reset_peer    both sides get an RST
                                              limit_data    both get a FIN
                                              timeout       nothing passes any more, and nobody says so
                                              slicer        everything passes, a byte at a time

What happens, happens once: who comes back finds the wire mended.
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
    """A softphone's connection, and the one to the edge that belongs to it."""

    softphone: asyncio.StreamWriter
    edge: asyncio.StreamWriter
    dead: bool = False
    passes: int | None = None  # of what the edge says, so many bytes more before the cut

    @property
    def both(self) -> tuple[asyncio.StreamWriter, asyncio.StreamWriter]:
        return self.softphone, self.edge


End = Callable[[Link], None]


def rst(link: Link) -> None:
    """Either side gets an RST."""
    link.dead = True
    for writer in link.both:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        writer.transport.abort()


def fin(link: Link) -> None:
    """Either side gets a FIN."""
    link.dead = True
    for writer in link.both:
        writer.close()


def silence(link: Link) -> None:
    """Whatever either side says is lost; the connections stay."""
    link.dead = True


@dataclass(frozen=True)
class Cut:
    """Ends a link when so many bytes of what is said to a request have passed.

    Args:
        request: how it begins.
        after: how many bytes.
        end: how it ends.
    """

    request: bytes
    after: int
    end: End


class Forwarder:
    """Passes on what comes, to ``edge``.

    Args:
        edge: where to.
        cut: what is to happen, if anything is that does not wait for ``cut_the_last``.
        slice_bytes: how much at most is passed on at a time.
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
        """Until ``stop``, which is called from another thread, as is ``cut_the_last``."""
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
    """A wire to an edge of its own."""
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
