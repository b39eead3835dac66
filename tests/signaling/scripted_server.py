"""A TCP server that does exactly what a test scripts, including faults that no correct server has."""

from __future__ import annotations

import select
import socket
import struct
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import sha1

from locust_softphone.signaling.target import Target

Script = Callable[[socket.socket], None]


@contextmanager
def serving(*scripts: Script) -> Iterator[Target]:
    """Run each script on one accepted connection, in order of acceptance; yields the target to connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(len(scripts) + 1) as threads:

        def run(script: Script, connection: socket.socket) -> None:
            with connection, suppress(OSError):  # the client may leave first
                connection.settimeout(30)
                script(connection)

        def accept() -> None:
            with suppress(OSError):  # the listener is closed
                for script in scripts:
                    threads.submit(run, script, listener.accept()[0])

        threads.submit(accept)
        try:
            yield Target("127.0.0.1", listener.getsockname()[1]).resolved()
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def read_head(connection: socket.socket) -> bytes:
    return read_until(b"\r\n\r\n", connection)


def read_until(mark: bytes, connection: socket.socket) -> bytes:
    """Read until ``mark`` has come or the client has closed."""
    data = b""
    while mark not in data:
        part = connection.recv(4096)
        if not part:
            break
        data += part
    return data


def says(*parts: bytes) -> Script:
    """Read a request's head, send ``parts``, then send a FIN."""

    def script(connection: socket.socket) -> None:
        read_head(connection)
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)

    return script


def switches(*frames: bytes, then: Script | None = None, extra: bytes = b"", together: bool = False) -> Script:
    """Accept the upgrade, with ``extra`` header lines, send ``frames``, then continue with ``then``."""

    def script(connection: socket.socket) -> None:
        head = b"HTTP/1.1 101 Switching Protocols\r\n" + accept_lines(read_head(connection)) + extra + b"\r\n"
        for part in [head + b"".join(frames)] if together else [head, *frames]:
            connection.sendall(part)
        if then:
            then(connection)
        else:
            connection.shutdown(socket.SHUT_WR)

    return script


def accept_lines(request: bytes) -> bytes:
    key = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    digest = sha1(key.split(b":")[1].strip() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + b64encode(digest) + b"\r\n"


def resets(connection: socket.socket) -> None:
    """Close with an RST instead of a FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def waits_for_the_client(connection: socket.socket) -> None:
    """Send nothing until the client closes."""
    while connection.recv(4096):
        pass


def passes_on(target: Target) -> Script:
    """Forward to another server until either side closes."""

    def script(connection: socket.socket) -> None:
        with socket.create_connection((target.host, target.port)) as server:
            other = {connection: server, server: connection}
            while True:
                for side in select.select([*other], [], [])[0]:
                    if not (data := side.recv(65536)):
                        return
                    other[side].sendall(data)

    return script


def says_goodbye(connection: socket.socket) -> None:
    """Send nothing until the client sends a close frame, then answer it."""
    if b"\x88" in read_until(b"\x88", connection):
        connection.sendall(close_frame(1000))


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    assert len(payload) < 1 << 16
    size = bytes([len(payload)]) if len(payload) < 126 else struct.pack("!BH", 126, len(payload))
    return bytes([fin << 7 | rsv << 4 | opcode]) + size + payload


def close_frame(code: int) -> bytes:
    return frame(8, struct.pack("!H", code))
