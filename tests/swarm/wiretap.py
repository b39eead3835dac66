"""A forwarder between softphones and edge that records the edge's replies, so that a test knows the bearer tokens."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["Wiretap", "tapped"]


class Wiretap:
    """The replies that were recorded."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._recorded = b""
        self._lock = threading.Lock()

    def record(self, data: bytes) -> None:
        with self._lock:
            self._recorded += data

    @property
    def bearers(self) -> set[str]:
        return {found.decode() for found in re.findall(rb'"access_token": ?"([^"]+)"', self._recorded)}


@contextmanager
def tapped(edge: tuple[str, int]) -> Iterator[Wiretap]:
    """Record all connections to the edge at this address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wiretap = Wiretap(listener.getsockname()[1])

        def forward(source: socket.socket, sink: socket.socket, recorded: bool) -> None:
            with suppress(OSError):
                while data := source.recv(65536):
                    if recorded:
                        wiretap.record(data)
                    sink.sendall(data)
            for each in (source, sink):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

        def accept() -> None:
            with suppress(OSError):  # the listener is closed
                while True:
                    softphone, _ = listener.accept()
                    upstream = socket.create_connection(edge)
                    opened.extend((softphone, upstream))
                    for pair in ((softphone, upstream, False), (upstream, softphone, True)):
                        threading.Thread(target=forward, args=pair, daemon=True).start()

        opened: list[socket.socket] = []
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield wiretap
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for each in opened:
                each.close()
