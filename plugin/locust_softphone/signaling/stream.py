"""One TCP or TLS connection with a read buffer, and the only place that turns a socket's errors into outcomes.

A reader that asks for two bytes at a time, as a WebSocket frame parser does, costs a system call only when the buffer
is empty. Every read and write is bounded by ``deadline_s``: an edge that answers a byte at a time does not get longer.
"""

from __future__ import annotations

import errno
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from locust_softphone.errors import AttemptFailed, InputError
from locust_softphone.outcome import Outcome
from locust_softphone.signaling.tls import Tls, client_context

__all__ = ["ASK_FIRST", "Stream", "Target"]

ASK_FIRST = "not this machine. A load test needs its owner's permission: add --softphone-authorized once you have it"

_READ_SIZE = 16_384
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}

_OUTCOME_OF_ERRNO = {
    errno.ECONNREFUSED: Outcome.CONNECT_REFUSED,
    errno.ECONNRESET: Outcome.RESET,
    errno.ECONNABORTED: Outcome.RESET,
    errno.EPIPE: Outcome.RESET,
}


@dataclass(frozen=True)
class Target:
    """The edge: where it listens and whether over TLS.

    Args:
        host: a name or an address.
        port: the TCP port.
        tls: the context for TLS, one for the whole process, or None for plain TCP.
        addresses: what ``host`` resolved to; filled by ``resolved``, so that no softphone waits for DNS, and that what
            was checked is what is connected to, whatever DNS says later.
        authorized: whether addresses other than this machine's own may be used.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    addresses: tuple[tuple[Any, ...], ...] = field(default=(), repr=False)
    authorized: bool = False

    @classmethod
    def parse(cls, url: str, *, ca_file: str | None = None, authorized: bool = False) -> Target:
        """Read ``http(s)://host[:port]`` or ``ws(s)://…``.

        Args:
            url: the edge's address. A path is refused: the dialect has its own.
            ca_file: PEM file of a private certificate authority, trusted instead of the system's.
            authorized: whether it may be another machine.

        Raises:
            InputError: no such URL, or a CA file that cannot be read.
        """
        example = "write it like https://edge.example or http://127.0.0.1:8080"
        if "@" in url:
            raise InputError("--host: no credentials in a URL, they would end up in logs; use --softphone-client-id")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise InputError(f"--host {url!r}: not a URL, {example}") from None
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise InputError(f"--host {url!r}: not an http, https, ws or wss URL, {example}")
        if port == 0:
            raise InputError(f"--host {url!r}: nothing listens on port 0, {example}")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise InputError(f"--host {url!r}: only scheme, host and port; the paths are the dialect's, {example}")
        tls = client_context(ca_file) if parts.scheme in ("https", "wss") else None
        return cls(parts.hostname, port or _DEFAULT_PORTS[parts.scheme], tls, authorized=authorized)

    @property
    def authority(self) -> str:
        """``host:port`` as the Host header has it (RFC 9110 7.2); IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.tls else 80
        return host if self.port == default else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    @property
    def is_loopback(self) -> bool:
        """Whether the target can only be this machine: localhost or a loopback address, before any look-up."""
        try:
            return _is_loopback(self.host)
        except ValueError:
            return self.host == "localhost"

    def connect(self, timeout_s: float, choice: int = 0) -> Stream:
        """A connection to it, as ``Stream.connect`` makes one."""
        return Stream.connect(self, timeout_s, choice)

    def resolved(self) -> Target:
        """The same target with its addresses looked up, once for the whole run.

        Raises:
            AttemptFailed: ``UNRESOLVED``.
            InputError: one of the addresses is not this machine's, and nobody has authorized that.
        """
        with translated():
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        addresses = tuple((family, address) for family, _, _, _, address in found)
        beyond = [] if self.authorized else [str(each[0]) for _, each in addresses if not _is_loopback(str(each[0]))]
        if beyond:
            raise InputError(f"--host {self.url}: {self.host} is {beyond[0]}, {ASK_FIRST}")
        return replace(self, addresses=addresses)

    def reached(self, timeout_s: float) -> Target:
        """The same target with the addresses that take a connection, found by trying each once.

        No request is sent, so that the edge's count of requests stays the run's own.

        Raises:
            AttemptFailed: none of them does; the last one's failure.
            InputError: as ``resolved``.
        """
        target = self if self.addresses else self.resolved()
        failure: AttemptFailed | None = None
        reached = []
        for address in target.addresses:
            try:
                Stream.connect(replace(target, addresses=(address,)), timeout_s).close()
                reached.append(address)
            except AttemptFailed as failed:
                failure = failed
        if failure and not reached:
            raise failure
        return replace(target, addresses=tuple(reached))


