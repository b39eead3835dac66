"""The client side of TLS without a socket: bytes from the network go in, bytes for the network come out.

    --softphone-ca FILE    trusts only this authority; uses rustls (package rtls) where there is a wheel
    otherwise              trusts the system's authorities; uses Python's ssl

A handshake with rustls costs half the CPU of one with OpenSSL 3.0, and two handshakes are most of a call over wss
(``benchmarks/cpu_per_call.py --tls``). But rtls 2026.9.21 copies all trusted authorities for each connection. With the
system's, that takes 0.34 ms and about 200 KB, more than it saves. It can be used for those too once it builds its
configuration once per context.

Both verify the certificate and the host name (RFC 9525), and both have the interface of ``ssl``.
"""

from __future__ import annotations

import ssl
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from locust_softphone.errors import InputError

rtls: Any = import_module("rtls") if find_spec("rtls") else None  # not every platform has a wheel

__all__ = ["Tls", "client_context", "engine_of"]

_RECORD = 16_384  # the most that one record carries, RFC 8446 5.1


def client_context(ca_file: str | None = None) -> ssl.SSLContext:
    """A context that verifies certificates; a process needs only one.

    Args:
        ca_file: PEM file of a private certificate authority, trusted instead of the system's.

    Raises:
        InputError: the file cannot be read or contains no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise InputError(f"--softphone-ca {ca_file}: no readable PEM certificates ({error})") from None
    if not ca_file or rtls is None:
        return context
    trusting: ssl.SSLContext = rtls.create_default_context(cafile=ca_file)
    return trusting


def engine_of(context: ssl.SSLContext) -> str:
    """The TLS library behind this context, with its version."""
    return f"rtls {version('rtls')}" if _is_rtls(context) else ssl.OPENSSL_VERSION


def _is_rtls(context: ssl.SSLContext) -> bool:
    return rtls is not None and isinstance(context, rtls.SSLContext)


class _Buffer:
    """Replaces the ``MemoryBIO`` of ``rtls``, whose lock is gevent's here and costs 5 % of a call over wss."""

    __slots__ = ("_closed", "_data")

    def __init__(self) -> None:
        self._data = b""
        self._closed = False

    def read(self) -> bytes:
        data, self._data = self._data, b""
        return data

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def write_eof(self) -> None:
        self._closed = True

    @property
    def eof(self) -> bool:
        return self._closed and not self._data


class Tls:
    """The TLS of one connection. Errors are those of ``ssl``.

    Args:
        context: from ``client_context``.
        host: the name or address that the certificate must be for.
    """

    __slots__ = ("_incoming", "_object", "_outgoing")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        buffer: Any = _Buffer if _is_rtls(context) else ssl.MemoryBIO
        self._incoming: ssl.MemoryBIO = buffer()
        self._outgoing: ssl.MemoryBIO = buffer()
        name = host.encode("idna").decode("ascii")  # ssl does so by itself, rtls does not
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        if buffer is not _Buffer:  # rtls has made its ClientHello already
            self.do_handshake()

    def do_handshake(self) -> bool:
        """Continue the handshake (RFC 8446 2); returns False while it needs more data."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def receive_data(self, data: bytes) -> None:
        """Take data from the network; empty data means that the other side has closed."""
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def data_to_send(self) -> bytes:
        """The data to send now, possibly empty."""
        return self._outgoing.read()

    def decrypted(self) -> bytes | None:
        """The next decrypted data; empty after a close_notify (RFC 8446 6.1), None while there is none.

        Raises:
            ssl.SSLEOFError: the connection ended without a close_notify, so that data may be missing.
        """
        try:
            return self._object.read(_RECORD)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLZeroReturnError:
            return b""
        except ssl.SSLEOFError:
            if isinstance(self._incoming, _Buffer):  # rtls says so after a close_notify too
                return b""
            raise

    def encrypt(self, data: bytes) -> None:
        """Encrypt ``data`` for ``data_to_send``."""
        while data:
            data = data[self._object.write(data) :]
