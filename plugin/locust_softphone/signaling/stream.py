"""One TCP or TLS connection with a read buffer.

A reader that asks for two bytes at a time, as a WebSocket frame parser does, costs a system call only when the buffer
is empty. ``deadline_s`` bounds all reads and writes together, so an edge that sends a byte at a time gains no time.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeAlias

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.socket_errors import failure_of
from locust_softphone.signaling.tls import Tls

__all__ = ["MakeSocket", "Socket", "Stream", "remaining_s"]

_READ_SIZE = 16_384


class Socket(Protocol):
    """The part of ``socket.socket`` that a stream uses."""

    def setsockopt(self, level: int, option: int, value: int, /) -> None: ...

    def bind(self, address: Any, /) -> None: ...

    def settimeout(self, seconds: float, /) -> None:
        """Limit each of the following calls."""

    def connect(self, address: Any, /) -> None: ...

    def send(self, data: bytes, /) -> int: ...

    def recv(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


MakeSocket: TypeAlias = Callable[[int, int], Socket]
"""Makes a socket of a family and a kind."""


class Stream:
    """A connected socket with a read buffer, with or without TLS."""

    __slots__ = ("_buffer", "_socket", "_tls", "deadline_s")

    def __init__(self, connected: Socket, deadline_s: float) -> None:
        self._socket = connected
        self._tls: Tls | None = None
        self._buffer = b""
        self.deadline_s = deadline_s
        """When reads and writes give up, by ``time.perf_counter``."""

    @classmethod
    def connect(
        cls,
        addresses: Sequence[tuple[Any, ...]],
        timeout_s: float,
        start_tls: Callable[[], Tls] | None = None,
        make_socket: MakeSocket = socket.socket,
    ) -> Stream:
        """Open a connection within ``timeout_s`` to the first address that accepts one (RFC 1123 2.3).

        Args:
            addresses: families such as ``socket.AF_INET``, each with an address as ``socket.connect`` takes it.
            timeout_s: bounds the TCP and the TLS handshake together; each address has an equal share of what is left.
            start_tls: for TLS, begins its handshake.
            make_socket: makes the socket.

        Raises:
            AttemptFailed: an outcome that ``never_arrived``, or ``TIMED_OUT`` or ``RESET`` during the TLS handshake.
        """
        deadline_s = time.perf_counter() + timeout_s
        left = len(addresses)
        for family, address in addresses:
            try:
                connected = _connected(family, address, remaining_s(deadline_s) / left, make_socket)
                break
            except (OSError, ValueError) as error:
                left -= 1
                if not left:
                    raise failure_of(error, "TCP") from None
        stream = cls(connected, deadline_s)
        try:
            if start_tls:
                stream._start_tls(start_tls())
        except BaseException as error:
            stream.close()
            if isinstance(error, (OSError, ValueError)):
                raise failure_of(error, "TLS") from None
            raise
        return stream

    def _start_tls(self, tls: Tls) -> None:
        try:
            while True:
                self._transmit(tls.data_to_send())
                data = self._receive()
                if not data:
                    raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "closed during the TLS handshake")
                tls.receive_data(data)
                if tls.do_handshake():
                    break
        except ssl.SSLError:
            with suppress(OSError):
                self._transmit(tls.data_to_send())  # the alert with the reason
            raise
        self._tls = tls  # the end of the handshake goes out with the first data

    @property
    def is_idle(self) -> bool:
        """Whether neither data nor a close has come since the last read. It is for a stream that is kept or closed:
        data that has come is lost.
        """
        if self._buffer:
            return False
        tls = self._tls
        try:
            self._socket.settimeout(0.0)
            while tls is None or tls.decrypted() is None:  # a session ticket is not data, RFC 8446 4.6.1
                data = self._socket.recv(_READ_SIZE)
                if tls is None or not data:
                    return False
                tls.receive_data(data)
        except BlockingIOError:
            return True
        except (OSError, ValueError):
            pass
        return False

    def ahead(self, size: int = 1) -> bytes:
        """The buffer, filled from the network to at least ``size`` bytes. They stay in the buffer.

        Raises:
            AttemptFailed: ``LOST`` when the other side has closed; or as ``recv``.
        """
        if len(self._buffer) < size:
            parts, missing = [self._buffer], size - len(self._buffer)
            try:
                while missing > 0:
                    parts.append(self._more())
                    missing -= len(parts[-1])
            finally:
                self._buffer = b"".join(parts)
        return self._buffer

    def skip(self, size: int) -> None:
        """Remove ``size`` bytes from the buffer."""
        self._buffer = self._buffer[size:]

    def recv(self, size: int) -> bytes:
        """At most ``size`` bytes; none when the other side has closed.

        Raises:
            AttemptFailed: ``TIMED_OUT``, ``RESET`` or ``LOST``.
        """
        if not self._buffer:
            self._buffer = self._more(or_end=True)
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def read_until(self, end: re.Pattern[bytes], limit: int) -> bytes:
        """All bytes up to and including the first match of ``end``; the bytes after it stay in the buffer.

        Raises:
            AttemptFailed: ``MALFORMED`` past ``limit`` bytes; or as ``ahead``.
        """
        data, self._buffer = self._buffer, b""
        while not (found := end.search(data)):
            if len(data) > limit:
                raise AttemptFailed(Outcome.MALFORMED)
            data += self._more()
        self._buffer = data[found.end() :]
        return data[: found.end()]

    def read_exactly(self, size: int) -> bytes:
        """Exactly ``size`` bytes; raises as ``ahead``."""
        data = self.ahead(size)[:size]
        self.skip(size)
        return data

    def send(self, data: bytes) -> None:
        """Send all of ``data``.

        Raises:
            AttemptFailed: ``TIMED_OUT``, ``RESET`` or ``LOST``.
        """
        try:
            if self._tls is not None:
                self._tls.encrypt(data)
                data = self._tls.data_to_send()
            self._transmit(data)
        except (OSError, ValueError) as error:
            raise failure_of(error) from None

    def close(self) -> None:
        """Close without waiting. TLS says so first (RFC 8446 6.1), and completes its handshake."""
        self._buffer = b""
        tls, self._tls = self._tls, None
        try:
            if tls is not None:
                tls.close()
                self._socket.settimeout(0.0)
                self._socket.send(tls.data_to_send())
        except OSError:
            pass
        finally:
            with suppress(OSError):
                self._socket.close()

    def _more(self, *, or_end: bool = False) -> bytes:
        """The next bytes; with ``or_end``, none when the other side has closed."""
        try:
            data = self._receive() if self._tls is None else self._receive_decrypted(self._tls)
        except (OSError, ValueError) as error:
            raise failure_of(error) from None
        if not data and not or_end:
            raise AttemptFailed(Outcome.LOST)
        return data

    def _receive(self) -> bytes:
        self._socket.settimeout(self._remaining_s())
        data = self._socket.recv(_READ_SIZE)
        if len(data) == _READ_SIZE:
            time.sleep(0)  # more is waiting: let other greenlets run before the next read
        return data

    def _receive_decrypted(self, tls: Tls) -> bytes:
        while (data := tls.decrypted()) is None:
            self._transmit(tls.data_to_send())  # the end of the handshake, or a key update (RFC 8446 4.6.3)
            tls.receive_data(self._receive())
        return data

    def _transmit(self, data: bytes) -> None:
        while data:
            self._socket.settimeout(self._remaining_s())
            data = data[self._socket.send(data) :]

    def _remaining_s(self) -> float:
        remaining_s = self.deadline_s - time.perf_counter()
        if remaining_s <= 0:
            raise TimeoutError
        return remaining_s


def _connected(family: int, address: Any, timeout_s: float, make_socket: MakeSocket) -> Socket:
    """A socket with a TCP connection to an address."""
    connected = make_socket(family, socket.SOCK_STREAM)
    try:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.settimeout(timeout_s)
        connected.connect(address)
    except BaseException:
        connected.close()
        raise
    return connected


def remaining_s(deadline_s: float) -> float:
    """The seconds until a deadline by ``time.perf_counter``, at least 0."""
    return max(deadline_s - time.perf_counter(), 0.0)