def _is_loopback(address: str) -> bool:
    """Whether an address is one of 127.0.0.0/8 or ::1, also where IPv6 carries it (::ffff:127.0.0.1, RFC 4291 2.5.5.2).

    Raises:
        ValueError: it is a name.
    """
    parsed = ip_address(address)
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback


class Stream:
    """A connected socket with one read buffer, and TLS where the target has it."""

    __slots__ = ("_buffer", "_socket", "_tls", "deadline_s")

    def __init__(self, connected: socket.socket, deadline_s: float) -> None:
        self._socket = connected
        self._tls: Tls | None = None
        self._buffer = b""
        self.deadline_s = deadline_s
        """When a read or write gives up, in ``time.perf_counter`` terms."""

    @classmethod
    def connect(cls, target: Target, timeout_s: float, choice: int = 0) -> Stream:
        """Open a connection within ``timeout_s``; ``choice`` spreads softphones over a name's several addresses.

        Raises:
            AttemptFailed: an outcome that ``never_arrived``, or ``TIMED_OUT`` or ``RESET`` during the TLS handshake.
        """
        deadline_s = time.perf_counter() + timeout_s
        addresses = target.addresses or target.resolved().addresses
        family, address = addresses[choice % len(addresses)]
        with translated(connecting=True):
            connected = socket.socket(family, socket.SOCK_STREAM)
        try:
            with translated(connecting=True):
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connected.settimeout(timeout_s)
                connected.connect(address)
            stream = cls(connected, deadline_s)
            if target.tls:
                with translated(handshaking=True):
                    stream._start_tls(target.tls, target.host)
        except BaseException:
            connected.close()
            raise
        return stream

    def _start_tls(self, context: ssl.SSLContext, host: str) -> None:
        tls = Tls(context, host)
        try:
            while not tls.shake_hands():
                self._transmit(tls.goes_out())
                data = self._receive()
                if not data:
                    raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "closed during the TLS handshake")
                tls.came_in(data)
        except ssl.SSLError:
            with suppress(OSError):
                self._transmit(tls.goes_out())  # the alert that says why
            raise
        self._transmit(tls.goes_out())
        self._tls = tls

    @property
    def has_more(self) -> bool:
        """Whether something has been received that nobody has read."""
        return bool(self._buffer)

    def ahead(self) -> bytes:
        """What can be read without waiting; if that is nothing, what comes next. It stays in the buffer.

        Raises:
            AttemptFailed: as ``read``.
        """
        if not self._buffer:
            self._buffer = self._next_bytes()
            if not self._buffer:
                raise AttemptFailed(Outcome.LOST)
        return self._buffer

    def skip(self, size: int) -> None:
        """Take so many bytes, which are in the buffer, as read."""
        self._buffer = self._buffer[size:]

    def recv(self, size: int) -> bytes:
        """At most ``size`` bytes; none at all when the other side has closed.

        Raises:
            AttemptFailed: ``TIMED_OUT``, ``RESET`` or ``LOST``.
        """
        if not self._buffer:
            data = self._next_bytes()
            if len(data) <= size:
                return data
            self._buffer = data
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def read(self, size: int) -> bytes:
        """As ``recv``, where the other side is not expected to close.

        Raises:
            AttemptFailed: ``LOST`` when it has; or as ``recv``.
        """
        data = self.recv(size)
        if not data:
            raise AttemptFailed(Outcome.LOST)
        return data

    def read_until(self, end: bytes, limit: int) -> bytes:
        """All bytes up to and including ``end``; what came behind it stays in the buffer.

        Raises:
            AttemptFailed: ``MALFORMED`` past ``limit`` bytes; or as ``read``.
        """
        data, self._buffer = self._buffer, b""
        while (position := data.find(end)) < 0:
            if len(data) > limit:
                raise AttemptFailed(Outcome.MALFORMED)
            data += self.read(_READ_SIZE)
        self._buffer = data[position + len(end) :]
        return data[: position + len(end)]

    def read_exactly(self, size: int) -> bytes:
        """Exactly ``size`` bytes; raises as ``read``."""
        parts = []
        while size:
            parts.append(self.read(size))
            size -= len(parts[-1])
        return b"".join(parts)

    def send(self, data: bytes) -> None:
        """Send all of ``data``.

        Raises:
            AttemptFailed: ``TIMED_OUT``, ``RESET`` or ``LOST``.
        """
        with translated():
            if self._tls is not None:
                self._tls.encrypt(data)
                data = self._tls.goes_out()
            self._transmit(data)

    def close(self) -> None:
        """Close at once, with what the kernel still has to send."""
        self._buffer = b""
        with suppress(OSError):
            self._socket.close()

    def _next_bytes(self) -> bytes:
        with translated():
            return self._receive() if self._tls is None else self._receive_decrypted(self._tls)

    def _receive(self) -> bytes:
        self._socket.settimeout(self._remaining_s())
        data = self._socket.recv(_READ_SIZE)
        if len(data) == _READ_SIZE:
            time.sleep(0)  # there is more: under gevent, who sends without end would never let another greenlet run
        return data

    def _receive_decrypted(self, tls: Tls) -> bytes:
        while (data := tls.decrypted()) is None:
            tls.came_in(self._receive())
        if answer := tls.goes_out():  # to a key update, RFC 8446 4.6.3
            self._transmit(answer)
        return data

    def _transmit(self, data: bytes) -> None:
        if not data:
            return
        self._socket.settimeout(self._remaining_s())
        sent = self._socket.send(data)
        if sent < len(data):  # sendall asks the kernel for its buffer's size first; a request nearly always fits
            self._socket.sendall(data[sent:])

    def _remaining_s(self) -> float:
        remaining_s = self.deadline_s - time.perf_counter()
        if remaining_s <= 0:
            raise TimeoutError
        return remaining_s


class translated:  # noqa: N801 - reads as a phrase: with translated(): …
    """Turn what a socket raises into ``AttemptFailed``.

    A class rather than ``contextlib.contextmanager``: it stands around every read and write, and costs a third.

    Args:
        connecting: errors mean that no connection came about.
        handshaking: TLS errors mean that no connection came about.
    """

    __slots__ = ("_connecting", "_handshaking")

    def __init__(self, *, connecting: bool = False, handshaking: bool = False) -> None:
        self._connecting = connecting
        self._handshaking = handshaking

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (OSError, ValueError)):
            raise AttemptFailed(self._outcome(error)) from None

    def _outcome(self, error: OSError | ValueError) -> Outcome:
        if isinstance(error, TimeoutError):  # socket.timeout is the same class since Python 3.10
            return Outcome.CONNECT_TIMEOUT if self._connecting else Outcome.TIMED_OUT
        if isinstance(error, (socket.gaierror, UnicodeError)):
            return Outcome.UNRESOLVED
        if isinstance(error, ssl.SSLError):
            return Outcome.TLS_FAILED if self._handshaking else Outcome.LOST
        if isinstance(error, ValueError):  # TLS host name that is none
            return Outcome.TLS_FAILED if self._handshaking else Outcome.LOST
        if self._connecting and error.errno == errno.ETIMEDOUT:
            return Outcome.CONNECT_TIMEOUT
        unknown = Outcome.UNREACHABLE if self._connecting else Outcome.RESET
        return _OUTCOME_OF_ERRNO.get(error.errno or 0, unknown)
